import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deviceKeys } from '@millrace/devices'
import { simulateDevice } from '@millrace/fleet'
import type {
  CommandListBody,
  DeviceBody,
  DocumentBody,
  MessageBody,
  MessageListBody,
} from '@millrace/server'
import { eventually, findInstance, get, type Instance } from './api.ts'

/** Longest time for one hop, in milliseconds. */
const HOP_MS_MAX = 10_000
const READING_TOPIC = 'greenhouse.reading'
const ALARM_TOPIC = 'greenhouse.alarm'

/** One hop of the round trip. */
export interface Hop {
  readonly hop: string
  readonly detail: string
  /** Milliseconds since the reading was published; negative before it. */
  readonly atMs: number
}

/**
 * Sends one hot reading from a device of its own through a running greenhouse and follows it through every hop and
 * back. Rejects at the first hop that does not happen.
 */
export async function roundTrip(
  dataDirectory: string,
  device: string,
  tell: (hop: Hop) => void,
): Promise<void> {
  const instance = await findInstance(dataDirectory)
  const secret = (await readFile(join(dataDirectory, 'device-secret'), 'utf8')).trim()
  const password = deviceKeys(new TextEncoder().encode(secret)).passwordOf(device)
  const startedMs = performance.now()
  let publishedMs = Number.NaN
  let commandAtMs = Number.NaN
  const note = (hop: string, detail: string, atMs = performance.now()) =>
    tell({ hop, detail, atMs: atMs - (Number.isNaN(publishedMs) ? startedMs : publishedMs) })

  await using simulated = await simulateDevice({
    url: instance.mqttUrl,
    device,
    password,
    onCommand: ({ name, data }) => {
      commandAtMs = performance.now()
      return { executed: name, data }
    },
  })
  note('device connected', `${device} at ${instance.mqttUrl}`)
  publishedMs = performance.now()
  const reading = { celsius: 41, outsideCelsius: 30, ventPercent: 0, observedAt: 'smoke' }
  const { id } = await simulated.publish(READING_TOPIC, reading)
  note('reading acknowledged: it is on disk', `event ${id}`)
  const command = await eventually('the command', HOP_MS_MAX, async () =>
    Number.isNaN(commandAtMs) ? undefined : commandAtMs,
  )
  note('command open-vent reached the device', 'decided by the actor too-hot', command)
  await checkHops(instance, device, id, note)
}

async function checkHops(
  instance: Instance,
  device: string,
  id: string,
  note: (hop: string, detail: string) => void,
): Promise<void> {
  const event = await findEvent(instance, READING_TOPIC, (candidate) => candidate.id === id)
  note('the event is on the bus', `${READING_TOPIC} offset ${event.offset}`)
  const alarm = await findEvent(instance, ALARM_TOPIC, (candidate) => candidate.causationid === id)
  note('the actor’s event is on the bus', `${ALARM_TOPIC} offset ${alarm.offset}, caused by ${id}`)
  const commands = `/api/devices/${device}/commands`
  const done = await eventually('the end of the command', HOP_MS_MAX, async () =>
    (await get<CommandListBody>(instance, commands)).commands.find(({ state }) => state === 'done'),
  )
  note('the device’s answer came back as an event', `command ${done.id} is done`)
  const document = await eventually('the document', HOP_MS_MAX, () => findBench(instance, device))
  note('the document shows it', JSON.stringify(document.document))
  const fleet = await eventually('the presence', HOP_MS_MAX, async () => {
    const body = await get<DeviceBody>(instance, `/api/devices/${device}`)
    return body.connected && body.last[READING_TOPIC] !== undefined ? body : undefined
  })
  note('the fleet shows the device', `${fleet.protocol}, connected`)
}

async function findBench(instance: Instance, device: string): Promise<DocumentBody | undefined> {
  try {
    const document = await get<DocumentBody>(instance, `/api/collections/benches/documents/${device}`)
    return document.document.celsius === 41 && Number(document.document.alarms) > 0 ? document : undefined
  } catch {
    return undefined // Not there yet.
  }
}

function findEvent(
  instance: Instance,
  topic: string,
  matches: (event: Record<string, unknown>) => boolean,
): Promise<MessageBody> {
  return eventually(`the event on ${topic}`, HOP_MS_MAX, async () => {
    const { messages } = await get<MessageListBody>(
      instance,
      `/api/topics/${topic}/messages?from=-500&limit=500`,
    )
    return messages.find(({ event }) => event !== undefined && matches(event))
  })
}
