import {
  collection,
  compareDocuments,
  conflictOf,
  type OrderBy,
  openStore,
  type Session,
  type Store,
  selfContained,
} from '@millrace/documents'
import { manualRuntime, type StandardSchema } from '@millrace/kernel'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { type DatabaseFactory, useDatabase } from './database-harness.ts'

interface Bench {
  readonly id: string
  readonly zone: string
  readonly celsius: number
  readonly plantedAt?: Date
  readonly liters?: bigint
  readonly photo?: Uint8Array
  readonly tags: readonly string[]
  readonly alarms: readonly { readonly level: number; readonly at?: Date }[]
  readonly free?: unknown
}

/** Takes everything: what is stored is the suite's to judge. */
const schema: StandardSchema<Bench, Bench> = {
  '~standard': { version: 1, vendor: 'suite', validate: (value) => ({ value: value as Bench }) },
}

const Benches = collection('benches', schema, {
  softDelete: true,
  fullText: ['zone', 'tags'],
  indexes: [
    { kind: 'property', properties: ['plantedAt'] },
    { kind: 'property', properties: ['celsius', 'zone'] },
  ],
})

/**
 * What applications see of a `Database` through a typed store. The suite of the port tries every operation by itself; this
 * one tries what a store makes of them: pages behind a place in an order, the ends of an order, dates and other values in
 * filters, parts and patches, transformations.
 */
export function storeSuite(name: string, open: DatabaseFactory): void {
  describe(`a store on ${name}`, () => {
    const under = useDatabase(open, { collections: [] })
    let store: Store
    beforeEach(async () => {
      store = await openStore({
        database: under().database,
        collections: [Benches],
        runtime: manualRuntime(),
      })
      await saved((session) => session.hardDeleteWhere(Benches, (each) => each))
    })
    const saved = async (change: (session: Session) => void) => {
      await using session = store.session()
      change(session)
      await session.saveChanges()
    }
    const plant = (benches: readonly Bench[]) =>
      saved((session) => {
        for (const each of benches) session.store(Benches, each)
      })
    const ids = (found: readonly { readonly id: string }[]) => found.map(({ id }) => id)

    test('goes through documents in any order that a query has, over any mixture of values', async () => {
      await fc.assert(
        fc.asyncProperty(mixtures, direction, direction, async (values, first, second) => {
          const benches = values.map((free, index) => bench(`b${index}`, { free }))
          await saved((session) => session.hardDeleteWhere(Benches, (each) => each))
          await plant(benches)
          const orderBy: readonly OrderBy[] = [
            { path: ['free', 'one'], direction: first },
            { path: ['free', 'two'], direction: second },
          ]
          const query = store
            .query(Benches)
            .orderBy(['free', 'one'] as never, first)
            .orderBy(['free', 'two'] as never, second)
          const expected = benches.map((body) => ({ id: body.id, body }))
          const inOrder = expected.toSorted((left, right) => compareDocuments(orderBy, left, right))
          const seen: string[] = []
          for await (const { id } of query) seen.push(id)
          expect(seen).toEqual(ids(inOrder))
          expect(ids(await query.limit(1_000).toArray())).toEqual(ids(inOrder))
        }),
        { numRuns: 15 },
      )
    })

    test('finds, orders and adds up dates, bigints and what is in arrays', async () => {
      await plant(various)
      const query = store.query(Benches)
      expect(await query.toArray()).toEqual(various)
      const march = new Date('2026-03-01T00:00:00.001Z')
      expect(ids(await query.where('plantedAt', 'lt', march).toArray())).toEqual(['b1'])
      expect(ids(await query.where('plantedAt', 'between', march, new Date('2027-01-01')).toArray())).toEqual(
        ['b2'],
      )
      expect(ids(await query.where('liters', 'in', [5n, 9n]).toArray())).toEqual(['b1', 'b3'])
      expect(ids(await query.orderBy('liters', 'descending').toArray())).toEqual(['b2', 'b1', 'b3'])
      expect(
        ids(await query.where('alarms', 'any', (alarm) => alarm.where('at', 'gt', march)).toArray()),
      ).toEqual(['b2'])
      expect(
        ids(await query.where('tags', 'includes', 'dry').search('nor', { prefix: true }).toArray()),
      ).toEqual(['b1'])
      expect(
        ids(await query.not((each) => each.or((one) => one.where('photo', 'exists'))).toArray()),
      ).toEqual(['b1', 'b3'])
      expect(await query.min('plantedAt')).toEqual(new Date('2026-03-01T00:00:00Z'))
      expect(await query.max('plantedAt')).toEqual(new Date('2026-04-01T00:00:00Z'))
      expect(await query.max('liters')).toBe(2n ** 70n)
      expect(await query.where('liters', 'lt', 100n).sum('liters')).toBe(14)
      expect(await query.max('photo')).toEqual(Uint8Array.of(1, 2, 255))
    })

    test('gives parts as what they are', async () => {
      await plant(various)
      const rows = store
        .query(Benches)
        .select({ at: 'plantedAt', liters: 'liters', alarms: 'alarms', photo: 'photo' })
      expect(await rows.toArray()).toEqual(
        various.map(({ plantedAt = null, liters = null, alarms, photo = null }) => ({
          at: plantedAt,
          liters,
          alarms,
          photo,
        })),
      )
    })

    test('patches values so that they come back as what they are, and leaves large numbers beside them alone', async () => {
      await plant(various)
      const at = new Date('2026-06-01T00:00:00Z')
      await saved((session) => {
        session
          .patch(Benches, (each) => each)
          .append('alarms', { level: 9, at })
          .set('free', { at, n: [1n, 2n], text: '2026-06-01T00:00:00.000Z' })
          .duplicate('plantedAt', ['free', 'plantedAt'] as never)
          .increment('celsius')
        session
          .patch(Benches, 'b1')
          .rename('plantedAt', 'photo')
          .set('liters', 7n)
          .remove('alarms', { level: 1 })
        session.patch(Benches, 'b3').delete('liters').set('plantedAt', at)
      })
      const free = { at, n: [1n, 2n], text: '2026-06-01T00:00:00.000Z' }
      const [b1, b2, b3] = various as readonly [Bench, Bench, Bench]
      const added = (one: Bench) => ({ celsius: one.celsius + 1, alarms: [...one.alarms, { level: 9, at }] })
      const { plantedAt: planted, ...b1Rest } = b1
      const { liters: _, ...b3Rest } = b3
      expect(await store.query(Benches).toArray()).toEqual([
        {
          ...b1Rest,
          ...added(b1),
          alarms: [{ level: 9, at }],
          photo: planted,
          liters: 7n,
          free: { ...free, plantedAt: planted },
        },
        { ...b2, ...added(b2), free: { ...free, plantedAt: b2.plantedAt } },
        { ...b3Rest, ...added(b3), plantedAt: at, free: { ...free, plantedAt: null } },
      ])
    })

    test('tells what became of changes of many, and keeps changes in their order', async () => {
      await plant(various)
      await using session = store.session()
      const hot = session.deleteWhere(Benches, (each) => each.where('celsius', 'gt', 25))
      session.store(Benches, bench('b2', { zone: 'again' }))
      const back = session.undoDelete(Benches, 'b3')
      session.hardDelete(Benches, 'b1')
      session.insert(Benches, bench('b1', { zone: 'anew' }))
      const patch = session.patch(Benches, (each) => each.where('zone', 'eq', 'anew')).set('zone', 'patched')
      await session.saveChanges()
      expect([hot.count, back.count, patch.count]).toEqual([2, 1, 1])
      const found = await store.query(Benches).withMetadata().toArray()
      expect(found.map(({ document: { id, zone }, metadata: { revision } }) => [id, zone, revision])).toEqual(
        [
          ['b1', 'patched', 2],
          ['b2', 'again', 3],
          ['b3', 'south', 3],
        ],
      )
    })

    test('has both sides of a conflict', async () => {
      await plant(various)
      await using session = store.session()
      const known = await session.load(Benches, 'b1')
      await plant([bench('b1', { celsius: 1 })])
      session.update(Benches, { ...known!, celsius: 2 })
      const error = await session.saveChanges().catch((reason: unknown) => reason)
      expect(conflictOf(error, Benches)).toMatchObject({
        expectedRevision: 1,
        stored: { document: bench('b1', { celsius: 1 }), revision: 2 },
        attempted: { kind: 'store', document: { celsius: 2 } },
      })
    })

    test('answers several reads from one state', async () => {
      await plant(various)
      const [one, hot, total, last] = await store.batch((read) => [
        read.load(Benches, 'b2'),
        read.query(Benches).where('celsius', 'gt', 25).toArray(),
        read.query(Benches).page(1, 1),
        read.query(Benches).max('plantedAt'),
      ])
      expect([one?.id, ids(hot), total.total, last]).toEqual([
        'b2',
        ['b2', 'b3'],
        3,
        new Date('2026-04-01T00:00:00Z'),
      ])
    })

    test('transforms documents, marked ones too, here and, where the engine can, inside', async () => {
      await plant(
        Array.from({ length: 50 }, (_, index) =>
          bench(`b${index}`, { celsius: index, plantedAt: new Date(index) }),
        ),
      )
      await saved((session) => session.deleteWhere(Benches, (each) => each.where('celsius', 'ge', 40)))
      const here = await store.transform(
        Benches,
        (each) =>
          each.celsius === 1 ? null : { ...each, plantedAt: new Date(Number(each.plantedAt) + 1_000) },
        { name: `here on ${name}`, batch: 20 },
      )
      expect(here).toMatchObject({ seen: 50, changed: 49, deleted: 1, total: 50, isDone: true })
      const hotter = selfContained((each: { celsius: number }) =>
        each.celsius === 2 ? null : { ...each, celsius: each.celsius + 100 },
      )
      const inside = await store.transform(Benches, hotter, { name: `inside on ${name}`, batch: 20 })
      expect(inside).toMatchObject({ seen: 49, changed: 48, deleted: 1, isDone: true })
      expect(await store.query(Benches).where('celsius', 'between', 100, 139).count()).toBe(38)
      expect(await store.query(Benches).onlyDeleted().where('celsius', 'ge', 140).count()).toBe(10)
      expect((await store.load(Benches, 'b7'))?.plantedAt).toEqual(new Date(1_007))
      expect(await store.transform(Benches, hotter, { name: `inside on ${name}` })).toEqual(inside)
    })

    test('holds all that was declared', async () => {
      expect((await store.diff()).steps).toEqual([])
    })
  })
}

function bench(id: string, more: Partial<Bench> = {}): Bench {
  return { id, zone: 'north', celsius: 20, tags: [], alarms: [], ...more }
}

const various: readonly Bench[] = [
  bench('b1', {
    plantedAt: new Date('2026-03-01T00:00:00Z'),
    liters: 9n,
    tags: ['wet', 'dry'],
    alarms: [{ level: 1 }],
  }),
  bench('b2', {
    celsius: 30,
    plantedAt: new Date('2026-04-01T00:00:00Z'),
    liters: 2n ** 70n,
    photo: Uint8Array.of(1, 2, 255),
    alarms: [{ level: 3, at: new Date('2026-05-01T00:00:00Z') }, { level: 2 }],
  }),
  bench('b3', { zone: 'south', celsius: 35, liters: 5n, tags: ['dry'] }),
]

const direction = fc.constantFrom<OrderBy['direction']>('ascending', 'descending')

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

const mixtures = fc.array(fc.record({ one: value, two: value }), { minLength: 20, maxLength: 60 })
