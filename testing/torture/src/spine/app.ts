import { actor, collection, command, defineApp, event, projection } from 'millrace'
import * as z from 'zod'
import { ALARM_EVERY } from './alarm-rule.ts'

/** Longer than any torture lasts, so that every command must be executed. */
const COMMAND_DEADLINE_MS = 3_600_000

const Reading = event('torture.reading', z.object({ number: z.int() }))
const Alarm = event('torture.alarm', z.object({ number: z.int() }))
const Look = command('look', z.object({ number: z.int() }))

const Device = collection(
  'torture-devices',
  z.object({ id: z.string(), count: z.int(), last: z.int(), sum: z.int(), alarms: z.int() }),
)

const alarming = actor('alarming', { on: Reading }, (reading) => {
  const { number } = reading.data
  if (number % ALARM_EVERY !== 0) return []
  const options = { cause: reading, deadlineMs: COMMAND_DEADLINE_MS }
  return [Alarm.from(reading, { number }), Look.to(String(reading.subject), { number }, options)]
})

const devices = projection('torture-devices', Device)
  .on(Reading, (device, { subject, data: { number } }) => ({
    id: String(subject),
    count: (device?.count ?? 0) + 1,
    last: number,
    sum: (device?.sum ?? 0) + number,
    alarms: device?.alarms ?? 0,
  }))
  .on(Alarm, (device, { subject }) => ({
    id: String(subject),
    count: device?.count ?? 0,
    last: device?.last ?? -1,
    sum: device?.sum ?? 0,
    alarms: (device?.alarms ?? 0) + 1,
  }))

/** The application that is killed again and again: every hop of the spine leaves something that can be counted. */
const app = defineApp({
  name: 'torture-spine',
  devices: { events: [Reading] },
  actors: [alarming],
  projections: [devices],
})

// `millrace start` takes the default export.
export { app as default }
