import { type Collection, collection, type Property, type Query } from '@millrace/documents'
import { describe, expect, expectTypeOf, test } from 'vitest'
import type * as z from 'zod'
import {
  type Bench,
  Benches,
  bench,
  type benchSchema,
  codeOf,
  idsOf,
  openGreenhouse,
  plant,
  Vents,
} from './greenhouse.ts'

const benches: readonly Bench[] = [
  bench('b1', { celsius: 20, last: { celsius: 19, note: null } }),
  bench('b2', {
    celsius: 35,
    isOpen: true,
    zone: 'south',
    plantedAt: new Date('2026-03-01T00:00:00Z'),
    liters: 70n,
    last: { celsius: 34, note: 'dry' },
    tags: ['x', 'tomato'],
    alarms: [
      { level: 3, text: 'hot', at: new Date('2026-03-02T00:00:00Z') },
      { level: 1, text: 'dry' },
    ],
    readings: { noon: 36 },
  }),
  bench('b3', {
    celsius: 31,
    isOpen: true,
    mode: 'manual',
    plantedAt: new Date('2026-04-01T00:00:00Z'),
    liters: 9n,
    tags: ['tomato'],
    alarms: [{ level: 2, text: 'warm' }],
  }),
]

async function openBenches() {
  const { store } = await openGreenhouse()
  await plant(store, ...benches)
  return store.query(Benches)
}

describe('a typed query', () => {
  test('gives all documents by id when nothing is asked', async () => {
    const query = await openBenches()
    expect(await query.toArray()).toEqual(benches)
    expectTypeOf(await query.toArray()).toEqualTypeOf<Bench[]>()
  })

  test('filters by property and by nested property, all conditions together', async () => {
    const query = await openBenches()
    expect(idsOf(await query.where('celsius', 'gt', 30).toArray())).toEqual(['b2', 'b3'])
    expect(idsOf(await query.where(['last', 'celsius'], 'le', 30).toArray())).toEqual(['b1'])
    const dryAuto = query.where(['last', 'note'], 'eq', 'dry').where('mode', 'eq', 'auto')
    expect(idsOf(await dryAuto.toArray())).toEqual(['b2'])
    expect(idsOf(await query.where('last', 'eq', null).toArray())).toEqual(['b3'])
    expect(idsOf(await query.where(['last', 'note'], 'eq', null).toArray())).toEqual(['b1', 'b3'])
    expect(idsOf(await query.where('mode', 'in', ['manual']).toArray())).toEqual(['b3'])
    expect(idsOf(await query.where('celsius', 'between', 20, 31).toArray())).toEqual(['b1', 'b3'])
    expect(idsOf(await query.where('zone', 'startsWith', 'so').toArray())).toEqual(['b2'])
    expect(idsOf(await query.where('zone', 'contains', 'ort').toArray())).toEqual(['b1', 'b3'])
    expect(idsOf(await query.where(['readings', 'noon'], 'exists').toArray())).toEqual(['b2'])
  })

  test('compares dates and bigints as what they are', async () => {
    const query = await openBenches()
    const march = new Date('2026-03-31T00:00:00Z')
    expect(idsOf(await query.where('plantedAt', 'lt', march).toArray())).toEqual(['b2'])
    expect(idsOf(await query.where('plantedAt', 'in', [benches[2]!.plantedAt!]).toArray())).toEqual(['b3'])
    expect(idsOf(await query.where('liters', 'between', 9n, 69n).toArray())).toEqual(['b3'])
    expect(idsOf(await query.orderBy('liters').toArray())).toEqual(['b1', 'b3', 'b2'])
  })

  test('asks arrays whether any or all of their elements hold', async () => {
    const query = await openBenches()
    expect(idsOf(await query.where('tags', 'includes', 'tomato').toArray())).toEqual(['b2', 'b3'])
    expect(idsOf(await query.where('tags', 'any', (tag) => tag.is('startsWith', 'x')).toArray())).toEqual([
      'b2',
    ])
    expect(
      idsOf(await query.where('alarms', 'any', (alarm) => alarm.where('level', 'ge', 2)).toArray()),
    ).toEqual(['b2', 'b3'])
    expect(
      idsOf(
        await query
          .where('alarms', 'any', (alarm) => alarm.where('level', 'lt', 2).where('text', 'eq', 'hot'))
          .toArray(),
      ),
    ).toEqual([])
    const late = new Date('2026-03-01T12:00:00Z')
    expect(
      idsOf(await query.where('alarms', 'any', (alarm) => alarm.where('at', 'gt', late)).toArray()),
    ).toEqual(['b2'])
    expect(
      idsOf(await query.where('alarms', 'all', (alarm) => alarm.where('level', 'ge', 2)).toArray()),
    ).toEqual(['b1', 'b3'])
  })

  test('takes alternatives, opposites, and both inside one another', async () => {
    const query = await openBenches()
    const hotOrManual = query.or(
      (each) => each.where('celsius', 'gt', 34),
      (each) => each.where('mode', 'eq', 'manual').where('isOpen', 'eq', true),
    )
    expect(idsOf(await hotOrManual.toArray())).toEqual(['b2', 'b3'])
    expect(idsOf(await hotOrManual.not((each) => each.where('zone', 'eq', 'south')).toArray())).toEqual([
      'b3',
    ])
    expect(await query.not((each) => each.or((one) => one.where('isOpen', 'eq', true))).count()).toBe(1)
    expect(await query.or().count()).toBe(0)
    expect(await query.or((each) => each).count()).toBe(3)
  })

  test('takes a filter tree for what only run time knows', async () => {
    const query = await openBenches()
    const isHot = { kind: 'compare', path: ['celsius'], operator: 'gt', value: 34 } as const
    const isManual = { kind: 'compare', path: ['mode'], operator: 'eq', value: 'manual' } as const
    expect(await query.where({ kind: 'or', filters: [isHot, isManual] }).count()).toBe(2)
    const notHot = query.where({ kind: 'not', filter: isHot }).where('isOpen', 'eq', true)
    expect(idsOf(await notHot.toArray())).toEqual(['b3'])
  })

  test('finds by id, as a text and as a number', async () => {
    const { store } = await openGreenhouse()
    await plant(store, ...benches)
    await using session = store.session()
    for (const id of [1, 2, 10]) session.store(Vents, { id, bench: 'b1', percent: id })
    await session.saveChanges()
    expect(idsOf(await store.query(Benches).whereId('gt', 'b1').toArray())).toEqual(['b2', 'b3'])
    expect(idsOf(await store.query(Benches).where('id', 'le', 'b2').toArray())).toEqual(['b1', 'b2'])
    expect(idsOf(await store.query(Vents).whereId('eq', 10).toArray())).toEqual([10])
    expect(idsOf(await store.query(Vents).where('id', 'gt', 1).orderBy('id').toArray())).toEqual([2, 10])
  })

  test('searches the words of the properties that are declared for it', async () => {
    const query = await openBenches()
    expect(idsOf(await query.search('Tomato').toArray())).toEqual(['b2', 'b3'])
    expect(idsOf(await query.search('tomato sou', { prefix: true }).toArray())).toEqual(['b2'])
    expect(idsOf(await query.search('tomato sou').toArray())).toEqual([])
  })

  test('orders, pages, gives the first, and counts without regard to pages', async () => {
    const query = (await openBenches()).orderBy('isOpen', 'descending').orderBy('celsius')
    expect(idsOf(await query.toArray())).toEqual(['b3', 'b2', 'b1'])
    expect(idsOf(await query.offset(1).limit(1).toArray())).toEqual(['b2'])
    expect((await query.first())?.id).toBe('b3')
    expect((await query.firstOrNull())?.id).toBe('b3')
    const none = query.where('celsius', 'gt', 99)
    expect(await none.first()).toBeUndefined()
    expect(await none.firstOrNull()).toBeNull()
    expect(await query.limit(1).count()).toBe(3)
    expect(await query.limit(0).first()).toBeUndefined()
  })

  test('is immutable: a query that was refined is still what it was', async () => {
    const all = await openBenches()
    all.where('celsius', 'gt', 99).limit(0)
    expect(await all.count()).toBe(3)
    expect(await all.toArray()).toHaveLength(3)
  })

  test('adds up, and finds the smallest and the greatest, as what they are', async () => {
    const query = await openBenches()
    expect(await query.sum('celsius')).toBe(86)
    expect(await query.sum('liters')).toBe(79)
    expect(await query.where('celsius', 'gt', 99).sum('celsius')).toBe(0)
    expect(await query.min('celsius')).toBe(20)
    expect(await query.max('plantedAt')).toEqual(new Date('2026-04-01T00:00:00Z'))
    expect(await query.min('liters')).toBe(9n)
    expect(await query.where('zone', 'eq', 'nowhere').max('celsius')).toBeUndefined()
    expect(await query.max(['last', 'note'])).toBe('dry')
    expectTypeOf(await query.max('plantedAt')).toEqualTypeOf<Date | undefined>()
    expectTypeOf(await query.min('mode')).toEqualTypeOf<'auto' | 'manual' | undefined>()
  })

  test('says how the engine would answer', async () => {
    const query = await openBenches()
    expect((await query.where('celsius', 'gt', 3).explain()).lines.join()).toContain('benches')
  })
})

/** What a caller without types may ask for. */
type Anything = Record<string, unknown>
type Unknown = Anything & { id: string; last: Anything; alarms: Anything[] }

describe('a typed query that is wrong', () => {
  test('is refused where the schema tells that there is no such property', async () => {
    const query = (await openBenches()) as Query<Unknown>
    const refused = 'QUERY_INVALID'
    expect(await codeOf(() => query.where('farenheit', 'eq', 3))).toBe(refused)
    expect(await codeOf(() => query.where(['last', 'farenheit'], 'eq', 3))).toBe(refused)
    expect(await codeOf(() => query.orderBy('farenheit'))).toBe(refused)
    expect(await codeOf(() => query.select({ a: 'farenheit' }))).toBe(refused)
    expect(await codeOf(query.sum('farenheit' as never))).toBe(refused)
    expect(await codeOf(query.min('farenheit'))).toBe(refused)
    expect(await codeOf(() => query.where('alarms', 'any', (alarm) => alarm.where('volume', 'eq', 3)))).toBe(
      refused,
    )
    const tree = { kind: 'exists', path: ['farenheit'] } as const
    expect(await codeOf(() => query.where({ kind: 'not', filter: { kind: 'and', filters: [tree] } }))).toBe(
      refused,
    )
    expect(await codeOf(() => query.where({ kind: 'any', path: ['alarms'], filter: tree }))).toBe(refused)
    expect(await query.whereStored(tree).count()).toBe(0)
  })

  test('names the properties that there are', async () => {
    const query = (await openBenches()) as Query<Unknown>
    expect(() => query.where('farenheit', 'eq', 3)).toThrow(/"farenheit".*one of: id, zone, celsius/)
  })

  test('is refused for values that cannot be compared with, and for trees that are none', async () => {
    const query = (await openBenches()) as Query<Unknown>
    const refused = 'QUERY_INVALID'
    expect(await codeOf(() => query.where('zone', 'eq', undefined as never))).toBe(refused)
    expect(await codeOf(() => query.where('zone', 'eq', Number.NaN))).toBe(refused)
    expect(await codeOf(() => query.where('zone', 'eq', {} as never))).toBe(refused)
    expect(await codeOf(() => query.where('zone', 'in', 'x' as never))).toBe(refused)
    expect(await codeOf(() => query.where({ kind: 'and' } as never))).toBe(refused)
    for (const property of [undefined, null, 7, ['a', 7], Array(21).fill('a')]) {
      expect(await codeOf(() => query.where(property as never, 'exists'))).toBe(refused)
      expect(await codeOf(() => query.orderBy(property as never))).toBe(refused)
    }
    expect(await codeOf(() => query.where('alarms', 'any', 'level' as never))).toBe(refused)
    expect(await codeOf(() => query.or({ kind: 'and', filters: [] } as never))).toBe(refused)
    expect(await codeOf(() => query.not(undefined as never))).toBe(refused)
    expect(await codeOf(query.where('zone', 'startsWith', 3 as never).toArray())).toBe(refused)
    expect(await codeOf(query.where('zone', 'like' as never, 'x').toArray())).toBe(refused)
    expect(await codeOf(query.page(0, 10))).toBe(refused)
    expect(await codeOf(query.page(1, 0))).toBe(refused)
    expect(await codeOf(query.limit(-1).toArray())).toBe(refused)
    expect(await codeOf(() => query.select({ $a: 'zone' }))).toBe(refused)
  })

  test('is not refused where the schema cannot tell', async () => {
    const { store } = await openGreenhouse()
    const Loose = collection('benches', {
      '~standard': { version: 1, vendor: 'own', validate: (value: unknown) => ({ value: value as Bench }) },
    })
    const query = store.query(Loose) as unknown as Query<Unknown>
    expect(await query.where('farenheit', 'eq', 3).count()).toBe(0)
    const open = store.query(Benches) as unknown as Query<Bench>
    expect(await open.where(['readings', 'whatever'], 'eq', 3).count()).toBe(0)
  })
})

describe('the types of a query', () => {
  test('know the properties of the schema, their types, and which operators fit', async () => {
    const query = await openBenches()
    expectTypeOf<'celsius'>().toExtend<Property<Bench>>()
    expectTypeOf<readonly ['last', 'note']>().toExtend<Property<Bench>>()
    expectTypeOf<'farenheit'>().not.toExtend<Property<Bench>>()
    expectTypeOf<readonly ['last', 'percent']>().not.toExtend<Property<Bench>>()
    expectTypeOf<readonly ['plantedAt', 'getTime']>().not.toExtend<Property<Bench>>()
    const mistakes = () => {
      // @ts-expect-error there is no such property
      query.where('farenheit', 'gt', 30)
      // @ts-expect-error a number is not compared with a text
      query.where('celsius', 'gt', '30')
      // @ts-expect-error a date is not compared with a text
      query.where('plantedAt', 'gt', '2026-01-01')
      // @ts-expect-error a bigint is not compared with a number
      query.where('liters', 'gt', 3)
      // @ts-expect-error only texts start with something
      query.where('celsius', 'startsWith', '3')
      // @ts-expect-error the mode has two values
      query.where('mode', 'eq', 'broken')
      // @ts-expect-error a list has no properties
      query.orderBy(['tags', 'length'])
      // @ts-expect-error a required property is never null
      query.where('celsius', 'eq', null)
      // @ts-expect-error between has two ends
      query.where('celsius', 'between', 3)
      // @ts-expect-error an array is asked about its elements
      query.where('tags', 'eq', 'x')
      // @ts-expect-error a text has no elements
      query.where('zone', 'any', (each) => each)
      // @ts-expect-error the elements are texts
      query.where('tags', 'includes', 3)
      // @ts-expect-error the elements have no such property
      query.where('alarms', 'any', (alarm) => alarm.where('volume', 'gt', 3))
      // @ts-expect-error there is no such property in an alternative either
      query.or((each) => each.where('farenheit', 'gt', 3))
      // @ts-expect-error only numbers are added up
      query.sum('zone')
      // @ts-expect-error there is no such property
      query.select({ far: 'farenheit' })
    }
    expect(mistakes).toBeTypeOf('function')
  })

  test('have a search only for collections with full text', async () => {
    const { store } = await openGreenhouse()
    const mistakes = () => {
      // @ts-expect-error vents have no full text
      store.query(Vents).search('x')
    }
    expect(mistakes).toBeTypeOf('function')
    const erased: Collection<Bench> = Benches
    expect(await store.query(erased).search('x').count()).toBe(0)
  })

  test('give the parts that were selected', async () => {
    const query = await openBenches()
    const rows = query.select({ zone: 'zone', note: ['last', 'note'], at: 'plantedAt' })
    expectTypeOf(await rows.toArray()).toEqualTypeOf<
      { zone: string; note: string | null; at: Date | null }[]
    >()
    expectTypeOf<z.output<typeof benchSchema>>().toEqualTypeOf<Bench>()
  })
})
