import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database } from '@millrace/documents'
import { type EventStore, openEventStore } from '@millrace/event-store'
import { randomInteger, seededRandom } from '@millrace/kernel'
import { nodeRuntime } from '@millrace/node'
import { openPostgres } from '@millrace/postgres'
import { type DaemonProjection, startDaemon } from '@millrace/projections'
import { findServers, services, startTestServer } from '@millrace/services'
import { openSqlite } from '@millrace/sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Closed, days, notes, Paid, payers, Refunded, tenantTills, tills } from './daemon-world.ts'
import { FailingDatabase } from './failing-database.ts'
import { expectPlainFold } from './plain-fold.ts'

const runtime = nodeRuntime()
const WRITERS = 4
const UNITS_A_WRITER = 40

/** Where databases are; opening one twice gives two connections to it. */
interface Engine {
  open(name: string): Promise<Database>
  close(): Promise<void>
}

async function sqlite(): Promise<Engine> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-projections-'))
  return {
    open: (name) => openSqlite({ file: join(directory, `${name}.db`) }),
    close: () => rm(directory, { recursive: true, force: true }),
  }
}

function postgres(program: ReturnType<typeof findServers>[number]) {
  return async (): Promise<Engine> => {
    const server = await startTestServer('postgres', program)
    return { open: (name) => openPostgres({ url: server.url, schema: name }), close: () => server.stop() }
  }
}

const engines = [
  { name: 'SQLite', start: sqlite },
  ...findServers(services.postgres).map((program) => ({
    name: `PostgreSQL ${program.version.join('.')}`,
    start: postgres(program),
  })),
]

const settings = { staging: { pauseAt: 60, resumeAt: 30 }, lingerMs: 5, pollMs: 50, leaseMs: 1_000 } as const
const all: readonly DaemonProjection[] = [
  { projection: tills, shards: 3, ...settings },
  { projection: payers, shards: 2, ...settings },
  { projection: days, shards: 2, ...settings },
  { projection: notes, ...settings },
]

/** Several writers at the same time, each with streams that others write to as well. */
async function write(store: EventStore, seed: number): Promise<void> {
  const writers = Array.from({ length: WRITERS }, async (_, writer) => {
    const random = seededRandom(seed * WRITERS + writer)
    for (let unit = 0; unit < UNITS_A_WRITER; unit += 1) {
      const by = Array.from({ length: randomInteger(random, 0, 3) }, () => `p${randomInteger(random, 0, 9)}`)
      const drafts = [Paid.draft({ cents: randomInteger(random, 1, 500), by }), Refunded.draft({ cents: 1 })]
      const isLast = random.next() < 0.05
      await store.append(`t${randomInteger(random, 0, 20)}`, isLast ? [...drafts, Closed.draft({})] : drafts)
    }
  })
  await Promise.all(writers)
}

describe.each(engines)('projections on $name', ({ start }) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  }, 60_000)
  afterAll(() => engine.close())

  test('of every kind, in shards, hold every event once that many writers append meanwhile', async () => {
    await using database = await engine.open('kinds')
    const store = await openEventStore({ database, runtime })
    await write(store, 1)
    await using daemon = await startDaemon({ database, runtime, projections: all })
    await write(store, 2)
    await daemon.waitForNonStale(undefined, { timeoutMs: 20_000 })
    await expectPlainFold(database)
    for (const { state, behind, deadLetters } of await daemon.progress()) {
      expect({ state, behind, deadLetters }).toEqual({ state: 'running', behind: 0, deadLetters: 0 })
    }
  })

  test('are rebuilt while many writers append', async () => {
    await using database = await engine.open('rebuilt')
    const store = await openEventStore({ database, runtime })
    await write(store, 3)
    await using daemon = await startDaemon({ database, runtime, projections: all })
    await daemon.waitForNonStale(undefined, { timeoutMs: 20_000 })
    const writing = write(store, 4)
    for (const name of ['tills', 'payers', 'days', 'notes']) await daemon.rebuild(name)
    await writing
    await expect
      .poll(async () => (await daemon.progress()).filter(({ rebuild }) => rebuild !== undefined), {
        timeout: 20_000,
      })
      .toEqual([])
    await daemon.waitForNonStale(undefined, { timeoutMs: 20_000 })
    await expectPlainFold(database)
    expect(await database.read([{ kind: 'count', collection: 'tills--rebuild' }])).toEqual([0])
  })

  test('keep the documents of tenants apart in one unit', async () => {
    await using database = await engine.open('tenants')
    const store = await openEventStore({ database, runtime })
    const own = tenantTills
    for (let index = 0; index < 30; index += 1) {
      await store.append('t1', [Paid.draft({ cents: index })], { tenant: `tenant-${index % 3}` })
    }
    await using daemon = await startDaemon({ database, runtime, projections: [own] })
    await daemon.waitForNonStale()
    await daemon.rebuild(own.name)
    await expect.poll(async () => (await daemon.progress())[0]?.rebuild).toBeUndefined()
    const sums = await Promise.all(
      ['tenant-0', 'tenant-1', 'tenant-2', ''].map(async (tenant) => {
        const [found] = await database.read([
          { kind: 'load', collection: own.collection.name, ids: ['t1'], tenant },
        ])
        return found.map(({ text }) => (JSON.parse(text) as { cents: number }).cents)
      }),
    )
    expect(sums).toEqual([[135], [145], [155], []])
  })

  test('hold every event once when daemons die one after the other, in the middle of whatever they do', async () => {
    await using database = await engine.open('deaths')
    const store = await openEventStore({ database, runtime })
    await write(store, 5)
    const random = seededRandom(5)
    for (let life = 1; life <= 6; life += 1) {
      const at = randomInteger(random, 5, 120)
      const effect = random.next() < 0.5 ? 'before' : 'after'
      const failing = new FailingDatabase(database, { at, effect, kind: 'for-good' })
      const daemon = await startDaemon({ database: failing.database, runtime, projections: all, node: 'one' })
      if (life % 2 === 0) void daemon.rebuild('tills').catch(() => {})
      await store.append(`t${life}`, [Paid.draft({ cents: life, by: ['p1'] })])
      await expect.poll(() => failing.hasFailed, { timeout: 10_000 }).toBe(true)
      await daemon.stop({ limitMs: 0 })
    }
    await using last = await startDaemon({ database, runtime, projections: all, node: 'one' })
    await expect
      .poll(async () => (await last.progress()).filter(({ rebuild }) => rebuild !== undefined), {
        timeout: 20_000,
      })
      .toEqual([])
    await last.waitForNonStale(undefined, { timeoutMs: 20_000 })
    await expectPlainFold(database)
  }, 60_000)

  test('are shared by two nodes, of which one takes over what the other one leaves', async () => {
    await using database = await engine.open('nodes')
    await using other = await engine.open('nodes')
    const store = await openEventStore({ database, runtime })
    const first = await startDaemon({ database, runtime, projections: all, node: 'first' })
    await using second = await startDaemon({ database: other, runtime, projections: all, node: 'second' })
    await write(store, 6)
    await second.waitForNonStale(undefined, { timeoutMs: 20_000 })
    // It goes without a word: its leases run out.
    await first.stop({ limitMs: 0 })
    await write(store, 7)
    await second.waitForNonStale(undefined, { timeoutMs: 20_000 })
    await expectPlainFold(other)
  })
})
