import { actor, CommandDone, collection, command, defineApp, event, projection } from 'millrace'
import * as z from 'zod'

/** What a bench says once a second: its temperature, how far its vent is open, and which hour of weather it relives. */
export const Reading = event(
  'greenhouse.reading',
  z.object({
    celsius: z.number(),
    outsideCelsius: z.number(),
    ventPercent: z.number(),
    observedAt: z.string(),
  }),
)
export const Alarm = event('greenhouse.alarm', z.object({ celsius: z.number() }))
export const OpenVent = command('open-vent', z.object({ percent: z.number().min(0).max(100) }))
export const CloseVent = command('close-vent', z.object({}))

const Bench = collection(
  'benches',
  z.object({
    id: z.string(),
    celsius: z.number(),
    ventPercent: z.number(),
    hottestCelsius: z.number(),
    alarms: z.number(),
    ventsMoved: z.number(),
    readings: z.number(),
    observedAt: z.string(),
  }),
)

const TOO_HOT_CELSIUS = 35
const COOL_AGAIN_CELSIUS = 26

const tooHot = actor('too-hot', { on: Reading }, (reading) => {
  const { celsius, ventPercent } = reading.data
  if (celsius <= TOO_HOT_CELSIUS || ventPercent === 100) return []
  return [
    Alarm.from(reading, { celsius }),
    OpenVent.to(String(reading.subject), { percent: 100 }, { cause: reading, deadlineMs: 30_000 }),
  ]
})

const coolAgain = actor('cool-again', { on: Reading }, (reading) =>
  reading.data.celsius < COOL_AGAIN_CELSIUS && reading.data.ventPercent > 0
    ? [CloseVent.to(String(reading.subject), {}, { cause: reading, deadlineMs: 30_000 })]
    : [],
)

const benches = projection('benches', Bench)
  .on(Reading, (bench, { subject, data: { celsius, ventPercent, observedAt } }) => ({
    id: String(subject),
    celsius,
    ventPercent,
    observedAt,
    hottestCelsius: Math.max(celsius, bench?.hottestCelsius ?? celsius),
    alarms: bench?.alarms ?? 0,
    ventsMoved: bench?.ventsMoved ?? 0,
    readings: (bench?.readings ?? 0) + 1,
  }))
  .on(Alarm, (bench) => bench && { ...bench, alarms: bench.alarms + 1 })
  // The device's answer comes back as an event like any other.
  .on(CommandDone, (bench) => bench && { ...bench, ventsMoved: bench.ventsMoved + 1 })

export default defineApp({
  name: 'greenhouse',
  devices: { mqtt: { port: 1883 }, events: [Reading] },
  actors: [tooHot, coolAgain],
  projections: [benches],
})
