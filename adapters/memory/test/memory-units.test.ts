import type { JsonValue, StoreSchema, WriteOperation } from '@millrace/documents'
import { isMillraceError } from '@millrace/kernel'
import type { MemoryDatabase } from '@millrace/memory'
import { memoryDatabase } from '@millrace/memory'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const schema: StoreSchema = {
  collections: [
    {
      name: 'benches',
      softDelete: true,
      indexes: [{ kind: 'property', name: 'by-zone', paths: [['zone']], unique: true }],
      references: [{ path: ['house'], collection: 'houses' }],
    },
    { name: 'houses' },
    { name: 'houses-next' },
  ],
  tables: [{ name: 'hours', columns: { day: 'text', sum: 'number' }, key: ['day'] }],
}

/** Everything that can be asked of the database. */
async function everything(database: MemoryDatabase): Promise<unknown> {
  const documents = await database.read([
    ...['benches', 'houses', 'houses-next'].flatMap((collection) =>
      ['', 'other'].map(
        (tenant) => ({ kind: 'query', collection, tenant, deleted: 'include', limit: 10_000 }) as const,
      ),
    ),
  ])
  const events = await database.read([
    { kind: 'feed', after: 0, limit: 10_000 },
    { kind: 'feed', after: 0, limit: 10_000, withTopicOnly: true },
    { kind: 'feed-end' },
    { kind: 'stream-info', streams: ['s1', 's2'] },
    { kind: 'stream-info', streams: ['s1', 's2'], tenant: 'other' },
    { kind: 'positions', processor: 'p' },
  ])
  return { documents, events, rows: database.rows('hours') }
}

const ids = fc.constantFrom('1', '2', '3')
const tenant = fc.constantFrom({}, {}, {}, { tenant: 'other' })
const value = fc.constantFrom<JsonValue>('north', 'south', 1, null)
const where = fc.record({
  kind: fc.constant('compare'),
  path: fc.constant(['zone']),
  operator: fc.constantFrom('eq', 'ne'),
  value,
})
const patches = value.map((zone) => [{ kind: 'set', path: ['zone'], value: zone }])
const event = fc.record({ id: ids, type: fc.constant('t'), text: fc.constant('{}'), topic: fc.constant('t') })
const events = fc.array(event, { minLength: 1, maxLength: 3 })
const benches = { collection: fc.constant('benches') }

const kind = (name: string) => ({ kind: fc.constant(name) })
const storedBench = fc.record({
  ...kind('store'),
  ...benches,
  id: ids,
  text: fc.tuple(value, ids).map(([zone, house]) => JSON.stringify({ zone, house })),
})
const operation = fc
  .oneof(
    { weight: 8, arbitrary: storedBench },
    fc.record({
      ...kind('store'),
      collection: fc.constantFrom('houses', 'houses-next'),
      id: ids,
      text: fc.constant('{}'),
    }),
    fc.record({ ...kind('patch'), ...benches, id: ids, patches }),
    fc.record({ ...kind('patch-where'), ...benches, where, patches }),
    fc.record({ ...kind('delete'), ...benches, id: ids, hard: fc.boolean() }),
    fc.record({ ...kind('delete'), collection: fc.constant('houses'), id: ids }),
    fc.record({ ...kind('delete-where'), ...benches, where, hard: fc.boolean() }),
    fc.record({ ...kind('restore-where'), ...benches, where }),
    fc.record({
      ...kind('replace-all'),
      collection: fc.constant('houses'),
      from: fc.constant('houses-next'),
    }),
    fc.record({ ...kind('append'), stream: fc.constantFrom('s1', 's2'), events }),
    fc.record({ ...kind('publish'), events }),
    fc.record({ kind: fc.constantFrom('archive', 'tombstone'), stream: fc.constantFrom('s1', 's2') }),
    fc.record({ ...kind('forget-published'), before: fc.nat(9) }),
    fc.record({
      ...kind('position'),
      processor: fc.constant('p'),
      position: fc.record({ topic: fc.constant('t'), partition: fc.nat(1), offset: fc.nat(9) }),
    }),
    fc.record({
      ...kind('put-row'),
      table: fc.constant('hours'),
      key: fc.record({ day: ids }),
      add: fc.record({ sum: fc.nat(9) }),
    }),
    fc.record({ ...kind('delete-row'), table: fc.constant('hours'), key: fc.record({ day: ids }) }),
    fc.record({ ...kind('delete-rows'), table: fc.constant('hours') }),
  )
  .chain((each: object) => tenant.map((own) => ({ ...each, ...own }) as unknown as WriteOperation))

const unit = fc.array(operation, { minLength: 1, maxLength: 6 })

async function commit(database: MemoryDatabase, operations: readonly WriteOperation[]): Promise<string> {
  try {
    await database.commit(operations)
    return 'done'
  } catch (error) {
    if (isMillraceError(error)) return error.code
    throw error
  }
}

/** Its precondition never holds, so a unit that ends with it is refused. */
const neverHolds: WriteOperation = { kind: 'expect', collection: 'houses', id: 'none', revision: 99 }

async function openStore(): Promise<MemoryDatabase> {
  const database = memoryDatabase({ clock: { now: () => 1_000 } })
  await database.prepare(schema)
  // Something to refer to, or nearly every unit would be refused.
  for (const own of ['', 'other']) {
    const houses = ['1', '2', '3'].map(
      (id) => ({ kind: 'store', collection: 'houses', id, text: '{}' }) as const,
    )
    await database.commit(houses, { tenant: own })
  }
  return database
}

describe('a unit in memory', () => {
  test('that is refused leaves everything as it was, whatever it did before', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(unit, { maxLength: 6 }), unit, async (before, refused) => {
        const database = await openStore()
        for (const each of before) await commit(database, each)
        const seen = await everything(database)
        expect(await commit(database, [...refused, neverHolds])).not.toBe('done')
        expect(await everything(database)).toEqual(seen)
      }),
    )
  })

  test('that was refused does not change what later units do', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(unit, { maxLength: 4 }),
        unit,
        fc.array(unit, { maxLength: 4 }),
        async (before, refused, after) => {
          const [one, other] = [await openStore(), await openStore()]
          for (const each of before) expect(await commit(one, each)).toBe(await commit(other, each))
          await commit(one, [...refused, neverHolds])
          for (const each of after) expect(await commit(one, each)).toBe(await commit(other, each))
          expect(await everything(one)).toEqual(await everything(other))
        },
      ),
    )
  })

  test('keeps unique what is declared unique, and never refers to what does not exist', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(unit, { maxLength: 10 }), async (units) => {
        const database = await openStore()
        for (const each of units) await commit(database, each)
        for (const own of ['', 'other']) {
          const [found, houses] = await database.read([
            { kind: 'query', collection: 'benches', tenant: own },
            { kind: 'query', collection: 'houses', tenant: own },
          ])
          const bodies = found.documents.map(({ text }) => JSON.parse(text))
          const zones = bodies.map(({ zone }) => zone).filter((zone) => zone !== null)
          expect(new Set(zones).size).toBe(zones.length)
          const there = new Set(houses.documents.map(({ id }) => id))
          for (const { house } of bodies) expect(there).toContain(house)
        }
      }),
    )
  })
})
