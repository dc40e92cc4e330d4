import { type Collection, collection, openStore, type Property } from '@millrace/documents'
import { manualRuntime } from '@millrace/kernel'
import { memoryDatabase } from '@millrace/memory'
import { describe, expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'

const Bench = z.object({
  id: z.string(),
  celsius: z.number(),
  isOpen: z.boolean(),
  mode: z.enum(['auto', 'manual']),
  last: z.object({
    celsius: z.number(),
    at: z.string().optional(),
    vent: z.object({ percent: z.number() }).nullable(),
  }),
  tags: z.array(z.string()),
})
type Bench = z.output<typeof Bench>
const Benches: Collection<Bench> = collection('benches', Bench)

const benches: readonly Bench[] = [
  { id: 'b1', celsius: 20, isOpen: false, mode: 'auto', last: { celsius: 19, vent: null }, tags: [] },
  {
    id: 'b2',
    celsius: 35,
    isOpen: true,
    mode: 'auto',
    last: { celsius: 34, at: 'noon', vent: { percent: 80 } },
    tags: ['x'],
  },
  {
    id: 'b3',
    celsius: 31,
    isOpen: true,
    mode: 'manual',
    last: { celsius: 30, vent: { percent: 20 } },
    tags: [],
  },
]

async function openBenches() {
  const store = await openStore({
    database: memoryDatabase(),
    runtime: manualRuntime(),
    collections: [Benches],
  })
  await using session = store.session()
  for (const each of benches) session.store(Benches, each)
  await session.saveChanges()
  return store
}

const idsOf = (found: readonly Bench[]) => found.map(({ id }) => id)

describe('a typed query', () => {
  test('gives all documents by id when nothing is asked', async () => {
    const store = await openBenches()
    expect(await store.query(Benches).toArray()).toEqual(benches)
  })

  test('filters by property and by nested property, all conditions together', async () => {
    const query = (await openBenches()).query(Benches)
    expect(idsOf(await query.where('celsius', 'gt', 30).toArray())).toEqual(['b2', 'b3'])
    expect(idsOf(await query.where(['last', 'celsius'], 'le', 30).toArray())).toEqual(['b1', 'b3'])
    expect(
      idsOf(await query.where(['last', 'vent', 'percent'], 'ge', 20).where('mode', 'eq', 'auto').toArray()),
    ).toEqual(['b2'])
    expect(idsOf(await query.where(['last', 'vent'], 'eq', null).toArray())).toEqual(['b1'])
    expect(idsOf(await query.where(['last', 'at'], 'eq', null).toArray())).toEqual(['b1', 'b3'])
    expect(idsOf(await query.where('mode', 'in', ['manual']).toArray())).toEqual(['b3'])
    expect(idsOf(await query.where('id', 'startsWith', 'b').where('isOpen', 'ne', true).toArray())).toEqual([
      'b1',
    ])
  })

  test('takes a filter tree for or and not', async () => {
    const query = (await openBenches()).query(Benches)
    const isHot = { kind: 'compare', path: ['celsius'], operator: 'gt', value: 34 } as const
    const isManual = { kind: 'compare', path: ['mode'], operator: 'eq', value: 'manual' } as const
    expect(await query.where({ kind: 'or', filters: [isHot, isManual] }).count()).toBe(2)
    expect(
      idsOf(await query.where({ kind: 'not', filter: isHot }).where('isOpen', 'eq', true).toArray()),
    ).toEqual(['b3'])
  })

  test('orders, pages, gives the first, and counts without regard to pages', async () => {
    const query = (await openBenches())
      .query(Benches)
      .orderBy('isOpen', 'descending')
      .orderBy(['last', 'celsius'])
    expect(idsOf(await query.toArray())).toEqual(['b3', 'b2', 'b1'])
    expect(idsOf(await query.offset(1).limit(1).toArray())).toEqual(['b2'])
    expect((await query.first())?.id).toBe('b3')
    expect(await query.where('celsius', 'gt', 99).first()).toBeUndefined()
    expect(await query.limit(1).count()).toBe(3)
  })

  test('is immutable: a query that was refined is still what it was', async () => {
    const all = (await openBenches()).query(Benches)
    all.where('celsius', 'gt', 99).limit(0)
    expect(await all.count()).toBe(3)
    expect(await all.toArray()).toHaveLength(3)
  })

  test('knows the properties of the schema, their types, and which operators fit', async () => {
    const query = (await openBenches()).query(Benches)
    expectTypeOf<'celsius'>().toExtend<Property<Bench>>()
    expectTypeOf<readonly ['last', 'vent', 'percent']>().toExtend<Property<Bench>>()
    expectTypeOf<'farenheit'>().not.toExtend<Property<Bench>>()
    expectTypeOf<readonly ['last', 'percent']>().not.toExtend<Property<Bench>>()
    const mistakes = () => {
      // @ts-expect-error there is no such property
      query.where('farenheit', 'gt', 30)
      // @ts-expect-error a number is not compared with a text
      query.where('celsius', 'gt', '30')
      // @ts-expect-error only texts start with something
      query.where('celsius', 'startsWith', '3')
      // @ts-expect-error the mode has two values
      query.where('mode', 'eq', 'broken')
      // @ts-expect-error a list has no properties
      query.orderBy(['tags', 'length'])
      // @ts-expect-error a required property is never null
      query.where('celsius', 'eq', null)
    }
    expect(mistakes).toBeTypeOf('function')
  })
})
