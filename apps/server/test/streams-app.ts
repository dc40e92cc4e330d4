import { collection } from '@millrace/documents'
import { event } from '@millrace/kernel'
import { projection, rows } from '@millrace/projections'
import { defineApp, type RunningApp, type StartOptions, startApp } from '@millrace/server'
import { onTestFinished } from 'vitest'
import * as z from 'zod'
import { temporaryDirectory } from './world.ts'

export const Opened = event('locker.opened', z.object({ by: z.string() }))
export const Closed = event('locker.closed', z.object({}))
/** Makes the background projection throw. */
export const Broken = event('locker.broken', z.object({}))

export const Lockers = collection(
  'lockers',
  z.object({ id: z.string(), isOpen: z.boolean(), openings: z.number() }),
  { indexes: [{ kind: 'property', name: 'by-open', properties: ['isOpen'] }] },
)
export const States = collection('states', z.object({ id: z.string(), isOpen: z.boolean() }))

/** Lockers whose openings are streams in the store: one projection in the unit, two in the background. */
export const lockers = defineApp({
  name: 'lockers',
  streams: {
    events: [Opened, Closed, Broken],
    inline: [
      projection('states', States)
        .on(Opened, (_, { stream = '' }) => ({ id: stream, isOpen: true }))
        .on(Closed, (_, { stream = '' }) => ({ id: stream, isOpen: false })),
    ],
    projections: [
      projection('lockers', Lockers)
        .on(Opened, (locker, { stream = '' }) => ({
          id: stream,
          isOpen: true,
          openings: (locker?.openings ?? 0) + 1,
        }))
        .on(Closed, (locker) => locker && { ...locker, isOpen: false })
        .on(Broken, () => {
          throw new Error('nobody knows what a broken locker is')
        }),
      rows('openings', {
        name: 'openings',
        columns: { person: 'text', count: 'number' },
        key: ['person'],
      }).on(Opened, ({ data }) => ({ kind: 'put-row', key: { person: data.by }, add: { count: 1 } })),
    ],
  },
})

/** The lockers on free ports; closed when the test ends. */
export async function startLockers(options: StartOptions = {}): Promise<RunningApp> {
  const dataDirectory = options.dataDirectory ?? (await temporaryDirectory())
  const app = await startApp(lockers, {
    httpPort: 0,
    mqttPort: 0,
    environment: {},
    ...options,
    dataDirectory,
  })
  onTestFinished(() => app.close())
  return app
}
