import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { actor } from '@millrace/actors'
import { collection } from '@millrace/documents'
import { simulateDevice } from '@millrace/fleet'
import { command, event } from '@millrace/kernel'
import { projection } from '@millrace/projections'
import { CommandDone, defineApp, type RunningApp, type StartOptions, startApp } from '@millrace/server'
import { onTestFinished } from 'vitest'
import * as z from 'zod'

export const Reading = event('greenhouse.reading', z.object({ celsius: z.number() }))
export const Alarm = event('greenhouse.alarm', z.object({ celsius: z.number() }))
export const OpenVent = command('open-vent', z.object({ percent: z.number() }))
const Bench = collection(
  'benches',
  z.object({ id: z.string(), celsius: z.number(), alarms: z.number(), ventsMoved: z.number() }),
)

/** A small greenhouse; a reading of exactly 99 makes its actor throw, for ever. */
export const greenhouse = defineApp({
  name: 'greenhouse',
  devices: { events: [Reading] },
  actors: [
    actor('too-hot', { on: Reading, retry: { attemptsMax: 2, delayMsMin: 1 } }, (reading) => {
      if (reading.data.celsius === 99) throw new Error('the thermometer is broken')
      if (reading.data.celsius <= 35) return []
      const device = String(reading.subject)
      return [Alarm.from(reading, reading.data), OpenVent.to(device, { percent: 100 }, { cause: reading })]
    }),
  ],
  projections: [
    projection('benches', Bench)
      .on(Reading, (bench, { subject, data }) => ({
        alarms: 0,
        ventsMoved: 0,
        ...bench,
        id: String(subject),
        celsius: data.celsius,
      }))
      .on(Alarm, (bench) => bench && { ...bench, alarms: bench.alarms + 1 })
      .on(CommandDone, (bench) => bench && { ...bench, ventsMoved: bench.ventsMoved + 1 }),
  ],
})

/** A directory of its own that goes with the test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-server-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** The greenhouse on free ports; closed when the test ends. */
export async function startGreenhouse(options: StartOptions = {}): Promise<RunningApp> {
  const dataDirectory = options.dataDirectory ?? (await temporaryDirectory())
  const app = await startApp(greenhouse, {
    httpPort: 0,
    mqttPort: 0,
    environment: {},
    ...options,
    dataDirectory,
  })
  onTestFinished(() => app.close())
  return app
}

/** A device of the running greenhouse; disconnected when the test ends. */
export async function connectDevice(app: RunningApp, device: string) {
  const simulated = await simulateDevice({
    url: `mqtt://${app.mqtt.host}:${app.mqtt.port}`,
    device,
    password: app.passwordOf(device),
    onCommand: ({ data }) => data,
  })
  onTestFinished(() => simulated.close())
  return simulated
}

/** A request with the token, unless another header says otherwise. */
export async function request(app: RunningApp, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${app.apiToken}`, ...init.headers }
  return fetch(app.url + path, { ...init, headers })
}

/** Posts JSON. */
export function post(app: RunningApp, path: string, body: unknown): Promise<Response> {
  return request(app, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

/** Asks again until `find` gives something, for at most ten seconds. */
export async function eventually<Found>(find: () => Promise<Found | undefined | false>): Promise<Found> {
  const deadlineMs = performance.now() + 10_000
  for (;;) {
    const found = await find()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadlineMs) throw new Error(`it did not happen: ${find}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
