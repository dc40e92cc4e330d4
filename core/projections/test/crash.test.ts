import type { Database } from '@millrace/documents'
import type { Daemon } from '@millrace/projections'
import { describe, expect, test } from 'vitest'
import {
  Closed,
  type DaemonWorld,
  days,
  notes,
  openWorld,
  Paid,
  payers,
  Refunded,
  tills,
} from './daemon-world.ts'
import { FailingDatabase, type FailurePoint } from './failing-database.ts'
import { expectPlainFold } from './plain-fold.ts'

const SETTINGS = { staging: { pauseAt: 8, resumeAt: 4 }, lingerMs: 0, leaseMs: 1_000 } as const
const ALL = [
  { projection: tills, shards: 2, ...SETTINGS },
  { projection: payers, ...SETTINGS },
  { projection: days, ...SETTINGS },
  { projection: notes, ...SETTINGS },
]

async function someEvents({ store }: DaemonWorld, round: number): Promise<void> {
  for (const stream of ['t1', 't2', 't3']) {
    await store.append(stream, [
      Paid.draft({ cents: 100 * round, by: ['ann', 'bob'] }),
      Paid.draft({ cents: 7, by: [stream] }),
      Refunded.draft({ cents: round }),
    ])
  }
  await store.append('t3', [Closed.draft({}), Paid.draft({ cents: round })])
}

/** Lives of a daemon until the failure is no longer reached; after each, everything must be as if nothing had failed. */
async function everyPoint(
  choice: Pick<FailurePoint, 'effect' | 'kind'>,
  life: (point: FailurePoint) => Promise<FailingDatabase>,
): Promise<number> {
  for (let at = 1; ; at += 1) {
    const failing = await life({ at, ...choice })
    if (!failing.hasFailed) return at - 1
  }
}

const CHOICES = [
  { effect: 'before', kind: 'for-good' },
  { effect: 'after', kind: 'for-good' },
  { effect: 'before', kind: 'once' },
  { effect: 'after', kind: 'once' },
] as const

describe.each(CHOICES)('a database that fails $effect the effect, $kind', (choice) => {
  test('at whichever call of continuous running: every event counts once', async () => {
    const points = await everyPoint(choice, async (point) => {
      const world = await openWorld()
      const failing = new FailingDatabase(world.database, point)
      await someEvents(world, 1)
      const first = await world.start(ALL, { database: failing.database })
      await world.runtime.advance(300)
      await someEvents(world, 2)
      await world.runtime.advance(300)
      const second = choice.kind === 'for-good' ? await world.start(ALL) : first
      await world.until(() => expectPlainFold(world.database))
      void first.stop({ limitMs: 0 })
      await world.waitFor(second.stop())
      await expectPlainFold(world.database)
      return failing
    })
    expect(points).toBeGreaterThan(30)
  }, 60_000)

  test('at whichever call of a rebuild: it ends, and the documents are those of all events', async () => {
    const points = await everyPoint(choice, async (point) => {
      const world = await openWorld()
      await someEvents(world, 1)
      const before = await world.start(REBUILT)
      await world.waitFor(before.waitForNonStale())
      await world.waitFor(before.stop())
      await spoil(world)
      const failing = new FailingDatabase(world.database, point)
      const first = await world.start(REBUILT, { database: failing.database })
      for (const name of ['tills', 'days']) void first.rebuild(name).catch(() => {})
      await someEvents(world, 2)
      await world.runtime.advance(100)
      const second = choice.kind === 'for-good' ? await world.start(REBUILT) : first
      // A rebuild that was never begun, since the request failed, is begun now.
      for (const name of ['tills', 'days']) if (await isSpoiled(world, name)) await begun(world, second, name)
      await someEvents(world, 3)
      await world.until(() => expectPlainFold(world.database, { kinds: ['tills', 'days'] }))
      await world.until(async () => expect(await rebuildsGoingOn(world)).toEqual([]))
      void first.stop({ limitMs: 0 })
      await world.waitFor(second.stop())
      await expectPlainFold(world.database, { kinds: ['tills', 'days'] })
      const [shadow] = await world.database.read([{ kind: 'count', collection: 'tills--rebuild' }])
      expect(shadow).toBe(0)
      return failing
    })
    expect(points).toBeGreaterThan(30)
  }, 60_000)
})

const REBUILT = ALL.filter(({ projection }) => projection === tills || projection === days)

/** Makes documents and rows wrong, so that a rebuild shows. */
async function spoil({ database }: DaemonWorld): Promise<void> {
  const text = JSON.stringify({ id: 't1', cents: 1, events: ['wrong'] })
  await database.commit([
    { kind: 'store', collection: 'tills', id: 't1', text },
    { kind: 'put-row', table: 'days', key: { till: 'wrong', kind: 'paid' }, add: { cents: 1, count: 1 } },
  ])
}

/** True if no rebuild has been begun. */
async function isSpoiled({ database }: DaemonWorld, projection: string): Promise<boolean> {
  const [record] = await recordsOf(database, [projection])
  return record?.rebuilds === 0
}

async function begun({ until }: DaemonWorld, daemon: Daemon, projection: string): Promise<void> {
  let isBegun = false
  await until(async () => {
    if (!isBegun) {
      daemon.rebuild(projection).then(
        () => {
          isBegun = true
        },
        () => {},
      )
    }
    expect(isBegun).toBe(true)
  })
}

async function rebuildsGoingOn({ database }: DaemonWorld): Promise<string[]> {
  const records = await recordsOf(database, ['tills', 'days'])
  return records.filter(({ rebuild }) => rebuild !== undefined).map(({ id }) => id)
}

async function recordsOf(database: Database, ids: readonly string[]) {
  const [stored] = await database.read([{ kind: 'load', collection: 'millrace-projections', ids }])
  return stored.map(({ text }) => JSON.parse(text) as { id: string; rebuilds: number; rebuild?: object })
}
