import { collection, idText, type PatchProperty } from '@millrace/documents'
import * as fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'
import {
  type Bench,
  Benches,
  bench,
  codeOf,
  idsOf,
  openGreenhouse,
  plant,
  Rooms,
  Vents,
} from './greenhouse.ts'

describe('ids', () => {
  test('are made when a document has none: UUIDs whose order is that of time', async () => {
    const { store, runtime } = await openGreenhouse()
    await using session = store.session()
    const first = session.insert(Benches, { zone: 'north', celsius: 20 })
    await runtime.advance(5)
    const second = session.store(Benches, { zone: 'north', celsius: 21 })
    await session.saveChanges()
    expect(first.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(idsOf(await store.query(Benches).toArray())).toEqual([first.id, second.id])
    expect(await store.load(Benches, first.id)).toEqual(bench(first.id))
  })

  test('come from a function of the document, where the collection has one', async () => {
    const Beds = collection('beds', z.object({ id: z.string(), house: z.string(), row: z.number() }), {
      id: ({ house, row }) => `${house}-${row}`,
    })
    const { store } = await openGreenhouse({ collections: [Beds] })
    await using session = store.session()
    expect(session.insert(Beds, { house: 'h1', row: 7 }).id).toBe('h1-7')
    expect(session.insert(Beds, { id: 'own', house: 'h1', row: 8 }).id).toBe('own')
    await session.saveChanges()
    expect(idsOf(await store.query(Beds).toArray())).toEqual(['h1-7', 'own'])
  })

  test('may be numbers, which come back as what they were', async () => {
    const { store } = await openGreenhouse()
    const ids = [0, -1, 0.5, 1e21, Number.MAX_SAFE_INTEGER, 5e-324]
    await using session = store.session()
    for (const id of ids) session.insert(Vents, { id, bench: 'b1', percent: 3 })
    await session.saveChanges()
    for (const id of ids) expect(await store.load(Vents, id)).toEqual({ id, bench: 'b1', percent: 3 })
    expect(idsOf(await store.loadMany(Vents, [1e21, 7, 0]))).toEqual([1e21, 0])
    session.update(Vents, { id: 1e21, bench: 'b2', percent: 4 }, { expectedRevision: 1 })
    session.patch(Vents, 0.5).increment('percent', 2)
    session.delete(Vents, -1)
    await session.saveChanges()
    expect((await store.load(Vents, 0.5))?.percent).toBe(5)
    expect(await store.load(Vents, -1)).toBeUndefined()
    expect(session.revisionOf(Vents, 1e21)).toBe(2)
  })

  test('of numbers have one text each', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (id) => {
        expect(Number(idText('vents', id))).toBe(id + 0)
      }),
    )
    for (const id of [Number.NaN, Number.POSITIVE_INFINITY, undefined, null, 5n, {}]) {
      expect(() => idText('vents', id)).toThrow(expect.objectContaining({ code: 'DOCUMENT_ID_INVALID' }))
    }
  })

  test('that the schema does not take are refused', async () => {
    const { store } = await openGreenhouse()
    await using session = store.session()
    expect(await codeOf(() => session.insert(Vents, { bench: 'b1', percent: 3 }))).toBe('DOCUMENT_INVALID')
    expect(await codeOf(store.load(Vents, Number.NaN))).toBe('DOCUMENT_ID_INVALID')
  })

  test('have the type that the schema gives them', async () => {
    const { store } = await openGreenhouse()
    const mistakes = () => {
      // @ts-expect-error vents have numbers
      store.load(Vents, '7')
      // @ts-expect-error benches have texts
      store.session().delete(Benches, 7)
      // @ts-expect-error a bench has a zone
      store.session().insert(Benches, { celsius: 3 })
      // @ts-expect-error an update is of a document that has an id
      store.session().update(Benches, { zone: 'north', celsius: 3 })
    }
    expect(mistakes).toBeTypeOf('function')
  })
})

describe('a patch', () => {
  test('changes parts of a document that is not loaded, in the order in which it is said', async () => {
    const { store } = await openGreenhouse()
    await plant(store, bench('b1', { tags: ['a', 'b', 'a'], last: { celsius: 19, note: 'dry' } }))
    await using session = store.session()
    const at = new Date('2026-05-01T00:00:00Z')
    const patch = session
      .patch(Benches, 'b1')
      .set('zone', 'south')
      .increment('celsius', 2.5)
      .increment(['last', 'celsius'])
      .append('tags', 'z')
      .appendIfMissing('tags', 'b')
      .insertAt('tags', 0, 'first')
      .remove('tags', 'a', 'all')
      .append('alarms', { level: 3, text: 'hot', at })
      .set('plantedAt', at)
      .set('liters', 12n)
      .duplicate('zone', ['last', 'note'])
      .set(['readings', 'noon'], 3)
    expect(patch.count).toBeUndefined()
    await session.saveChanges()
    expect(patch.count).toBe(1)
    expect(await store.load(Benches, 'b1')).toEqual(
      bench('b1', {
        zone: 'south',
        celsius: 22.5,
        tags: ['first', 'b', 'z'],
        alarms: [{ level: 3, text: 'hot', at }],
        plantedAt: at,
        liters: 12n,
        last: { celsius: 20, note: 'south' },
        readings: { noon: 3 },
      }),
    )
    expect(session.revisionOf(Benches, 'b1')).toBe(2)
  })

  test('of whatever matches changes all of these, and tells how many', async () => {
    const { store } = await openGreenhouse()
    await plant(store, bench('b1'), bench('b2', { celsius: 35 }), bench('b3', { celsius: 36 }))
    await using session = store.session()
    const patch = session.patch(Benches, (each) => each.where('celsius', 'gt', 30)).set('isOpen', true)
    await session.saveChanges()
    expect(patch.count).toBe(2)
    expect(idsOf(await store.query(Benches).where('isOpen', 'eq', true).toArray())).toEqual(['b2', 'b3'])
    const all = session.patch(Benches, (each) => each).delete('last')
    await session.saveChanges()
    expect(all.count).toBe(3)
  })

  test('does nothing to a document that does not exist, and may insist on a revision', async () => {
    const { store } = await openGreenhouse()
    await plant(store, bench('b1'))
    await using session = store.session()
    const none = session.patch(Benches, 'b9').set('zone', 'x')
    await session.saveChanges()
    expect(none.count).toBe(0)
    session.patch(Benches, 'b1', { expectedRevision: 4 }).set('zone', 'x')
    expect(await codeOf(session.saveChanges())).toBe('DOCUMENT_CONFLICT')
  })

  test('takes what is old out of stored documents', async () => {
    const { store, database } = await openGreenhouse()
    const old = { ...bench('b1'), farenheit: 68, colour: 'red' }
    await database.commit([{ kind: 'store', collection: 'benches', id: 'b1', text: JSON.stringify(old) }])
    await using session = store.session()
    session
      .patch(Benches, (each) => each.whereStored({ kind: 'exists', path: ['farenheit'] }))
      .rename('farenheit', 'celsius')
      .stored({ kind: 'delete', path: ['colour'] })
    await session.saveChanges()
    expect(await store.load(Benches, 'b1')).toEqual(bench('b1', { celsius: 68 }))
  })

  test('keeps dates and bigints what they are when they are moved, and forgets what they were when they go', async () => {
    const Things = collection(
      'things',
      z.object({ id: z.string(), a: z.unknown(), b: z.unknown(), c: z.unknown(), d: z.unknown().optional() }),
    )
    const { store } = await openGreenhouse({ collections: [Things] })
    const at = new Date('2026-05-01T00:00:00Z')
    await using session = store.session()
    session.store(Things, { id: 't1', a: at, b: 5n, c: { at, n: [1n, 2n] } })
    await session.saveChanges()
    session.patch(Things, 't1').duplicate('c', 'b').rename('a', 'd').set('a', 5)
    await session.saveChanges()
    expect(await store.load(Things, 't1')).toEqual({
      id: 't1',
      a: 5,
      b: { at, n: [1n, 2n] },
      c: { at, n: [1n, 2n] },
      d: at,
    })
    session.patch(Things, 't1').set('c', '2026-05-01T00:00:00.000Z').set('b', { at: 7 }).delete('d')
    await session.saveChanges()
    expect(await store.load(Things, 't1')).toEqual({
      id: 't1',
      a: 5,
      b: { at: 7 },
      c: '2026-05-01T00:00:00.000Z',
    })
    session.patch(Things, 't1').set('d', at).set('c', { at: { at } })
    await session.saveChanges()
    session
      .patch(Things, 't1')
      .set('c', { at: 3n })
      .stored({ kind: 'set', path: ['e', 'f'], value: 1 })
    await session.saveChanges()
    expect(await store.load(Things, 't1')).toMatchObject({ c: { at: 3n }, d: at, e: { f: 1 } })
  })

  test('leaves large numbers beside it alone, and refuses one that it cannot hold', async () => {
    const { store } = await openGreenhouse()
    const liters = 123_456_789_012_345_678_901n
    await plant(store, bench('b1', { liters }))
    await using session = store.session()
    session.patch(Benches, 'b1').set('zone', 'south')
    await session.saveChanges()
    expect((await store.load(Benches, 'b1'))?.liters).toBe(liters)
    for (const large of [2n ** 53n + 1n, 2n ** 60n]) {
      expect(await codeOf(() => session.patch(Benches, 'b1').set('liters', large))).toBe('QUERY_INVALID')
    }
    for (const large of [10n ** 20n, -(10n ** 23n), 1_234n * 10n ** 30n]) {
      session.patch(Benches, 'b1').set('liters', large)
      await session.saveChanges()
      expect((await store.load(Benches, 'b1'))?.liters).toBe(large)
    }
  })

  test('that is wrong is refused where it is said; and one that says nothing changes nothing', async () => {
    const { store } = await openGreenhouse()
    await plant(store, bench('b1'))
    await using session = store.session()
    const refused = 'QUERY_INVALID'
    const untyped = session.patch(Benches, 'b1') as unknown as Record<string, (...said: unknown[]) => unknown>
    expect(await codeOf(() => untyped.set?.('farenheit', 3))).toBe(refused)
    expect(await codeOf(() => untyped.set?.('id', 'b2'))).toBe(refused)
    expect(await codeOf(() => untyped.set?.('zone', () => 1))).toBe(refused)
    expect(await codeOf(() => untyped.set?.('zone', undefined))).toBe(refused)
    expect(await codeOf(() => untyped.increment?.('celsius', Number.NaN))).toBe(refused)
    await session.saveChanges()
    expect((await store.loadWithMetadata(Benches, 'b1'))?.metadata.revision).toBe(1)
    const saved = session.patch(Benches, 'b1').set('zone', 'x')
    await session.saveChanges()
    expect(await codeOf(() => saved.set('zone', 'y'))).toBe(refused)
  })

  test('can be added to after a unit was refused', async () => {
    const { store } = await openGreenhouse()
    await plant(store, bench('b1', { zone: 'north' }))
    await using session = store.session()
    const patch = session.patch(Benches, 'b1').increment('zone' as 'celsius')
    expect(await codeOf(session.saveChanges())).toBe('PATCH_REFUSED')
    patch.set('zone', 'x')
    expect(await codeOf(session.saveChanges())).toBe('PATCH_REFUSED')
  })

  test('is typed by path and value', async () => {
    const { store } = await openGreenhouse()
    const patch = store.session().patch(Benches, 'b1')
    expectTypeOf<'id'>().not.toExtend<PatchProperty<Bench>>()
    const mistakes = () => {
      // @ts-expect-error there is no such property
      patch.set('farenheit', 3)
      // @ts-expect-error the key stays
      patch.set('id', 'b2')
      // @ts-expect-error a number
      patch.set('celsius', '3')
      // @ts-expect-error an optional property is deleted, not set to undefined
      patch.set('last', undefined)
      // @ts-expect-error only numbers are added to
      patch.increment('zone')
      // @ts-expect-error a bigint is stored with its document
      patch.increment('liters')
      // @ts-expect-error only arrays are appended to
      patch.append('zone', 'x')
      // @ts-expect-error the elements are texts
      patch.append('tags', 3)
      // @ts-expect-error an alarm has a text
      patch.append('alarms', { level: 3 })
      // @ts-expect-error there is no such property
      patch.duplicate('zone', 'nowhere')
    }
    expect(mistakes).toBeTypeOf('function')
  })
})

describe('deletes', () => {
  test('mark documents that can be taken back, and do so to whatever matches', async () => {
    const { store } = await openGreenhouse()
    await plant(store, bench('b1'), bench('b2', { celsius: 35 }), bench('b3', { celsius: 36 }))
    await using session = store.session()
    session.delete(Benches, 'b1')
    const hot = session.deleteWhere(Benches, (each) => each.where('celsius', 'gt', 30))
    await session.saveChanges()
    expect(hot.count).toBe(2)
    expect(await store.query(Benches).count()).toBe(0)
    const back = session.undoDelete(Benches, 'b1')
    const hotBack = session.undoDeleteWhere(Benches, (each) => each.where('celsius', 'gt', 35))
    await session.saveChanges()
    expect([back.count, hotBack.count]).toEqual([1, 1])
    expect(idsOf(await store.query(Benches).toArray())).toEqual(['b1', 'b3'])
    session.hardDelete(Benches, 'b1')
    const gone = session.hardDeleteWhere(Benches, (each) => each.where('celsius', 'eq', 35))
    await session.saveChanges()
    expect(gone.count).toBe(1)
    expect(idsOf(await store.query(Benches).maybeDeleted().toArray())).toEqual(['b3'])
  })

  test('cannot be taken back in a collection without soft deletes', async () => {
    const { store } = await openGreenhouse()
    expect(await codeOf(() => store.session().undoDelete(Vents, 1))).toBe('QUERY_INVALID')
  })

  test('keep their place among the other changes of a unit', async () => {
    const { store } = await openGreenhouse()
    await plant(store, bench('b1'))
    await using session = store.session()
    session.store(Benches, bench('b2', { celsius: 40 }))
    session.deleteWhere(Benches, (each) => each)
    session.store(Benches, bench('b2', { celsius: 41 }))
    session.hardDelete(Benches, 'b1')
    session.store(Benches, bench('b1', { celsius: 42 }))
    session.patch(Benches, 'b1').increment('celsius')
    session.store(Benches, bench('b3'))
    session.patch(Benches, 'b3').increment('celsius')
    session.update(Benches, bench('b3', { celsius: 50 }))
    await session.saveChanges()
    const found = await store.query(Benches).toArray()
    expect(found.map(({ id, celsius }) => [id, celsius])).toEqual([
      ['b1', 43],
      ['b2', 41],
      ['b3', 50],
    ])
    expect((await store.loadWithMetadata(Benches, 'b1'))?.metadata.revision).toBe(2)
  })
})

describe('tenants', () => {
  test('see and change their own documents only', async () => {
    const { store } = await openGreenhouse()
    for (const tenant of ['t1', 't2']) {
      await using session = store.session({ tenant })
      session.store(Rooms, { id: 'r1', name: tenant })
      session.store(Benches, bench(tenant))
      await session.saveChanges()
    }
    const first = store.querySession({ tenant: 't1' })
    expect(await first.load(Rooms, 'r1')).toEqual({ id: 'r1', name: 't1' })
    expect(await first.query(Rooms).count()).toBe(1)
    await using session = store.session({ tenant: 't2' })
    session.patch(Rooms, (each) => each).set('name', 'changed')
    session.patch(Benches, (each) => each).set('zone', 'changed')
    await session.saveChanges()
    expect((await first.load(Rooms, 'r1'))?.name).toBe('t1')
    expect(await store.query(Benches).where('zone', 'eq', 'changed').count()).toBe(2)
    session.deleteWhere(Rooms, (each) => each)
    session.expect(Benches, 't1', 2)
    await session.saveChanges()
    expect(await session.query(Rooms).count()).toBe(0)
    expect(await first.query(Rooms).count()).toBe(1)
  })

  test('are asked for where documents belong to them', async () => {
    const { store } = await openGreenhouse()
    const missing = 'TENANT_MISSING'
    expect(await codeOf(store.load(Rooms, 'r1'))).toBe(missing)
    expect(await codeOf(() => store.query(Rooms))).toBe(missing)
    expect(await codeOf(() => store.session().store(Rooms, { id: 'r1', name: 'x' }))).toBe(missing)
    expect(await codeOf(() => store.session({ tenant: '' }).delete(Rooms, 'r1'))).toBe(missing)
    expect(await codeOf(() => store.session().patch(Rooms, 'r1'))).toBe(missing)
    expect(await codeOf(() => store.session().deleteWhere(Rooms, (each) => each))).toBe(missing)
  })
})

describe('an identity map', () => {
  test('gives the same object for the same document, and stores nothing by itself', async () => {
    const { store } = await openGreenhouse()
    await plant(store, bench('b1'), bench('b2'))
    await using session = store.session({ identityMap: true })
    const loaded = await session.load(Benches, 'b1')
    const [queried] = await session.query(Benches).toArray()
    expect(queried).toBe(loaded)
    expect((await session.loadMany(Benches, ['b2', 'b1']))[1]).toBe(loaded)
    loaded!.celsius = 99
    await session.saveChanges()
    expect((await store.load(Benches, 'b1'))?.celsius).toBe(20)
    session.update(Benches, loaded!)
    await session.saveChanges()
    expect(await session.load(Benches, 'b1')).toBe(loaded)
    expect((await store.load(Benches, 'b1'))?.celsius).toBe(99)
  })

  test('keeps a document as it was read, and so notices when somebody else was quicker', async () => {
    const { store } = await openGreenhouse()
    await plant(store, bench('b1'))
    await using session = store.session({ identityMap: true })
    const loaded = await session.load(Benches, 'b1')
    await plant(store, bench('b1', { celsius: 50 }))
    expect(await session.load(Benches, 'b1')).toBe(loaded)
    session.update(Benches, { ...loaded!, zone: 'mine' })
    expect(await codeOf(session.saveChanges())).toBe('DOCUMENT_CONFLICT')
  })

  test('is left out unless it is asked for', async () => {
    const { store } = await openGreenhouse()
    await plant(store, bench('b1'))
    await using session = store.session()
    expect(await session.load(Benches, 'b1')).not.toBe(await session.load(Benches, 'b1'))
  })

  test('gives an object anew after it was patched', async () => {
    const { store } = await openGreenhouse()
    await plant(store, bench('b1'))
    await using session = store.session({ identityMap: true })
    const loaded = await session.load(Benches, 'b1')
    session.patch(Benches, 'b1').set('zone', 'south')
    await session.saveChanges()
    const patched = await session.load(Benches, 'b1')
    expect(patched).not.toBe(loaded)
    expect(patched?.zone).toBe('south')
  })
})
