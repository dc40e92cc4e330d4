import type { Database, DocumentQuery, Filter, WriteOperation } from '@millrace/documents'
import { isMillraceError } from '@millrace/kernel'
import { memoryDatabase } from '@millrace/memory'
import { openSqlite } from '@millrace/sqlite'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from './temporary-directory.ts'

/** Few names, so that documents and filters meet; some odd ones, so that quoting is tried. */
const name = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'b') },
  { weight: 2, arbitrary: fc.constantFrom('a.b', '"', "'", '$', '', 'é', '__proto__') },
)
const text = fc.oneof(
  fc.constantFrom('', 'a', 'A', 'ab', 'é', '😀', '\ue000', '\0', "' OR 1=1 --", '%', 'true', '1'),
  fc.string({ unit: 'binary', maxLength: 4 }),
)
const number = fc.oneof(
  fc.constantFrom(0, 1, -1, 1.5, 2 ** 53, 2 ** 63, 1e300),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
)
const single = fc.oneof(text, number, fc.boolean(), fc.constant(null))
const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, single, tie('object'), fc.array(single, { maxLength: 2 })),
  object: fc.dictionary(name, tie('value'), { maxKeys: 3 }),
}))
const body = fc.dictionary(name, value, { minKeys: 1, maxKeys: 4 })

const id = fc.constantFrom('d1', 'd2', 'd3', 'd4', 'é', '😀', '\ue000', "'")
const revision = fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined, freq: 1 })
const collection = fc.constantFrom('benches', 'benches', 'benches', 'Benches')
const operation: fc.Arbitrary<WriteOperation> = fc
  .oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('store' as const),
        collection,
        id,
        body,
        expectedRevision: revision,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('delete' as const),
        collection,
        id,
        expectedRevision: revision,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('position' as const),
        processor: fc.constantFrom('p', 'q'),
        position: fc.record({ topic: fc.constantFrom('t', 'T'), partition: fc.nat(1), offset: fc.nat(3) }),
        expectedOffset: fc.option(fc.nat(3), { nil: undefined }),
      }),
    },
  )
  .map(
    (each) =>
      Object.fromEntries(
        Object.entries(each).filter(([, part]) => part !== undefined),
      ) as unknown as WriteOperation,
  )

const path = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(name) },
  { weight: 1, arbitrary: fc.array(name, { minLength: 2, maxLength: 3 }) },
)
const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3 },
    fc.record({
      kind: fc.constant('compare' as const),
      path,
      operator: fc.constantFrom('eq', 'ne', 'lt', 'le', 'gt', 'ge'),
      value: single,
    }),
    fc.record({ kind: fc.constant('in' as const), path, values: fc.array(single, { maxLength: 4 }) }),
    fc.record({ kind: fc.constant('starts-with' as const), path, value: text }),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      filters: fc.array(tie('filter'), { maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('not' as const), filter: tie('filter') }),
  ),
}))
const query: fc.Arbitrary<DocumentQuery> = fc.record({
  collection,
  where: filter,
  orderBy: fc.array(fc.record({ path, direction: fc.constantFrom('ascending', 'descending') }), {
    maxLength: 3,
  }),
  limit: fc.nat(10),
  offset: fc.nat(4),
})

async function outcome(work: Promise<unknown>): Promise<unknown> {
  return work.catch((error: unknown) => (isMillraceError(error) ? error.message : error))
}

async function stateOf(database: Database): Promise<unknown> {
  const documents = [
    await database.query({ collection: 'benches' }),
    await database.query({ collection: 'Benches' }),
  ]
  return { documents, p: await database.positions('p'), q: await database.positions('q') }
}

async function wipe(database: Database): Promise<void> {
  for (const each of ['benches', 'Benches']) {
    const found = await database.query({ collection: each })
    await database.commit(
      found.map((document): WriteOperation => ({ kind: 'delete', collection: each, id: document.id })),
    )
  }
  for (const processor of ['p', 'q']) {
    for (const position of await database.positions(processor)) {
      await database.commit([{ kind: 'position', processor, position: { ...position, offset: 0 } }])
    }
  }
}

describe('SQLite and memory', () => {
  test('are in the same state after any operations, and give any query the same answer', async () => {
    await using directory = await temporaryDirectory()
    await using sqlite = await openSqlite({ file: directory.path('store.db') })
    await using memory = memoryDatabase()
    for (const database of [sqlite, memory]) await database.prepare(['benches', 'Benches'])
    const units = fc.array(fc.array(operation, { maxLength: 3 }), {
      minLength: 6,
      maxLength: 12,
      size: 'max',
    })
    const queries = fc.array(query, { minLength: 10, maxLength: 15 })
    await fc.assert(
      fc.asyncProperty(units, queries, async (someUnits, someQueries) => {
        const run = async (database: Database) => {
          const committed = await Promise.all(someUnits.map((unit) => outcome(database.commit(unit))))
          const found = await Promise.all(someQueries.map((each) => outcome(database.query(each))))
          const counted = await Promise.all(someQueries.map((each) => outcome(database.count(each))))
          return { committed, state: await stateOf(database), found, counted }
        }
        expect(await run(sqlite)).toEqual(await run(memory))
        await wipe(sqlite)
        await wipe(memory)
      }),
      { numRuns: 150 },
    )
  }, 60_000)
})
