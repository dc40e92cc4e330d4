import { join } from 'node:path'
import { collection, type Database, openStore, type Store } from '@millrace/documents'
import { event, type Schema } from '@millrace/kernel'
import { nodeRuntime } from '@millrace/node'
import { openPostgres } from '@millrace/postgres'
import { projection, startDaemon } from '@millrace/projections'
import { openSqlite } from '@millrace/sqlite'
import * as z from 'zod'
import {
  BATCH_EVENTS,
  DOCUMENTS,
  type OpenContender,
  PRODUCERS,
  type ProjectionContender,
  reading,
  type StorePlan,
  zoneOf,
} from '../store-plan.ts'

const readingSchema = z.object({ zone: z.string(), celsius: z.number(), note: z.string() })
const Reading = event('reading', readingSchema)
const Benches = collection('benches', readingSchema.extend({ id: z.string() }), {
  indexes: [{ kind: 'property', name: 'by-zone', properties: ['zone'] }],
})
const countedSchema = readingSchema.extend({ id: z.string(), count: z.number() }) satisfies Schema<Counted>
interface Counted {
  readonly id: string
  readonly count: number
  readonly zone: string
  readonly celsius: number
  readonly note: string
}
const Counted = collection('counted', countedSchema)
const counted = projection('counted', Counted).on(Reading, (document, { stream = '', data }) => ({
  id: stream,
  ...data,
  count: (document?.count ?? 0) + 1,
}))

/** Documents of one write when the database is filled. */
const FILL_DOCUMENTS = 1_000
/** Events of one unit when streams are filled. */
const FILL_EVENTS = 2_000

/** Ours with its defaults: sessions and sockets as an application has them, on both engines. */
export function millracePlans(): StorePlan[] {
  const shared = { name: 'millrace', role: 'ours' } as const
  return [
    {
      ...shared,
      id: 'millrace-sqlite',
      engine: 'sqlite',
      settings: 'defaults: a session a unit, SQLite in worker threads, WAL, synchronous=FULL',
      open: async (directory) => openOurs(await openSqlite({ file: join(directory, 'store.db') })),
    },
    {
      ...shared,
      id: 'millrace-postgres',
      engine: 'postgres',
      settings: 'defaults: a session a unit, pg with a pool',
      open: async (_directory, url) => openOurs(await openPostgres({ url })),
    },
  ]
}

async function openOurs(database: Database): Promise<OpenContender> {
  const store = await openStore({ database, collections: [Benches, Counted], runtime: nodeRuntime() })
  const append = async (stream: string, turn: number, count: number) => {
    await using session = store.session()
    session.events.append(
      stream,
      Array.from({ length: count }, (_, index) => Reading.draft(reading(turn + index))),
    )
    await session.saveChanges()
    return count
  }
  for (let turn = 0; turn < DOCUMENTS; turn += FILL_DOCUMENTS) {
    await using session = store.session()
    for (let index = 0; index < FILL_DOCUMENTS; index += 1) session.store(Benches, documentOf(turn + index))
    await session.saveChanges()
  }
  return {
    steps: {
      'append one': (turn) => append(`s-${turn % 100}`, turn, 1),
      'append by 64': async (turn) => {
        await Promise.all(
          Array.from({ length: PRODUCERS }, (_, producer) => append(`p-${producer}`, turn, 1)),
        )
        return PRODUCERS
      },
      'append batch': (turn) => append(`b-${turn % 100}`, turn, BATCH_EVENTS),
      'store document': async (turn) => {
        await using session = store.session()
        session.store(Benches, documentOf(turn))
        await session.saveChanges()
        return 1
      },
      'load document': async (turn) =>
        (await store.load(Benches, `d-${(turn * 31) % DOCUMENTS}`)) === undefined ? 0 : 1,
      'query index': async (turn) =>
        (await store.query(Benches).where('zone', 'eq', zoneOf(turn)).toArray()).length > 0 ? 1 : 0,
      'query scan': async () =>
        (await store.query(Benches).where('celsius', 'gt', 398).toArray()).length > 0 ? 1 : 0,
    },
    projections: projections(store, append),
    [Symbol.asyncDispose]: () => database.close(),
  }
}

function projections(
  store: Store,
  append: (stream: string, turn: number, count: number) => Promise<number>,
): ProjectionContender {
  const { database, runtime } = store
  const untilDone = async (work: (daemon: Awaited<ReturnType<typeof startDaemon>>) => Promise<void>) => {
    await using daemon = await startDaemon({ database, runtime, projections: [counted] })
    await work(daemon)
  }
  return {
    fill: async (events, streams) => {
      const each = Math.ceil(events / streams)
      for (let stream = 0; stream < streams; stream += 1) {
        for (let done = 0; done < each; done += FILL_EVENTS) {
          await append(`f-${stream}`, stream + done, Math.min(FILL_EVENTS, each - done))
        }
      }
    },
    project: () => untilDone((daemon) => daemon.waitForNonStale(['counted'], { timeoutMs: WAIT_MS_MAX })),
    rebuild: () =>
      untilDone(async (daemon) => {
        await daemon.rebuild('counted')
        while ((await daemon.progress()).some(({ rebuild }) => rebuild !== undefined)) {
          await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
        }
      }),
    total: () => store.query(Counted).sum('count'),
  }
}

const WAIT_MS_MAX = 40 * 60_000
const LOOK_MS = 20

function documentOf(turn: number) {
  return { id: `d-${turn % DOCUMENTS}`, ...reading(turn) }
}
