import { type Bus, eventToMessage } from '@millrace/bus'
import { bodyOf, collection, type Database, readOne } from '@millrace/documents'
import { type EventType, event, formatTime, type ManualRuntime, manualRuntime } from '@millrace/kernel'
import { memoryBus, memoryDatabase } from '@millrace/memory'
import { type Projection, projection } from '@millrace/projections'
import { expect } from 'vitest'
import * as z from 'zod'

export const Reading = event('greenhouse.reading', z.object({ celsius: z.number() }))
export const Alarm = event('greenhouse.alarm', z.object({ level: z.number() }))
export const Removed = event('greenhouse.removed', z.object({}))

const Bench = z.object({
  id: z.string(),
  celsius: z.number().max(100),
  readings: z.number(),
  alarms: z.number(),
})
export type Bench = z.output<typeof Bench>
export const Benches = collection<Bench>('benches', Bench)

/** Counts, so that an event that is applied twice shows. */
export const benches: Projection<Bench> = projection('benches', Benches)
  .on(Reading, (bench, { subject, data }) => {
    if (data.celsius === 666) throw new Error('a devilish reading')
    const readings = (bench?.readings ?? 0) + 1
    return { id: String(subject), alarms: bench?.alarms ?? 0, readings, celsius: data.celsius }
  })
  .on(Alarm, (bench) => bench && { ...bench, alarms: bench.alarms + 1 })
  .on(Removed, () => null)

/** Bus and database in memory under manual time. */
export interface Spine {
  readonly runtime: ManualRuntime
  readonly bus: Bus
  readonly database: Database
  publish<Data>(type: EventType<Data>, subject: string | undefined, data: Data): Promise<void>
  /** Moves time on until `check` no longer throws. */
  until(check: () => Promise<void> | void): Promise<void>
}

export async function openSpine(database: Database = memoryDatabase()): Promise<Spine> {
  const runtime = manualRuntime()
  const bus = memoryBus({ runtime })
  for (const { type } of [Reading, Alarm, Removed]) await bus.createTopic(type)
  let published = 0
  return {
    runtime,
    bus,
    database,
    publish: async (type, subject, data) => {
      published += 1
      const attributes = { id: `e${published}`, source: '/test', time: formatTime(runtime.clock.now()) }
      const about = subject === undefined ? {} : { subject }
      await bus.publish(type.type, [eventToMessage({ ...attributes, ...about, type: type.type, data })])
    },
    until: async (check) => {
      for (let turn = 0; turn < 500; turn += 1) {
        const isDone = await Promise.resolve()
          .then(check)
          .then(
            () => true,
            () => false,
          )
        if (isDone) return
        await runtime.advance(20)
      }
      await check()
    },
  }
}

/** The documents by id, without their ids. */
export async function stored(database: Database): Promise<Record<string, Omit<Bench, 'id'>>> {
  const { documents } = await readOne(database, { kind: 'query', collection: 'benches' })
  return Object.fromEntries(
    documents.map((document) => {
      const { id, ...rest } = bodyOf(document) as Bench
      expect(id).toBe(document.id)
      return [id, rest]
    }),
  )
}
