import type { Filter, JsonValue, OrderBy, Patch } from '@millrace/documents'
import * as fc from 'fast-check'
import type { ModelOperation, ModelQuery } from './database-model.ts'
import { BENCHES } from './database-operations.ts'

/**
 * Few names, so that documents, filters and patches meet; some odd ones, so that quoting is tried. A backslash alone is
 * left out: where V8 has read an object with that name, it takes a quote or a line end in its place for a backslash.
 */
const name = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'b') },
  { weight: 2, arbitrary: fc.constantFrom('a.b', '"', "'", '$', '', 'é', '__proto__', '0') },
)

const text = fc.oneof(
  fc.constantFrom('', 'a', 'A', 'ab', 'é', '😀', '\ue000', "' OR 1=1 --", '%', 'true', '1', 'a b', '\\'),
  fc.string({
    unit: fc.constantFrom('a', 'B', 'é', 'ß', 'Ж', '京', '😀', '\ue000', ' ', '"', '_', '\n', '\u0001'),
    maxLength: 4,
  }),
)

const number = fc.oneof(
  fc.constantFrom(0, 1, -1, 1.5, 2 ** 53, 2 ** 63, 1e300),
  // JSON has no negative zero: adding zero makes it a positive one.
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((each) => each + 0),
)

const single = fc.oneof(text, number, fc.boolean(), fc.constant(null))

const { value, object } = fc.letrec<{ value: JsonValue; object: Readonly<Record<string, JsonValue>> }>(
  (tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      { weight: 4, arbitrary: single },
      { weight: 2, arbitrary: tie('object') },
      { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
    ),
    object: fc.dictionary(name, tie('value'), { maxKeys: 3 }),
  }),
)

const path = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(name) },
  { weight: 2, arbitrary: fc.array(name, { minLength: 2, maxLength: 3 }) },
)
/** Inside `any` and `all` a path may be empty. */
const innerPath = fc.array(name, { maxLength: 2 })

const comparison = fc.constantFrom(
  'eq' as const,
  'ne' as const,
  'lt' as const,
  'le' as const,
  'gt' as const,
  'ge' as const,
)
const id = fc.constantFrom('d1', 'd2', 'd3', 'd4', 'd5', 'é', '😀', '\ue000', "'")

function condition(at: fc.Arbitrary<readonly string[]>): fc.Arbitrary<Filter> {
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('compare'), path: at, operator: comparison, value: single }),
    },
    fc.record({ kind: fc.constant('in'), path: at, values: fc.array(single, { maxLength: 4 }) }),
    fc.record({ kind: fc.constantFrom('starts-with', 'contains'), path: at, value: text }),
    fc.record({ kind: fc.constant('id'), operator: comparison, value: id }),
  ) as fc.Arbitrary<Filter>
}

const exists = fc.record({ kind: fc.constant('exists' as const), path })
const search = fc.record({
  kind: fc.constant('search' as const),
  text: fc.constantFrom('a', 'A', 'ab', 'é', 'true', '1', 'OR 1', 'a b', '', '%'),
  prefix: fc.boolean(),
})

const { filter } = fc.letrec<{ inner: Filter; filter: Filter }>((tie) => ({
  inner: fc.oneof(
    { maxDepth: 2 },
    condition(innerPath),
    exists,
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      filters: fc.array(tie('inner'), { maxLength: 2 }),
    }),
    fc.record({ kind: fc.constant('not' as const), filter: tie('inner') }),
    fc.record({
      kind: fc.constantFrom('any' as const, 'all' as const),
      path: innerPath,
      filter: tie('inner'),
    }),
  ),
  filter: fc.oneof(
    { maxDepth: 3 },
    { weight: 4, arbitrary: condition(path) },
    { weight: 1, arbitrary: exists },
    { weight: 1, arbitrary: search },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constantFrom('and' as const, 'or' as const),
        filters: fc.array(tie('filter'), { maxLength: 3 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('not' as const), filter: tie('filter') }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constantFrom('any' as const, 'all' as const),
        path,
        filter: tie('inner'),
      }),
    },
  ),
}))

const patch: fc.Arbitrary<Patch> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), path, value }),
  fc.record({ kind: fc.constant('increment' as const), path, by: number }),
  fc.record({ kind: fc.constantFrom('append' as const, 'append-if-missing' as const), path, value }),
  fc.record({ kind: fc.constant('insert-at' as const), path, index: fc.nat(3), value }),
  fc.record({
    kind: fc.constant('remove' as const),
    path,
    value,
    which: fc.constantFrom('first' as const, 'all' as const),
  }),
  fc.record({ kind: fc.constant('rename' as const), path, to: name }),
  fc.record({
    kind: fc.constant('duplicate' as const),
    path,
    to: fc.array(path, { minLength: 1, maxLength: 2 }),
  }),
  fc.record({ kind: fc.constant('delete' as const), path }),
)
/** Mostly one: of several, one is refused more often. */
const patches = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(patch) },
  { weight: 1, arbitrary: fc.array(patch, { minLength: 2, maxLength: 3 }) },
)

const collection = fc.constant(BENCHES)
/** Where a revision is expected, it often holds. */
const expectedRevision = fc.integer({ min: 0, max: 3 })

const operation = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record(
      {
        kind: fc.constant('store'),
        collection,
        id,
        text: object.map((body) => JSON.stringify(body)),
        expectedRevision,
      },
      { requiredKeys: ['kind', 'collection', 'id', 'text'] },
    ),
  },
  {
    weight: 4,
    arbitrary: fc.record(
      { kind: fc.constant('patch'), collection, id, patches, expectedRevision },
      { requiredKeys: ['kind', 'collection', 'id', 'patches'] },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('patch-where'),
      collection,
      where: filter,
      patches,
      withChanges: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record(
      { kind: fc.constant('delete'), collection, id, expectedRevision, hard: fc.boolean() },
      { requiredKeys: ['kind', 'collection', 'id'] },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('delete-where'),
      collection,
      where: filter,
      hard: fc.boolean(),
      withChanges: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restore-where'), collection, where: filter }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('expect'), collection, id, revision: expectedRevision }),
  },
) as fc.Arbitrary<ModelOperation>

/** Units of a few operations, after some that store documents. */
export const anyUnits: fc.Arbitrary<readonly (readonly ModelOperation[])[]> = fc
  .tuple(
    fc.array(object, { minLength: 9, maxLength: 9 }),
    fc.array(fc.array(operation, { minLength: 1, maxLength: 3 }), { minLength: 5, maxLength: 10 }),
  )
  .map(([bodies, units]) => {
    const ids = ['d1', 'd2', 'd3', 'd4', 'd5', 'é', '😀', '\ue000', "'"]
    const stored = bodies.map((body, index): ModelOperation => {
      return { kind: 'store', collection: BENCHES, id: ids[index]!, text: JSON.stringify(body) }
    })
    return [stored, ...units]
  })

const orderBy: fc.Arbitrary<readonly OrderBy[]> = fc.array(
  fc.record({ path, direction: fc.constantFrom('ascending' as const, 'descending' as const) }),
  { maxLength: 3 },
)

export const anyQuery: fc.Arbitrary<ModelQuery> = fc.record(
  {
    where: filter,
    orderBy,
    limit: fc.nat(10),
    offset: fc.nat(4),
    select: fc.dictionary(name, path, { minKeys: 1, maxKeys: 3 }),
    deleted: fc.constantFrom('exclude' as const, 'include' as const, { kind: 'only' as const }),
  },
  { requiredKeys: ['where', 'orderBy', 'deleted'] },
)
