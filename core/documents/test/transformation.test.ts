import { collection, selfContained, TRANSFORMATIONS, type TransformProgress } from '@millrace/documents'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { type Bench, Benches, bench, codeOf, idsOf, openGreenhouse, plant, Rooms } from './greenhouse.ts'

const numbered = (count: number) =>
  Array.from({ length: count }, (_, index) => bench(`b${String(index).padStart(4, '0')}`, { celsius: index }))

const hotter = ({ celsius, ...bed }: Bench): Bench => ({ ...bed, celsius: celsius + 100 })

describe('a transformation', () => {
  test('changes, deletes and leaves alone, step by step, and tells how far it is', async () => {
    const { store } = await openGreenhouse()
    await plant(store, ...numbered(40))
    const told: TransformProgress[] = []
    const end = await store.transform(
      Benches,
      (each) => (each.celsius % 4 === 0 ? null : each.celsius % 2 === 0 ? hotter(each) : undefined),
      { name: 'even-hotter', batch: 15, onProgress: (progress) => told.push(progress) },
    )
    const done = {
      name: 'even-hotter',
      collection: 'benches',
      seen: 40,
      changed: 10,
      deleted: 10,
      total: 40,
      isDone: true,
    }
    expect(end).toEqual(done)
    expect(told.map(({ seen, isDone }) => [seen, isDone])).toEqual([
      [15, false],
      [30, false],
      [40, false],
      [40, true],
    ])
    const found = await store.query(Benches).limit(100).maybeDeleted().toArray()
    expect(found).toHaveLength(30)
    expect(found.filter(({ celsius }) => celsius >= 100)).toHaveLength(10)
  })

  test('that is done is not done again', async () => {
    const { store } = await openGreenhouse()
    await plant(store, ...numbered(3))
    await store.transform(Benches, hotter, { name: 'hotter' })
    await plant(store, bench('b9', { celsius: 1 }))
    const again = await store.transform(Benches, hotter, { name: 'hotter' })
    expect(again).toMatchObject({ seen: 3, isDone: true })
    expect((await store.query(Benches).toArray()).map(({ celsius }) => celsius)).toEqual([100, 101, 102, 1])
  })

  test('goes on where it was when it is interrupted', async () => {
    const { store } = await openGreenhouse()
    await plant(store, ...numbered(40))
    const ending = new AbortController()
    const interrupted = store.transform(Benches, hotter, {
      name: 'hotter',
      batch: 10,
      signal: ending.signal,
      onProgress: ({ seen }) => seen === 20 && ending.abort(new DOMException('enough', 'AbortError')),
    })
    await expect(interrupted).rejects.toThrow('enough')
    expect(await store.query(Benches).where('celsius', 'ge', 100).count()).toBe(20)
    const end = await store.transform(Benches, hotter, { name: 'hotter' })
    expect(end).toMatchObject({ seen: 40, changed: 40, isDone: true })
    expect(await store.query(Benches).where('celsius', 'between', 100, 139).count()).toBe(40)
  })

  test('changes every document once when several run it at the same time', async () => {
    const { store } = await openGreenhouse()
    await plant(store, ...numbered(60))
    const runs = Array.from({ length: 3 }, () =>
      store.transform(Benches, hotter, { name: 'hotter', batch: 7 }),
    )
    for (const end of await Promise.all(runs)) expect(end).toMatchObject({ seen: 60, changed: 60 })
    expect(await store.query(Benches).where('celsius', 'between', 100, 159).count()).toBe(60)
  })

  test('looks again at a document that somebody else changes meanwhile', async () => {
    const { store, database } = await openGreenhouse()
    await plant(store, ...numbered(3))
    const commit = database.commit.bind(database)
    let isFirst = true
    database.commit = async (operations, options) => {
      if (isFirst) {
        isFirst = false
        await plant(store, bench('b0001', { celsius: 7 }))
      }
      return commit(operations, options)
    }
    await store.transform(Benches, hotter, { name: 'hotter' })
    expect((await store.query(Benches).toArray()).map(({ celsius }) => celsius)).toEqual([100, 107, 102])
  })

  test('gives up on a document that never rests', async () => {
    const { store, database } = await openGreenhouse()
    await plant(store, ...numbered(3))
    const commit = database.commit.bind(database)
    database.commit = async (operations, options) => {
      const [first] = operations
      if (first?.kind === 'store' && first.expectedRevision !== undefined) {
        await commit([
          {
            kind: 'patch',
            collection: 'benches',
            id: 'b0001',
            patches: [{ kind: 'increment', path: ['celsius'], by: 1 }],
          },
        ])
      }
      return commit(operations, options)
    }
    expect(await codeOf(store.transform(Benches, hotter, { name: 'hotter' }))).toBe('DOCUMENT_CONFLICT')
  })

  test('sees what is stored, without an upcast, with dates and bigints as what they are', async () => {
    const Beds = collection('beds', z.object({ id: z.string(), at: z.date(), liters: z.bigint() }), {
      upcast: () => {
        throw new TypeError('not asked')
      },
    })
    const { store, database } = await openGreenhouse({ collections: [Beds] })
    await using session = store.session()
    session.store(Beds, { id: 'a', at: new Date(5), liters: 2n ** 70n })
    await session.saveChanges()
    const seen: unknown[] = []
    await store.transform(Beds, (bed) => ({ ...bed, at: seen.push(bed) > 0 ? new Date(7) : bed.at }), {
      name: 'later',
    })
    expect(seen).toEqual([{ id: 'a', at: new Date(5), liters: 2n ** 70n }])
    const [[stored]] = await database.read([{ kind: 'load', collection: 'beds', ids: ['a'] }])
    expect(Beds.serializer.read(stored!.text)).toEqual({ id: 'a', at: new Date(7), liters: 2n ** 70n })
  })

  test('takes documents that are marked as deleted along; they stay marked', async () => {
    const { store } = await openGreenhouse()
    await plant(store, ...numbered(3))
    await using session = store.session()
    session.deleteWhere(Benches, (each) => each.where('celsius', 'lt', 2))
    await session.saveChanges()
    const end = await store.transform(Benches, (each) => (each.celsius === 0 ? null : hotter(each)), {
      name: 'hotter',
    })
    expect(end).toMatchObject({ seen: 3, changed: 2, deleted: 1 })
    expect(idsOf(await store.query(Benches).toArray())).toEqual(['b0002'])
    expect(await store.query(Benches).onlyDeleted().toArray()).toEqual([bench('b0001', { celsius: 101 })])
  })

  test('stops at the document that it cannot change, and keeps what it has done', async () => {
    const { store } = await openGreenhouse()
    await plant(store, ...numbered(20))
    const failures: [(each: Bench) => unknown, RegExp][] = [
      [
        () => {
          throw new TypeError('broken')
        },
        /b0017.*broken/,
      ],
      [(each) => ({ ...each, celsius: 'hot' }), /b0017.*celsius/],
      [(each) => ({ ...each, id: 'other' }), /b0017.*changed "id"/],
      [() => 7, /b0017/],
      [(each) => ({ ...each, zone: new Map() }), /b0017/],
    ]
    for (const [index, [fail, message]] of failures.entries()) {
      const change = (each: Bench) => (each.celsius % 100 === 17 ? (fail(each) as Bench) : hotter(each))
      const failing = store.transform(Benches, change, { name: `broken-${index}`, batch: 5 })
      await expect(failing).rejects.toMatchObject({
        code: 'TRANSFORM_FAILED',
        message: expect.stringMatching(message),
      })
    }
    expect(await store.query(Benches).where('celsius', 'ge', 500).count()).toBe(15)
    await store.transform(Benches, hotter, { name: 'broken-0' })
    expect(await store.query(Benches).where('celsius', 'ge', 500).count()).toBe(15)
    expect((await store.load(Benches, 'b0017'))?.celsius).toBe(117)
  })

  test('is of one tenant, where documents belong to tenants', async () => {
    const { store } = await openGreenhouse()
    for (const tenant of ['t1', 't2']) {
      await using session = store.session({ tenant })
      session.store(Rooms, { id: 'r1', name: 'old' })
      await session.saveChanges()
    }
    const rename = ({ id }: { id: string }) => ({ id, name: 'new' })
    expect(await codeOf(store.transform(Rooms, rename, { name: 'rename' }))).toBe('TENANT_MISSING')
    await store.transform(Rooms, rename, { name: 'rename', tenant: 't1' })
    expect((await store.querySession({ tenant: 't1' }).load(Rooms, 'r1'))?.name).toBe('new')
    expect((await store.querySession({ tenant: 't2' }).load(Rooms, 'r1'))?.name).toBe('old')
    await store.transform(Rooms, rename, { name: 'rename', tenant: 't2' })
    expect((await store.querySession({ tenant: 't2' }).load(Rooms, 'r1'))?.name).toBe('new')
  })

  test('has a name and a size that can be meant', async () => {
    const { store } = await openGreenhouse()
    const refused = 'OPERATION_INVALID'
    expect(await codeOf(store.transform(Benches, hotter, { name: '' }))).toBe(refused)
    expect(await codeOf(store.transform(Benches, hotter, { name: 'x', batch: 0 }))).toBe(refused)
    expect(await codeOf(store.transform(Benches, hotter, { name: 'x', batch: 1_001 }))).toBe(refused)
    await store.transform(Benches, hotter, { name: 'x' })
    expect(await codeOf(store.transform(Rooms, () => null, { name: 'x', tenant: '' }))).toBe('TENANT_MISSING')
    const Others = collection('others', z.object({ id: z.string() }))
    const { store: both, database } = await openGreenhouse({ collections: [Benches, Others] })
    await both.transform(Benches, hotter, { name: 'x' })
    expect(await codeOf(both.transform(Others, () => null, { name: 'x' }))).toBe(refused)
    const [count] = await database.read([{ kind: 'count', collection: TRANSFORMATIONS }])
    expect(count).toBe(1)
  })
})

describe('a self-contained transformation', () => {
  const trim = selfContained((each: { zone: string; celsius: number }) =>
    each.celsius === 1 ? null : each.celsius === 2 ? undefined : { ...each, zone: each.zone.trim() },
  )

  for (const transforms of [true, false]) {
    test(`does the same ${transforms ? 'inside an engine' : 'outside of an engine that runs no functions'}`, async () => {
      const { store, database } = await openGreenhouse()
      Object.assign(database, { supports: { ...database.supports, transforms } })
      let steps = 0
      const transform = database.transform.bind(database)
      database.transform = (step) => {
        steps += 1
        return transform(step)
      }
      await plant(
        store,
        ...numbered(20).map((each) => ({ ...each, zone: ' north ', plantedAt: new Date(5) })),
      )
      await using session = store.session()
      session.delete(Benches, 'b0019')
      await session.saveChanges()
      const end = await store.transform(Benches, trim, { name: 'trim', batch: 8 })
      expect(end).toMatchObject({ seen: 20, changed: 18, deleted: 1, total: 20, isDone: true })
      expect(steps).toBe(transforms ? 4 : 0)
      expect(await store.query(Benches).where('zone', 'eq', 'north').maybeDeleted().count()).toBe(18)
      expect((await store.load(Benches, 'b0000'))?.plantedAt).toEqual(new Date(5))
      expect(idsOf(await store.query(Benches).onlyDeleted().toArray())).toEqual(['b0019'])
      const broken = selfContained(() => 7)
      expect(await codeOf(store.transform(Benches, broken, { name: 'broken' }))).toBe('TRANSFORM_FAILED')
    })
  }

  test('goes on where it was noted, and repeats no more than one step', async () => {
    const { store, database } = await openGreenhouse()
    await plant(store, ...numbered(20))
    const commit = database.commit.bind(database)
    let commits = 0
    database.commit = async (operations, options) => {
      commits += 1
      if (commits === 2) throw new TypeError('killed')
      return commit(operations, options)
    }
    const count = selfContained((each: { celsius: number }) => ({ ...each, celsius: each.celsius + 100 }))
    await expect(store.transform(Benches, count, { name: 'count', batch: 8 })).rejects.toThrow('killed')
    const end = await store.transform(Benches, count, { name: 'count', batch: 8 })
    expect(end).toMatchObject({ seen: 20, isDone: true })
    const twice = await store.query(Benches).where('celsius', 'ge', 200).toArray()
    expect(idsOf(twice)).toEqual(idsOf(numbered(20).slice(8, 16)))
    expect(await store.query(Benches).where('celsius', 'lt', 100).count()).toBe(0)
  })
})
