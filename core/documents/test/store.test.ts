import { collection, openStore, storeSchema, systemCollection } from '@millrace/documents'
import { manualRuntime } from '@millrace/kernel'
import { memoryDatabase } from '@millrace/memory'
import { describe, expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'
import {
  type Bench,
  Benches,
  bench,
  benchSchema,
  codeOf,
  openGreenhouse,
  plant,
  Rooms,
  Vents,
} from './greenhouse.ts'

describe('a batch', () => {
  test('asks everything in one round trip', async () => {
    const { store, database } = await openGreenhouse()
    await plant(store, bench('b1'), bench('b2', { celsius: 35 }))
    const rounds: number[] = []
    const read = database.read.bind(database)
    database.read = (asked) => {
      rounds.push(asked.length)
      return read(asked)
    }
    const answers = await store.batch((read) => ({
      bench: read.load(Benches, 'b1'),
      some: read.loadMany(Benches, ['b2', 'b9']),
      hot: read.query(Benches).where('celsius', 'gt', 30).toArray(),
      total: read.query(Benches).count(),
      hottest: read.query(Benches).max('celsius'),
      first: read.query(Benches).orderBy('celsius', 'descending').first(),
      page: read.query(Benches).page(1, 1),
    }))
    expect(rounds).toEqual([7])
    expect(answers).toMatchObject({
      bench: { id: 'b1' },
      some: [{ id: 'b2' }],
      hot: [{ id: 'b2' }],
      total: 2,
      hottest: 35,
      first: { id: 'b2' },
      page: { total: 2, items: [{ id: 'b1' }] },
    })
    expectTypeOf(answers.bench).toEqualTypeOf<Bench | undefined>()
    expectTypeOf(answers.total).toEqualTypeOf<number>()
    const [one, count] = await store.batch((read) => [read.load(Benches, 'b1'), read.query(Benches).count()])
    expect([one?.id, count]).toEqual(['b1', 2])
    expectTypeOf(one).toEqualTypeOf<Bench | undefined>()
  })

  test('fails as a whole when one of its reads is refused', async () => {
    const { store } = await openGreenhouse()
    const failing = store.batch((read) => ({
      fine: read.query(Benches).count(),
      wrong: read.query(Benches).limit(-1).toArray(),
    }))
    expect(await codeOf(failing)).toBe('QUERY_INVALID')
    expect(await codeOf(store.batch((read) => ({ none: read.load(Rooms, 'r1') })))).toBe('TENANT_MISSING')
    expect(await store.batch(() => ({}))).toEqual({})
  })

  test('lets reads that come too late go their own way', async () => {
    const { store } = await openGreenhouse()
    await plant(store, bench('b1'))
    const { later } = await store.batch((read) => ({
      later: read.load(Benches, 'b1').then(() => read.load(Benches, 'b1')),
    }))
    expect(later?.id).toBe('b1')
  })

  test('of a session notes what it has read', async () => {
    const { store } = await openGreenhouse()
    await plant(store, bench('b1'))
    await using session = store.session()
    await session.batch((read) => ({ one: read.load(Benches, 'b1'), none: read.load(Benches, 'b2') }))
    expect([session.revisionOf(Benches, 'b1'), session.revisionOf(Benches, 'b2')]).toEqual([1, 0])
  })
})

describe('opening a store', () => {
  test('declares everything to the database, and tells what is missing', async () => {
    const Beds = collection('beds', benchSchema, {
      softDelete: true,
      indexes: [
        {
          kind: 'property',
          properties: ['zone', ['last', 'celsius']],
          unique: true,
          where: (each) => each.where('isOpen', 'eq', true),
        },
        {
          kind: 'property',
          name: 'planted',
          properties: ['plantedAt'],
          where: (each) => each.where('plantedAt', 'gt', new Date(0)),
        },
        { kind: 'column', property: 'celsius', type: 'number' },
        { kind: 'containment' },
      ],
      references: [
        { property: 'zone', to: Benches },
        { property: ['last', 'note'], to: 'beds' },
      ],
      fullText: ['zone', ['last', 'note']],
    })
    const tables = [{ name: 'totals', columns: { zone: 'text', count: 'number' }, key: ['zone'] }] as const
    expect(storeSchema({ collections: [Benches, Beds], tables })).toEqual({
      collections: [
        Benches.declared,
        {
          name: 'beds',
          softDelete: true,
          indexes: [
            {
              kind: 'property',
              name: 'by-zone-last-celsius',
              paths: [['zone'], ['last', 'celsius']],
              unique: true,
              where: { kind: 'compare', path: ['isOpen'], operator: 'eq', value: true },
            },
            {
              kind: 'property',
              name: 'planted',
              paths: [['plantedAt']],
              unique: false,
              where: {
                kind: 'compare',
                path: ['plantedAt'],
                operator: 'gt',
                value: '1970-01-01T00:00:00.000Z',
              },
            },
            { kind: 'column', name: 'column-celsius', path: ['celsius'], type: 'number', unique: false },
            { kind: 'containment', name: 'containment' },
          ],
          references: [
            { path: ['zone'], collection: 'benches' },
            { path: ['last', 'note'], collection: 'beds' },
          ],
          fullText: [['zone'], ['last', 'note']],
        },
        { name: 'millrace-transformations' },
      ],
      tables,
    })
    const { store, database } = await openGreenhouse({ collections: [Benches, Beds], tables })
    expect(await store.diff()).toEqual({ steps: [] })
    await using session = store.session()
    const north = { zone: 'b1', isOpen: true, last: { celsius: 1, note: null } }
    session.store(Benches, bench('b1'))
    session.store(Beds, { id: 'a', celsius: 1, ...north })
    await session.saveChanges()
    session.store(Beds, { id: 'b', celsius: 2, ...north })
    expect(await codeOf(session.saveChanges())).toBe('DOCUMENT_NOT_UNIQUE')
    await using other = store.session()
    other.store(Beds, { id: 'b', zone: 'nowhere', celsius: 2 })
    expect(await codeOf(other.saveChanges())).toBe('DOCUMENT_REFERENCE_BROKEN')
    const put = { kind: 'put-row', table: 'totals', key: { zone: 'north' }, add: { count: 1 } } as const
    await database.commit([put])
  })

  test('can be told to make nothing', async () => {
    const database = memoryDatabase()
    const options = { database, collections: [Benches], runtime: manualRuntime() }
    expect(await codeOf(openStore({ ...options, prepare: { checkOnly: true } }))).toBe('STORE_SCHEMA_DIFFERS')
    const store = await openStore({ ...options, prepare: false })
    expect(await codeOf(store.query(Benches).count())).toBe('COLLECTION_UNKNOWN')
  })

  test('refuses a declared property that the schema is known not to have', async () => {
    const Beds = collection('beds', benchSchema, { fullText: ['zoom' as 'zone'] })
    expect(await codeOf(openGreenhouse({ collections: [Beds] }))).toBe('SCHEMA_INVALID')
    const Rows = collection('rows', benchSchema, {
      indexes: [{ kind: 'property', properties: [['last', 'kelvin'] as never] }],
    })
    expect(await codeOf(openGreenhouse({ collections: [Rows] }))).toBe('SCHEMA_INVALID')
    const Columns = collection('columns', benchSchema, {
      indexes: [{ kind: 'column', property: 'kelvin' as 'celsius', type: 'number' }],
    })
    expect(await codeOf(openGreenhouse({ collections: [Columns] }))).toBe('SCHEMA_INVALID')
  })
})

describe('declaring a collection', () => {
  test("keeps Millrace's own names for Millrace", async () => {
    const schema = z.object({ id: z.string() })
    for (const name of ['millrace-fleet', 'Millrace-fleet', '', '1a', 'a b', undefined as never]) {
      expect(await codeOf(() => collection(name, schema))).toBe('COLLECTION_NAME_INVALID')
    }
    expect(systemCollection('millrace-fleet', schema).name).toBe('millrace-fleet')
  })

  test('does not look into a schema before the store is opened', async () => {
    const early = collection(
      'early',
      z.object({
        id: z.string(),
        get later() {
          return Later
        },
      }),
      {
        indexes: [{ kind: 'property', properties: [['later', 'zone']] }],
      },
    )
    const Later = z.object({ zone: z.string() })
    const { store } = await openGreenhouse({ collections: [early] })
    expect(await store.query(early).where(['later', 'zone'], 'eq', 'x').count()).toBe(0)
  })

  test('is typed by the properties of its documents', () => {
    const schema = z.object({ id: z.string(), zone: z.string(), tags: z.array(z.string()) })
    const mistakes = () => {
      // @ts-expect-error there is no such property
      collection('a', schema, { indexes: [{ kind: 'property', properties: ['zoom'] }] })
      // @ts-expect-error there is no such property
      collection('a', schema, { fullText: ['zoom'] })
      // @ts-expect-error there is no such property
      collection('a', schema, { references: [{ property: 'zoom', to: Vents }] })
      // @ts-expect-error an id is a text here
      collection('a', schema, { id: () => 7 })
      // @ts-expect-error documents have ids
      collection('a', z.object({ zone: z.string() }))
      collection('a', schema, {
        // @ts-expect-error there is no such property
        indexes: [{ kind: 'property', properties: ['zone'], where: (each) => each.where('zoom', 'eq', 'x') }],
      })
    }
    expect(mistakes).toBeTypeOf('function')
  })
})

describe('an upcast', () => {
  test('gives documents of an older shape their present one when they are read whole', async () => {
    const Beds = collection('beds', z.object({ id: z.string(), celsius: z.number() }), {
      upcast: (stored) => {
        const { farenheit, ...bed } = stored as { farenheit?: number }
        return farenheit === undefined ? bed : { ...bed, celsius: ((farenheit - 32) * 5) / 9 }
      },
    })
    const { store, database } = await openGreenhouse({ collections: [Beds] })
    const text = '{"id":"a","farenheit":68}'
    await database.commit([{ kind: 'store', collection: 'beds', id: 'a', text }])
    expect(await store.load(Beds, 'a')).toEqual({ id: 'a', celsius: 20 })
    expect(await store.query(Beds).toArray()).toEqual([{ id: 'a', celsius: 20 }])
    expect(await store.query(Beds).where('celsius', 'exists').count()).toBe(0)
  })

  test('that throws is an error that names the document', async () => {
    const Beds = collection('beds', z.object({ id: z.string() }), {
      upcast: () => {
        throw new TypeError('too old')
      },
    })
    const { store, database } = await openGreenhouse({ collections: [Beds] })
    await database.commit([{ kind: 'store', collection: 'beds', id: 'a', text: '{"id":"a"}' }])
    await expect(store.load(Beds, 'a')).rejects.toMatchObject({
      code: 'DOCUMENT_NOT_UPCAST',
      parameters: { collection: 'beds', id: 'a', reason: 'too old' },
    })
  })
})
