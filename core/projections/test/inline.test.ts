import { collection, openStore } from '@millrace/documents'
import { manualRuntime } from '@millrace/kernel'
import { memoryDatabase } from '@millrace/memory'
import {
  type AnyProjection,
  customProjection,
  foldEvents,
  inlineProjections,
  liveDocument,
  projection,
} from '@millrace/projections'
import { describe, expect, test } from 'vitest'
import {
  Closed,
  DAYS,
  days,
  documentsOf,
  notes,
  Paid,
  Payers,
  payers,
  Refunded,
  type Till,
  Tills,
  tills,
} from './daemon-world.ts'
import { expectPlainFold } from './plain-fold.ts'
import { watched } from './watched-database.ts'

async function openInline(
  projections: readonly AnyProjection[],
  around = (database: ReturnType<typeof memoryDatabase>) => watched(database, {}),
) {
  const runtime = manualRuntime()
  const inner = memoryDatabase(runtime)
  await inner.prepare({ collections: [{ name: 'notes' }] })
  const database = around(inner)
  const store = await openStore({
    database,
    runtime,
    collections: [Tills, Payers],
    tables: [DAYS],
    hooks: [inlineProjections(projections)],
  })
  return { store, database: inner }
}

describe('an inline projection', () => {
  test('of every kind is saved in the unit that appends, and folds as in the background', async () => {
    let commits = 0
    const { store, database } = await openInline([tills, payers, days, notes], (inner) =>
      watched(inner, {
        onCommit: () => {
          commits += 1
        },
      }),
    )
    for (let round = 1; round <= 6; round += 1) {
      const session = store.session()
      session.events.append('t1', [
        Paid.draft({ cents: round, by: ['ann', 'bob'] }),
        Refunded.draft({ cents: 1 }),
      ])
      session.events.append('t2', [Paid.draft({ cents: round, by: ['ann'] })])
      if (round === 4) session.events.append('t2', [Closed.draft({})])
      await session.saveChanges()
      expect(commits).toBe(round)
      await expectPlainFold(database)
    }
  })

  test('refuses the whole unit for an event that it cannot take', async () => {
    const { store, database } = await openInline([tills])
    const session = store.session()
    session.events.append('t1', [Paid.draft({ cents: 1 })])
    session.events.append('t2', [Paid.draft({ cents: -5_000 })])
    await expect(session.saveChanges()).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' })
    const throwing = store.session()
    throwing.events.append('t1', [Paid.draft({ cents: 666 })])
    await expect(throwing.saveChanges()).rejects.toThrow('devilish')
    expect(await documentsOf(database, 'tills')).toEqual({})
    expect(await database.read([{ kind: 'feed-end' }])).toEqual([0])
  })

  test('looks again when somebody else has changed a document meanwhile', async () => {
    let meddle: (() => Promise<void>) | undefined
    const { store, database } = await openInline([tills], (inner) =>
      watched(inner, {
        beforeCommit: async () => {
          const once = meddle
          meddle = undefined
          await once?.()
        },
      }),
    )
    const pay = async (cents: number) => {
      const session = store.session()
      session.events.append('t1', [Paid.draft({ cents })])
      await session.saveChanges()
    }
    await pay(1)
    meddle = () => pay(10)
    await pay(100)
    await expectPlainFold(database, { kinds: ['tills'] })
    expect((await documentsOf<Till>(database, 'tills')).t1?.cents).toBe(111)
  })

  test('knows stream and tenant, and the version if the session expects one', async () => {
    const seen: unknown[] = []
    const spying = customProjection('spy', {
      types: [Paid],
      handle: (events) => {
        for (const { stream, streamType, tenant, version, correlationId } of events) {
          seen.push({ stream, streamType, tenant, version, correlationId })
        }
      },
    })
    const { store } = await openInline([spying])
    const session = store.session({ tenant: 'a', correlationId: 'c1' })
    session.events.start('t1', [Paid.draft({ cents: 1 }), Paid.draft({ cents: 2 })], { streamType: 'till' })
    session.events.append('t2', [Paid.draft({ cents: 3 })])
    await session.saveChanges()
    const about = { tenant: 'a', correlationId: 'c1' }
    expect(seen).toEqual([
      { ...about, stream: 't1', streamType: 'till', version: 1 },
      { ...about, stream: 't1', streamType: 'till', version: 2 },
      { ...about, stream: 't2', streamType: undefined, version: undefined },
    ])
  })

  test('writes to the tenant of the session where the collection tells tenants apart, and to nobody’s where it does not', async () => {
    const Own = collection('own-tills', Tills.schema, { tenancy: 'column' })
    const own = projection('own-tills', Own).on(Paid, (_, { id, data }, key) => ({
      id: key,
      cents: data.cents,
      events: [id],
    }))
    const { store, database } = await openInline([own, tills, notes])
    await database.prepare({ collections: [Own.declared] })
    const session = store.session({ tenant: 'a' })
    session.events.append('t1', [Paid.draft({ cents: 1 })])
    await session.saveChanges()
    expect(Object.keys(await documentsOf(database, 'own-tills', 'a'))).toEqual(['t1'])
    expect(Object.keys(await documentsOf(database, 'own-tills'))).toEqual([])
    expect(Object.keys(await documentsOf(database, 'tills'))).toEqual(['t1'])
    expect(Object.keys(await documentsOf(database, 'notes'))).toHaveLength(1)
  })

  test('adds nothing to a unit without events', async () => {
    const { store, database } = await openInline([tills])
    const session = store.session()
    session.store(Tills, { id: 't9', cents: 1, events: [] })
    await session.saveChanges()
    expect(Object.keys(await documentsOf(database, 'tills'))).toEqual(['t9'])
  })
})

describe('a live projection', () => {
  test('folds a stream as it is, as it was at a version, and as it was at a time', async () => {
    const { store, database } = await openInline([])
    const runtime = store.runtime as ReturnType<typeof manualRuntime>
    for (const cents of [1, 10, 100]) {
      const session = store.session()
      session.events.append('t1', [Paid.draft({ cents })])
      await session.saveChanges()
      await runtime.advance(1_000)
    }
    const startMs = runtime.clock.now() - 3_000
    expect((await liveDocument({ database }, tills, 't1'))?.cents).toBe(111)
    expect((await liveDocument({ database }, tills, 't1', { toVersion: 2 }))?.cents).toBe(11)
    expect((await liveDocument({ database }, tills, 't1', { atMs: startMs + 500 }))?.cents).toBe(1)
    expect(await liveDocument({ database }, tills, 'nowhere')).toBeUndefined()
    expect(await documentsOf(database, 'tills')).toEqual({})
    await expect(liveDocument({ database }, payers, 't1')).rejects.toMatchObject({
      code: 'PROJECTION_NOT_REBUILDABLE',
    })
  })

  test('folds any events into the documents of any projection', () => {
    const about = { source: '/test', time: '2026-01-01T00:00:00Z' }
    const paid = (id: string, stream: string, cents: number, by: string[]) => ({
      ...about,
      id,
      stream,
      type: Paid.type,
      data: { cents, by },
    })
    const events = [paid('e1', 't1', 1, ['ann', 'bob']), paid('e2', 't2', 2, ['ann'])]
    expect([...foldEvents(payers, events)]).toEqual([
      ['ann', { id: 'ann', cents: 3, events: ['e1', 'e2'] }],
      ['bob', { id: 'bob', cents: 1, events: ['e1'] }],
    ])
    expect([...foldEvents(tills, events).keys()]).toEqual(['t1', 't2'])
    const closed = { ...about, id: 'e3', stream: 't1', type: Closed.type, data: {} }
    expect([...foldEvents(tills, [...events, closed]).keys()]).toEqual(['t2'])
  })
})
