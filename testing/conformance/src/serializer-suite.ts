import {
  applyPatches,
  compareValues,
  documentLimits,
  type JsonValue,
  parseKeepingNumbers,
  type Serializer,
  type ValuePatch,
} from '@millrace/documents'
import { isMillraceError } from '@millrace/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

/** A kind of values that a serializer knows beside those of JSON. */
export interface KnownValues {
  readonly kind: string
  /** Different ones, at least three, in ascending order if they have one; no two stand for the same JSON. */
  readonly values: readonly unknown[]
  /** Nothing is less or greater: bytes, for example. Default: false. */
  readonly hasNoOrder?: boolean
}

/** What a {@link serializerSuite} tries. */
export interface SerializerUnderTest {
  readonly serializer: Serializer
  readonly knows: readonly KnownValues[]
}

const place = { collection: 'things', id: 't1' }

/** What every `Serializer` must do, with whatever values it says it knows. */
export function serializerSuite(name: string, make: () => SerializerUnderTest): void {
  const { serializer, knows } = make()
  describe(`${name} is a serializer`, () => {
    describe('documents', () => documentTests(serializer, knows))
    describe('what is compared', () => filterTests(serializer, knows))
    describe('patches', () => patchTests(serializer, knows))
    describe('parts', () => partTests(serializer, knows))
  })
}

function documentTests(serializer: Serializer, knows: readonly KnownValues[]): void {
  const roundTrip = (document: object) => serializer.read(serializer.write(document, place))

  test('gives back whatever JSON can hold', () => {
    fc.assert(
      fc.property(plainDocument, (document) => {
        expect(roundTrip(document)).toEqual(document)
      }),
    )
  })

  for (const { kind, values } of knows) {
    test(`gives back ${kind} values wherever they are`, () => {
      for (const value of values) {
        for (const document of [
          { id: 't1', value },
          { id: 't1', deep: { er: { value, other: 'x' } } },
          { id: 't1', list: [value, ...values, value] },
          { id: 't1', rows: [{ value, n: 1 }, { n: 2 }, { value: null }, 'x', [value]] },
        ]) {
          expect(roundTrip(document)).toEqual(document)
        }
      }
    })

    test(`keeps ${kind} values apart from what stands for them in JSON`, () => {
      for (const value of values) {
        const alike = serializer.filterValue(value)
        for (const document of [
          { id: 't1', value, alike },
          { id: 't1', list: [value, alike, { alike, value }, [alike], [value]] },
          { id: 't1', list: [alike, value], rows: [{ alike: value }, { alike }] },
        ]) {
          expect(roundTrip(document)).toEqual(document)
        }
      }
    })

    test(`reads ${kind} values in whatever order an engine has put the properties`, () => {
      const document = { id: 't1', a: values[0], rows: values.map((value) => ({ value, n: 1 })) }
      const text = JSON.stringify(turnedAround(parseKeepingNumbers(serializer.write(document, place))))
      expect(serializer.read(text)).toEqual(document)
    })
  }

  test('leaves out what is undefined, and changes nothing that it is given', () => {
    const document = { id: 't1', a: undefined, list: knows.map(({ values }) => values[0]) }
    const { a: _, ...rest } = document
    expect(roundTrip(document)).toEqual(rest)
    expect(document).toEqual({ id: 't1', a: undefined, list: knows.map(({ values }) => values[0]) })
  })

  test('refuses what it does not know, and never changes it silently', () => {
    const circle: Record<string, unknown> = { id: 't1' }
    circle.self = circle
    const known = new Set(knows.flatMap(({ values }) => values.map(tagOf)))
    const others = [new Date(0), 5n, Uint8Array.of(1)].filter((value) => !known.has(tagOf(value)))
    for (const value of [
      ...others,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Symbol('x'),
      () => 1,
      new Map(),
      new Stranger(),
    ]) {
      expect(codeOf(() => serializer.write({ id: 't1', value }, place))).toBe('DOCUMENT_INVALID')
      expect(codeOf(() => serializer.write({ id: 't1', list: [1, { value }] }, place))).toBe(
        'DOCUMENT_INVALID',
      )
    }
    expect(codeOf(() => serializer.write({ id: 't1', list: [undefined] }, place))).toBe('DOCUMENT_INVALID')
    expect(codeOf(() => serializer.write(circle, place))).toBe('DOCUMENT_INVALID')
    const tooLarge = { id: 't1', text: 'x'.repeat(documentLimits.documentCharactersMax) }
    expect(codeOf(() => serializer.write(tooLarge, place))).toBe('DOCUMENT_TOO_LARGE')
  })
}

function filterTests(serializer: Serializer, knows: readonly KnownValues[]): void {
  test('is what stands in the JSON', () => {
    const values = ['', 'x', 0, -1.5, true, false, null, ...knows.flatMap((known) => known.values)]
    for (const value of values) {
      const parsed = JSON.parse(serializer.write({ id: 't1', value, deep: { list: [value] } }, place))
      const single = serializer.filterValue(value)
      expect(parsed.value).toEqual(single)
      expect(parsed.deep.list).toEqual([single])
    }
  })

  test('has the order of the values', () => {
    for (const { values, hasNoOrder = false } of knows) {
      const singles = values.map((value) => serializer.filterValue(value))
      if (!hasNoOrder) expect(singles.toSorted(compareValues)).toEqual(singles)
      expect(new Set(singles).size).toBe(singles.length)
    }
  })

  test('is nothing for what no value can be compared with', () => {
    for (const value of [
      undefined,
      Number.NaN,
      Number.NEGATIVE_INFINITY,
      {},
      [],
      new Map(),
      new Stranger(),
      () => 1,
    ]) {
      expect(serializer.filterValue(value)).toBeUndefined()
    }
  })
}

/** Patches of the document `{ a, b, list, inner: { a } }`; their values are places in a pool. */
function patchOf(pool: readonly unknown[], listed: readonly number[]): fc.Arbitrary<ValuePatch> {
  const value = fc.nat(pool.length - 1)
  const element = fc.constantFrom(...listed)
  const single = fc.constantFrom(['a'], ['b'], ['inner', 'a'], ['inner', 'deeper', 'a'])
  const array = fc.constantFrom(['list'], ['inner', 'list'])
  const any = fc.oneof(single, array)
  return fc.oneof(
    fc.record({ kind: fc.constant('set' as const), path: single, value }),
    fc.record({
      kind: fc.constantFrom('append' as const, 'append-if-missing' as const),
      path: array,
      value: element,
    }),
    fc.record({ kind: fc.constant('insert-at' as const), path: array, index: fc.nat(3), value: element }),
    fc.record({
      kind: fc.constant('remove' as const),
      path: array,
      value: element,
      which: fc.constantFrom('first' as const, 'all' as const),
    }),
    fc.record({
      kind: fc.constant('duplicate' as const),
      path: single,
      to: fc.array(single, { minLength: 1, maxLength: 2 }),
    }),
    fc.record({
      kind: fc.constant('rename' as const),
      path: fc.constantFrom(['a'], ['b']),
      to: fc.constantFrom('a', 'b', 'c'),
    }),
    fc.record({ kind: fc.constant('delete' as const), path: any }),
  )
}

function patchTests(serializer: Serializer, knows: readonly KnownValues[]): void {
  for (const { kind, values } of knows) {
    test(`with ${kind} values do what they say, applied by an engine to what is stored`, () => {
      // What stands for a value is set, too, but never put into an array beside it: that is told apart by place only.
      const alike = serializer.filterValue(values[0])
      const pool = [...values, alike, 'plain', 1.5, true, null, { at: values[0], plain: 'x' }, [values[1]]]
      // Any text or number may look like some value.
      const isAlike = (named: unknown) =>
        [alike, 'plain', 1.5].some((plain) => named === `#${pool.indexOf(plain)}`)
      const listed = [...values.keys(), pool.indexOf('plain'), pool.indexOf(true)]
      fc.assert(
        fc.property(fc.array(patchOf(pool, listed), { maxLength: 15 }), (patches) => {
          // The model has a name in the place of each value, and is patched by the definition of patches.
          let model: JsonObject = { id: 't1', list: [] }
          let text = serializer.write({ id: 't1', list: [] }, place)
          for (const patch of patches) {
            const named = { ...patch, ...('value' in patch ? { value: `#${patch.value as number}` } : {}) }
            const valued = { ...patch, ...('value' in patch ? { value: pool[patch.value as number] } : {}) }
            if (patch.kind === 'rename' && patch.to in model && isAlike(model[patch.path[0]!])) continue
            const after = attempt(() => applyPatches({ ...place, body: model }, [named as never]))
            if (after === undefined) continue
            model = after
            const body = parseKeepingNumbers(text) as JsonObject
            text = JSON.stringify(
              applyPatches({ ...place, body }, serializer.patches(valued as ValuePatch, 'things')),
            )
          }
          expect(serializer.read(text)).toEqual(filled(model, pool))
        }),
        { numRuns: 300 },
      )
    })
  }

  test('of plain values are what they were', () => {
    const patches: readonly ValuePatch[] = [
      { kind: 'set', path: ['a'], value: 'x' },
      { kind: 'append', path: ['list'], value: { a: 'x' } },
      { kind: 'increment', path: ['n'], by: 2 },
      { kind: 'delete', path: ['a'] },
    ]
    for (const patch of patches) expect(serializer.patches(patch, 'things')[0]).toEqual(patch)
  })
}

type JsonObject = Readonly<Record<string, JsonValue>>

function partTests(serializer: Serializer, knows: readonly KnownValues[]): void {
  test('come back as what they are, and null where they are missing', () => {
    const values = [...knows.flatMap((known) => known.values), 'x', 1, null]
    for (const value of values) {
      const document = { id: 't1', value, deep: { list: [value], value } }
      const wanted = {
        one: ['value'],
        all: ['deep'],
        list: ['deep', 'list'],
        inner: ['deep', 'value'],
        none: ['deep', 'none'],
        id: ['id'],
      }
      const body = parseKeepingNumbers(serializer.write(document, place)) as JsonObject
      const parts = Object.entries(serializer.parts(wanted)).map(([name, path]) => [
        name,
        valueIn(body, path),
      ])
      expect(serializer.readParts(JSON.stringify(Object.fromEntries(parts)), wanted)).toEqual({
        one: value,
        all: document.deep,
        list: [value],
        inner: value,
        none: null,
        id: 't1',
      })
    }
  })
}

const plainName = fc.string().filter((name) => !name.includes('\0') && !name.startsWith('$'))

const plainDocument = fc
  .dictionary(plainName, fc.jsonValue())
  .map(
    (body) =>
      JSON.parse(
        JSON.stringify(body).replaceAll('\\u0000', '').replaceAll('"__proto__"', '"proto"'),
      ) as object,
  )

class Stranger {
  readonly a = 1
}

function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value)
}

function codeOf(act: () => unknown): unknown {
  try {
    act()
    return 'no error'
  } catch (error) {
    return isMillraceError(error) ? error.code : error
  }
}

/** Undefined for what patches refuse. */
function attempt<Result>(act: () => Result): Result | undefined {
  try {
    return act()
  } catch (error) {
    if (isMillraceError(error, 'PATCH_REFUSED')) return undefined
    throw error
  }
}

function valueIn(body: JsonValue, path: readonly string[]): JsonValue {
  let value: JsonValue | undefined = body
  for (const name of path) value = (value as JsonObject | null)?.[name] ?? null
  return value ?? null
}

/** The model with values in the place of their names. */
function filled(model: JsonValue, pool: readonly unknown[]): unknown {
  if (typeof model === 'string' && model.startsWith('#')) return pool[Number(model.slice(1))]
  if (Array.isArray(model)) return model.map((each) => filled(each, pool))
  if (typeof model !== 'object' || model === null) return model
  return Object.fromEntries(Object.entries(model).map(([name, each]) => [name, filled(each, pool)]))
}

/** The properties of every object in the opposite order. */
function turnedAround(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(turnedAround)
  if (typeof json !== 'object' || json === null || Object.isFrozen(json)) return json
  const entries = Object.entries(json).reverse()
  return Object.fromEntries(entries.map(([name, each]) => [name, turnedAround(each)]))
}
