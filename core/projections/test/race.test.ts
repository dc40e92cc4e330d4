import type { Database } from '@millrace/documents'
import { type ManualRuntime, type Random, randomInteger, seededRandom, sleep } from '@millrace/kernel'
import * as fc from 'fast-check'
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
import { FailingDatabase } from './failing-database.ts'
import { expectPlainFold } from './plain-fold.ts'

const LEASE_MS = 100

/** A database that is slow by chance, at times slower than a lease lasts, on the way there and on the way back. */
function slow(inner: Database, runtime: ManualRuntime, random: Random): Database {
  const delay = async () => {
    const chance = random.next()
    if (chance < 0.5) return
    await sleep(runtime.scheduler, chance < 0.95 ? chance * 20 : LEASE_MS * (1 + 3 * random.next()))
  }
  const around = async <Result>(call: () => Promise<Result>) => {
    await delay()
    const result = await call()
    await delay()
    return result
  }
  return {
    ...new FailingDatabase(inner, { at: Number.POSITIVE_INFINITY, effect: 'before', kind: 'once' }).database,
    commit: (operations, options) => around(() => inner.commit(operations, options)),
    read: (reads) => around(() => inner.read(reads)),
  }
}

async function someEvents({ store }: DaemonWorld, random: Random): Promise<void> {
  const count = randomInteger(random, 1, 12)
  const stream = `t${randomInteger(random, 0, 5)}`
  const drafts = Array.from({ length: count }, () => {
    const chance = random.next()
    if (chance < 0.05) return Closed.draft({})
    if (chance < 0.2) return Refunded.draft({ cents: 1 })
    const by = Array.from({ length: randomInteger(random, 0, 4) }, () => `p${randomInteger(random, 0, 6)}`)
    return Paid.draft({ cents: randomInteger(random, 0, 500), by })
  })
  await store.append(stream, drafts)
}

/** How often the leases have changed hands, beyond the first time. */
async function revisionsOf({ database }: DaemonWorld): Promise<number> {
  const [{ documents }] = await database.read([
    { kind: 'query', collection: 'millrace-leases', limit: 1_000 },
  ])
  return documents.reduce((sum, { revision }) => sum + revision, 0)
}

interface Choices {
  readonly seed: number
  readonly shards: number
  readonly staging: { readonly pauseAt: number; readonly resumeAt: number }
  readonly daemons: number
  readonly rounds: number
  readonly rebuilds: boolean
}

/** Daemons that lose their leases to each other all the time; then one that finishes. */
async function race({ seed, shards, staging, daemons, rounds, rebuilds }: Choices): Promise<number> {
  const random = seededRandom(seed)
  const world = await openWorld()
  const settings = { staging, rebuildStaging: staging, lingerMs: 0, pollMs: 50, leaseMs: LEASE_MS }
  const all = [
    ...[tills, payers, days].map((each) => ({ projection: each, shards, ...settings })),
    { projection: notes, ...settings },
  ]
  const started = await Promise.all(
    Array.from({ length: daemons }, (_, index) =>
      world.start(all, {
        node: `node-${index}`,
        database: slow(world.database, world.runtime, random),
        lookMs: 50,
      }),
    ),
  )
  for (let round = 0; round < rounds; round += 1) {
    await someEvents(world, random)
    if (rebuilds && random.next() < 0.1) {
      const name = ['tills', 'payers', 'days', 'notes'][randomInteger(random, 0, 4)] ?? ''
      started[randomInteger(random, 0, daemons)]?.rebuild(name).catch(() => {})
    }
    await world.runtime.advance(randomInteger(random, 0, 150))
  }
  const stopping = Promise.all(started.map((each) => each.stop({ limitMs: random.next() < 0.5 ? 0 : 200 })))
  await world.waitFor(stopping)
  const tokens = await revisionsOf(world)
  const last = await world.start(all, { node: 'last' })
  await world.until(() => expectPlainFold(world.database), 30_000)
  await world.waitFor(last.stop())
  await expectPlainFold(world.database)
  return tokens
}

const choices = fc.record({
  seed: fc.integer(),
  shards: fc.integer({ min: 1, max: 3 }),
  staging: fc.constantFrom(
    { pauseAt: 2, resumeAt: 1 },
    { pauseAt: 9, resumeAt: 4 },
    { pauseAt: 1_000, resumeAt: 500 },
  ),
  daemons: fc.integer({ min: 1, max: 3 }),
  rounds: fc.integer({ min: 1, max: 25 }),
})

describe('daemons that take leases from each other at random', () => {
  test('apply every event once, whatever the shards and pages', async () => {
    let tokens = 0
    await fc.assert(
      fc.asyncProperty(choices, async (chosen) => {
        tokens += await race({ ...chosen, rebuilds: false })
      }),
      { numRuns: 40 },
    )
    expect(tokens).toBeGreaterThan(1_000)
  }, 60_000)

  test('apply every event once while they rebuild one projection after the other', async () => {
    await fc.assert(
      fc.asyncProperty(choices, async (chosen) => {
        await race({ ...chosen, rebuilds: true })
      }),
      { numRuns: 40 },
    )
  }, 60_000)
})
