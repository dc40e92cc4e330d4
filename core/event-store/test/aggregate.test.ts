import { openStore } from '@millrace/documents'
import { aggregate, openEventStore, snapshotErasure, upcaster, upcasters } from '@millrace/event-store'
import { millraceError } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { eventOf, openShop, Paid, Placed } from './shop.ts'

interface Account {
  readonly cents: number
  readonly versions: readonly number[]
}

const start: Account = { cents: 0, versions: [] }

function accountOf(options: { snapshotEvery?: number; foldVersion?: number } = {}) {
  return aggregate<Account>('account', { initial: start, ...options }).on(
    Placed,
    (account, { data, version }) => ({
      cents: account.cents + data.cents,
      versions: [...account.versions, version],
    }),
  )
}

const Account = accountOf()
const Kept = accountOf({ snapshotEvery: 3 })

function placed(...cents: number[]) {
  return cents.map((each) => Placed.draft({ cents: each }))
}

async function snapshotsIn(shop: Awaited<ReturnType<typeof openShop>>) {
  const [{ documents }] = await shop.database.read([{ kind: 'query', collection: 'millrace-snapshots' }])
  return documents.map(({ text, revision }) => ({
    ...(JSON.parse(text) as { readonly stream?: string }),
    revision,
  }))
}

describe('an aggregate', () => {
  test('is what the events of a stream add up to, now, at a version, and at a time', async () => {
    const { events, runtime } = await openShop()
    await events.append('a', [...placed(1, 2), Paid.draft({})])
    await runtime.advance(1_000)
    await events.append('a', placed(4))
    expect(await events.aggregate(Account, 'a')).toEqual({
      state: { cents: 7, versions: [1, 2, 4] },
      version: 4,
    })
    expect(await events.aggregate(Account, 'a', { atVersion: 1 })).toMatchObject({
      state: { cents: 1 },
      version: 1,
    })
    expect(await events.aggregate(Account, 'a', { atMs: runtime.clock.now() - 1 })).toMatchObject({
      state: { cents: 3 },
      version: 3,
    })
    expect(await events.aggregate(Account, 'nobody')).toEqual({ state: start, version: 0 })
  })

  test('sees events in their newest shape, also behind a snapshot', async () => {
    const { database, runtime, events: older } = await openShop()
    await older.append('a', [eventOf('x', { type: 'order.made', data: { price: 3 } })])
    const events = await openEventStore({
      database,
      runtime,
      upcasters: upcasters([
        upcaster({ type: 'order.made' }, Placed, (data: { price: number }) => ({ cents: data.price * 100 })),
      ]),
    })
    const EachKept = accountOf({ snapshotEvery: 1 })
    expect((await events.aggregate(EachKept, 'a')).state.cents).toBe(300)
    await older.append('a', [eventOf('y', { type: 'order.made', data: { price: 4 } })])
    expect((await events.aggregate(EachKept, 'a')).state.cents).toBe(700)
    const decided = await events.decide(EachKept, 'a', () => [
      eventOf('z', { type: 'order.made', data: { price: 1 } }),
    ])
    expect(decided.state.cents).toBe(800)
  })

  test('says so when an event does not fit its type', async () => {
    const { events } = await openShop()
    await events.append('a', [eventOf('x', { data: { euros: 1 } })])
    await expect(events.aggregate(Account, 'a')).rejects.toMatchObject({ code: 'EVENT_SCHEMA_MISMATCH' })
  })
})

describe('a snapshot', () => {
  test('is kept when enough events have come, and is what the next reading begins with', async () => {
    const shop = await openShop()
    const { events, database } = shop
    await events.append('a', placed(1, 2))
    await events.aggregate(Kept, 'a')
    expect(await snapshotsIn(shop)).toEqual([])
    await events.append('a', placed(4, 8))
    await events.aggregate(Kept, 'a')
    expect(await snapshotsIn(shop)).toMatchObject([
      { aggregate: 'account', stream: 'a', version: 4, state: { cents: 15 }, revision: 1 },
    ])
    await events.append('a', placed(16))
    const froms: unknown[] = []
    const read = database.read.bind(database)
    database.read = (reads) => {
      for (const each of reads) if (each.kind === 'stream') froms.push(each.fromVersion)
      return read(reads)
    }
    expect(await events.aggregate(Kept, 'a')).toEqual({
      state: { cents: 31, versions: [1, 2, 3, 4, 5] },
      version: 5,
    })
    expect(froms).toEqual([5])
  })

  test('is not read by code that folds otherwise, and makes room for the one of the new code', async () => {
    const shop = await openShop()
    const { events } = shop
    await events.append('a', placed(1, 2, 4))
    await events.aggregate(Kept, 'a')
    const doubled = aggregate<Account>('account', { initial: start, snapshotEvery: 3 }).on(
      Placed,
      (account, { data }) => ({ cents: account.cents + 2 * data.cents, versions: [] }),
    )
    expect((await events.aggregate(doubled, 'a')).state.cents).toBe(14)
    expect(await snapshotsIn(shop)).toMatchObject([{ state: { cents: 14 }, revision: 2 }])
    expect((await events.aggregate(Kept, 'a')).state.cents).toBe(7)
    const renumbered = accountOf({ snapshotEvery: 3, foldVersion: 2 })
    await events.aggregate(renumbered, 'a')
    expect(await snapshotsIn(shop)).toMatchObject([{ state: { cents: 7 }, revision: 4 }])
  })

  test('that is newer than the version asked for, and any when a time is asked for, is left aside', async () => {
    const { events, runtime } = await openShop()
    await events.append('a', placed(1, 2, 4))
    await events.aggregate(Kept, 'a')
    expect((await events.aggregate(Kept, 'a', { atVersion: 2 })).state.cents).toBe(3)
    expect((await events.aggregate(Kept, 'a', { atVersion: 3 })).state.cents).toBe(7)
    expect((await events.aggregate(Kept, 'a', { atMs: runtime.clock.now() - 1 })).state.cents).toBe(0)
  })

  test('belongs to the tenant of its stream', async () => {
    const { events } = await openShop()
    await events.append('a', placed(1, 2, 4), { tenant: 'north' })
    await events.append('a', placed(8, 16, 32), { tenant: 'south' })
    await events.aggregate(Kept, 'a', { tenant: 'north' })
    await events.aggregate(Kept, 'a', { tenant: 'south' })
    expect((await events.aggregate(Kept, 'a', { tenant: 'north' })).state.cents).toBe(7)
    expect((await events.aggregate(Kept, 'a', { tenant: 'south' })).state.cents).toBe(56)
  })

  test('goes with its tombstoned stream', async () => {
    const shop = await openShop()
    const { events } = shop
    for (const stream of ['a', 'b']) {
      await events.append(stream, placed(1, 2, 4))
      await events.aggregate(Kept, stream)
    }
    await events.tombstone('a')
    expect((await snapshotsIn(shop)).flatMap(({ stream }) => stream ?? [])).toEqual(['b'])
  })

  test.each([
    { revision: 0, which: 'the first' },
    { revision: 1, which: 'a later' },
  ])('as $which one is not written when the stream is tombstoned after it was read', async ({ revision }) => {
    const shop = await openShop()
    const { events, database } = shop
    await events.append('a', placed(1, 2, 4))
    if (revision > 0) await events.aggregate(Kept, 'a')
    await events.append('a', placed(8, 16, 32))
    const commit = database.commit.bind(database)
    let isFirst = true
    database.commit = async (operations, options) => {
      if (isFirst) {
        isFirst = false
        await events.tombstone('a')
      }
      return commit(operations, options)
    }
    expect((await events.aggregate(Kept, 'a')).state.cents).toBe(63)
    expect((await snapshotsIn(shop)).flatMap(({ stream }) => stream ?? [])).toEqual([])
  })

  test('goes with its stream, too, when a session tombstones it', async () => {
    const shop = await openShop()
    const { events, database, runtime } = shop
    await events.append('a', placed(1, 2, 4), { tenant: 'north' })
    await events.aggregate(Kept, 'a', { tenant: 'north' })
    const store = await openStore({ database, runtime, collections: [], hooks: [snapshotErasure] })
    const session = store.session({ tenant: 'north' })
    session.events.tombstone('a')
    session.events.tombstone('never there')
    await session.saveChanges()
    await events.append('never there', placed(8, 16, 32), { tenant: 'north' })
    await events.aggregate(Kept, 'never there', { tenant: 'north' })
    const [{ documents }] = await database.read([
      { kind: 'query', collection: 'millrace-snapshots', tenant: 'north' },
    ])
    const kept = documents.map(({ text }) => JSON.parse(text) as { stream?: string; state: unknown })
    expect(kept.map(({ stream, state }) => stream ?? state).toSorted()).toEqual(['never there', 'tombstoned'])
  })

  test('of a state that JSON cannot hold is refused, unless a schema brings it back', async () => {
    const { events } = await openShop()
    await events.append('a', placed(1))
    const dated = { initial: { at: new Date(0) }, snapshotEvery: 1 }
    await expect(events.aggregate(aggregate('dated', dated), 'a')).rejects.toMatchObject({
      code: 'DOCUMENT_INVALID',
    })
    const state = z.object({ at: z.coerce.date() })
    const revived = aggregate<z.infer<typeof state>>('revived', { ...dated, state })
    await events.aggregate(revived, 'a')
    expect(await events.aggregate(revived, 'a')).toEqual({ state: { at: new Date(0) }, version: 1 })
    const unfit = aggregate('unfit', { ...dated, state: z.object({ at: z.date() }) })
    await expect(events.aggregate(unfit, 'a')).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' })
  })

  test('that cannot be written now does not keep anybody from reading', async () => {
    const { events, database } = await openShop()
    await events.append('a', placed(1, 2, 4))
    database.commit = async () => {
      throw millraceError('DATABASE_BUSY', { database: 'test', reason: 'locked' })
    }
    expect((await events.aggregate(Kept, 'a')).state.cents).toBe(7)
  })
})
