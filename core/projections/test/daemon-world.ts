import { collection, type Database } from '@millrace/documents'
import { type EventStore, openEventStore } from '@millrace/event-store'
import { event, type ManualRuntime, manualRuntime } from '@millrace/kernel'
import { type MemoryDatabase, memoryDatabase } from '@millrace/memory'
import {
  customProjection,
  type Daemon,
  type DaemonOptions,
  type DaemonProjection,
  type Projection,
  projection,
  rows,
  startDaemon,
} from '@millrace/projections'
import * as z from 'zod'

export const Paid = event('till.paid', z.object({ cents: z.number(), by: z.array(z.string()).optional() }))
export const Refunded = event('till.refunded', z.object({ cents: z.number() }))
export const Closed = event('till.closed', z.object({}))

const Till = z.object({
  id: z.string(),
  /** Never below -1,000, so that an event can make a document invalid. */
  cents: z.number().min(-1_000),
  /** Ids of all events in their order, so that one that is missing, doubled or out of order shows. */
  events: z.array(z.string()),
})
export type Till = z.output<typeof Till>
export const Tills = collection<Till>('tills', Till)
export const Payers = collection<Till>('payers', Till)

/** Amounts that the functions below fail for. */
export const DEVILISH = 666

function added(id: string, till: Till | undefined, event: { id: string }, cents: number): Till {
  if (cents === DEVILISH) throw new RangeError('a devilish amount')
  return { id, cents: (till?.cents ?? 0) + cents, events: [...(till?.events ?? []), event.id] }
}

/** One document per stream. */
export const tills: Projection<Till> = projection('tills', Tills)
  .on(Paid, (till, event, key) => added(key, till, event, event.data.cents))
  .on(Refunded, (till, event, key) => added(key, till, event, -event.data.cents))
  .on(Closed, () => null)

/** The same for each tenant. */
export const tenantTills: Projection<Till> = projection(
  'tenant-tills',
  collection<Till, unknown, { tenancy: 'column' }>('tenant-tills', Till, { tenancy: 'column' }),
).on(Paid, (till, event, key) => added(key, till, event, event.data.cents))

/** Many streams into one document, and one event into several. */
export const payers: Projection<Till> = projection('payers', Payers, {
  keyOf: ({ data }) => (data as { by?: string[] }).by,
}).on(Paid, (payer, event, key) => added(key, payer, event, event.data.cents))

export const DAYS = {
  name: 'days',
  columns: { till: 'text', kind: 'text', cents: 'number', count: 'number', last: 'text' },
  key: ['till', 'kind'],
} as const

/** Events to a flat table. */
export const days = rows('days', DAYS)
  .on(Paid, ({ id, stream, data }) => {
    if (data.cents === DEVILISH) throw new RangeError('a devilish amount')
    const key = { till: String(stream), kind: 'paid' }
    return { kind: 'put-row', key, set: { last: id }, add: { cents: data.cents, count: 1 } }
  })
  .on(Closed, ({ stream }) => ({ kind: 'delete-row', key: { till: String(stream), kind: 'paid' } }))

/** Whatever it likes: notes every event as a document of its own. */
export const notes = customProjection('notes', {
  types: [Paid, Refunded],
  collections: [{ name: 'notes' }],
  handle: (events, unit) => {
    for (const { id, data } of events) {
      if ((data as { cents: number }).cents === DEVILISH) throw new RangeError('a devilish amount')
      unit.add({ kind: 'store', collection: 'notes', id, text: JSON.stringify({ id }), expectedRevision: 0 })
    }
  },
  reset: () => [{ kind: 'replace-all', collection: 'notes' }],
})

export interface DaemonWorld {
  readonly runtime: ManualRuntime
  readonly database: MemoryDatabase
  readonly store: EventStore
  start(
    projections: readonly (DaemonProjection | DaemonProjection['projection'])[],
    options?: Partial<DaemonOptions>,
  ): Promise<Daemon>
  pay(stream: string, ...cents: number[]): Promise<void>
  /** Moves time on until `check` no longer throws. */
  until(check: () => Promise<void> | void, limitMs?: number): Promise<void>
  /** Settles the promise by moving time on. */
  waitFor<Result>(promise: Promise<Result>): Promise<Result>
}

export async function openWorld(
  around: (database: MemoryDatabase) => Database = (same) => same,
): Promise<DaemonWorld> {
  const runtime = manualRuntime()
  const database = memoryDatabase(runtime)
  const store = await openEventStore({ database, runtime })
  const waitFor = <Result>(promise: Promise<Result>) => settled(runtime, promise)
  return {
    runtime,
    database,
    store,
    start: (projections, options = {}) =>
      startDaemon({ database: around(database), runtime, projections, ...options }),
    pay: async (stream, ...cents) => {
      await store.append(
        stream,
        cents.map((each) => Paid.draft({ cents: each })),
      )
    },
    until: async (check, limitMs = 10_000) => {
      for (let spentMs = 0; spentMs < limitMs; spentMs += 20) {
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
    waitFor,
  }
}

async function settled<Result>(runtime: ManualRuntime, promise: Promise<Result>): Promise<Result> {
  let isSettled = false
  const done = () => {
    isSettled = true
  }
  promise.then(done, done)
  for (let turn = 0; turn < 5_000 && !isSettled; turn += 1) await runtime.advance(20)
  return promise
}

/** The documents of a collection by id. */
export async function documentsOf<Document>(
  database: Database,
  name: string,
  tenant = '',
): Promise<Record<string, Document>> {
  const [{ documents }] = await database.read([{ kind: 'query', collection: name, tenant, limit: 10_000 }])
  return Object.fromEntries(documents.map(({ id, text }) => [id, JSON.parse(text) as Document]))
}
