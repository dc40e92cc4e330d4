import { compareDocuments, type OrderBy } from '@millrace/documents'
import * as fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { type Bench, Benches, bench, codeOf, idsOf, openGreenhouse, plant } from './greenhouse.ts'

/** All rows of an iteration. */
async function allOf<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const all: Row[] = []
  for await (const row of rows) all.push(row)
  return all
}

const numbered = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    bench(`b${String(index).padStart(4, '0')}`, { celsius: index % 7 }),
  )

describe('a query of parts', () => {
  test('gives only these, by the names that they get, as what they are, and null for what is missing', async () => {
    const { store } = await openGreenhouse()
    const plantedAt = new Date('2026-03-01T00:00:00Z')
    const liters = 12_345_678_901_234_567_890n
    await plant(store, bench('b1', { plantedAt, liters, last: { celsius: 3, note: 'dry' } }), bench('b2'))
    const rows = store
      .query(Benches)
      .select({ at: 'plantedAt', liters: 'liters', note: ['last', 'note'], zone: 'zone' })
    expect(await rows.toArray()).toEqual([
      { at: plantedAt, liters, note: 'dry', zone: 'north' },
      { at: null, liters: null, note: null, zone: 'north' },
    ])
    expect(await rows.orderBy('zone', 'descending').first()).toEqual({
      at: plantedAt,
      liters,
      note: 'dry',
      zone: 'north',
    })
    expect(await allOf(rows.orderBy('celsius'))).toHaveLength(2)
    expect((await allOf(rows.orderBy('celsius')))[0]).toEqual({
      at: plantedAt,
      liters,
      note: 'dry',
      zone: 'north',
    })
  })
})

describe('a page', () => {
  test('tells how many there are altogether, and looks past limit and offset', async () => {
    const { store } = await openGreenhouse()
    await plant(store, ...numbered(25))
    const query = store.query(Benches).where('celsius', 'lt', 6).limit(1).offset(3)
    const page = await query.page(2, 10)
    expect({ ...page, items: idsOf(page.items) }).toEqual({
      items: ['b0011', 'b0012', 'b0014', 'b0015', 'b0016', 'b0017', 'b0018', 'b0019', 'b0021', 'b0022'],
      total: 22,
      number: 2,
      size: 10,
      pages: 3,
    })
    expect((await query.page(4, 10)).items).toEqual([])
    expect(await query.where('zone', 'eq', 'nowhere').page(1, 10)).toEqual({
      items: [],
      total: 0,
      number: 1,
      size: 10,
      pages: 0,
    })
  })
})

describe('a query with metadata', () => {
  test('gives with each document its revision, its times and its unit', async () => {
    const { store, runtime } = await openGreenhouse()
    await plant(store, bench('b1'))
    await runtime.advance(1_000)
    await using session = store.session({ correlationId: 'c1', causationId: 'c0' })
    session.patch(Benches, 'b1').set('zone', 'south')
    await session.saveChanges()
    const createdAtMs = Date.UTC(2026, 0, 1)
    const metadata = {
      revision: 2,
      createdAtMs,
      changedAtMs: createdAtMs + 1_000,
      correlationId: 'c1',
      causationId: 'c0',
    }
    const [row] = await store.query(Benches).withMetadata().toArray()
    expect(row).toEqual({ document: bench('b1', { zone: 'south' }), metadata })
    expect(await store.loadWithMetadata(Benches, 'b1')).toEqual(row)
    expect(await store.loadWithMetadata(Benches, 'b2')).toBeUndefined()
    const parts = await store.query(Benches).select({ zone: 'zone' }).withMetadata().first()
    expect(parts).toEqual({ document: { zone: 'south' }, metadata })
    expectTypeOf(parts!.document).toEqualTypeOf<{ zone: string }>()
  })
})

describe('soft deletes in queries', () => {
  test('are left out, taken in, or asked for alone and by time', async () => {
    const { store, runtime } = await openGreenhouse()
    await plant(store, bench('b1'), bench('b2'), bench('b3'))
    const deletedAt: number[] = []
    for (const id of ['b1', 'b2']) {
      await runtime.advance(1_000)
      await using session = store.session()
      session.delete(Benches, id)
      await session.saveChanges()
      deletedAt.push(runtime.clock.now())
    }
    const query = store.query(Benches)
    const [first = 0, second = 0] = deletedAt
    expect(idsOf(await query.toArray())).toEqual(['b3'])
    expect(idsOf(await query.maybeDeleted().toArray())).toEqual(['b1', 'b2', 'b3'])
    expect(idsOf(await query.onlyDeleted().toArray())).toEqual(['b1', 'b2'])
    expect(idsOf(await query.deletedSince(second).toArray())).toEqual(['b2'])
    expect(idsOf(await query.deletedBefore(new Date(second)).toArray())).toEqual(['b1'])
    expect(idsOf(await query.deletedSince(new Date(first)).deletedBefore(second).toArray())).toEqual(['b1'])
    expect(await query.onlyDeleted().count()).toBe(2)
    expect(await query.maybeDeleted().sum('celsius')).toBe(60)
    expect(idsOf(await allOf(query.onlyDeleted()))).toEqual(['b1', 'b2'])
    const [row] = await query.onlyDeleted().withMetadata().toArray()
    expect(row?.metadata).toMatchObject({ revision: 2, deletedAtMs: first })
    expect(await store.load(Benches, 'b1')).toBeUndefined()
  })
})

describe('going through a query', () => {
  test('reads page by page, and no page before it is asked for', async () => {
    const { store, database } = await openGreenhouse()
    await plant(store, ...numbered(300))
    let reads = 0
    const read = database.read.bind(database)
    database.read = (asked) => {
      reads += 1
      return read(asked)
    }
    const seen: string[] = []
    for await (const { id } of store.query(Benches)) {
      seen.push(id)
      if (seen.length === 16) break
    }
    expect(reads).toBe(1)
    expect(seen).toHaveLength(16)
    expect(idsOf(await allOf(store.query(Benches)))).toEqual(idsOf(numbered(300)))
    expect(reads).toBeLessThan(5)
  })

  test('keeps to limit and offset, and goes beyond the limit of one answer', async () => {
    const { store } = await openGreenhouse()
    await plant(store, ...numbered(100))
    const query = store.query(Benches)
    expect(idsOf(await allOf(query.offset(90)))).toEqual(idsOf(numbered(100).slice(90)))
    expect(idsOf(await allOf(query.offset(10).limit(30)))).toEqual(idsOf(numbered(100).slice(10, 40)))
    expect(await allOf(query.limit(0))).toEqual([])
    expect(await allOf(query.limit(1_000_000))).toHaveLength(100)
    expect(await codeOf(allOf(query.offset(-1)))).toBe('QUERY_INVALID')
    for (const limit of [-1, 1.5, Number.NaN]) {
      expect(await codeOf(async () => allOf(query.limit(limit)))).toBe('QUERY_INVALID')
    }
  })

  test('holds large documents in small numbers', async () => {
    const { store, database } = await openGreenhouse()
    const large = numbered(40).map((each) => ({ ...each, zone: 'x'.repeat(500_000) }))
    for (const each of large) await plant(store, each)
    const sizes: number[] = []
    const read = database.read.bind(database)
    database.read = async (asked) => {
      const answers = await read(asked)
      const [answer] = answers as unknown as { documents: readonly unknown[] }[]
      sizes.push(answer?.documents.length ?? 0)
      return answers
    }
    expect(await allOf(store.query(Benches).select({ id: 'id' }))).toHaveLength(40)
    expect(await allOf(store.query(Benches))).toHaveLength(40)
    expect(Math.max(...sizes.slice(2))).toBeLessThanOrEqual(16)
  })

  test('gives every document that stays once, whatever else comes and goes', async () => {
    const { store } = await openGreenhouse()
    await plant(store, ...numbered(200))
    const seen: string[] = []
    for await (const { id } of store.query(Benches)) {
      seen.push(id)
      await using session = store.session()
      if (id.endsWith('7')) session.hardDelete(Benches, id)
      session.store(Benches, bench(`a${id}`))
      await session.saveChanges()
    }
    expect(seen).toEqual(idsOf(numbered(200)))
  })

  const value = fc.constantFrom<unknown>(
    null,
    undefined,
    false,
    true,
    -1,
    0,
    1.5,
    '',
    'a',
    'b',
    '\u{10000}',
    '\ue000',
    [1],
    {},
    ['x'],
  )
  const direction = fc.constantFrom<OrderBy['direction']>('ascending', 'descending')

  test('has any order that a query has, over any mixture of values', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ one: value, two: value }), { minLength: 20, maxLength: 60 }),
        direction,
        direction,
        fc.boolean(),
        async (bodies, first, second, hasParts) => {
          const { store, database } = await openGreenhouse()
          const documents = bodies.map((body, index) => ({
            id: `d${index}`,
            body: JSON.parse(JSON.stringify({ id: `d${index}`, readings: body })),
          }))
          await database.commit(
            documents.map(({ id, body }) => ({
              kind: 'store',
              collection: 'benches',
              id,
              text: JSON.stringify(body),
            })),
          )
          const orderBy = [
            { path: ['readings', 'one'], direction: first },
            { path: ['readings', 'two'], direction: second },
          ]
          const query = store
            .query(Benches)
            .orderBy(['readings', 'one'], first)
            .orderBy(['readings', 'two'], second)
          const rows = hasParts ? await allOf(query.select({ id: 'id' })) : await allOf(query)
          const expected = documents.toSorted((left, right) => compareDocuments(orderBy, left, right))
          expect(idsOf(rows as Bench[])).toEqual(idsOf(expected))
          expect(idsOf(await query.limit(1_000).toArray())).toEqual(idsOf(expected))
        },
      ),
    )
  })
})

describe('the ends of an order', () => {
  test('are those of the single values, whatever else there is', async () => {
    const values = [null, false, true, -5, 3, 'a', 'b', [1], {}]
    await fc.assert(
      fc.asyncProperty(fc.subarray(values), async (some) => {
        const { store, database } = await openGreenhouse()
        await database.commit(
          some.map((value, index) => ({
            kind: 'store',
            collection: 'benches',
            id: `d${index}`,
            text: JSON.stringify({ id: `d${index}`, readings: { one: value } }),
          })),
        )
        const singles = some.filter((each) => each !== null && typeof each !== 'object')
        expect(await store.query(Benches).min(['readings', 'one'])).toBe(singles[0])
        expect(await store.query(Benches).max(['readings', 'one'])).toBe(singles.at(-1))
      }),
    )
  })
})
