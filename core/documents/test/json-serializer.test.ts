import { isDeepStrictEqual } from 'node:util'
import { applyPatches, bodyOf, type DocumentPlace, jsonSerializer } from '@millrace/documents'
import { isMillraceError } from '@millrace/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Decimal, decimal } from './decimal.ts'

const serializer = jsonSerializer({ types: [decimal] })
const place: DocumentPlace = { collection: 'benches', id: 'b1' }

function roundTrip(document: object): object {
  return serializer.read(serializer.write(document, place))
}

function codeOf(act: () => unknown): unknown {
  try {
    act()
    return 'no error'
  } catch (error) {
    return isMillraceError(error) ? error.code : error
  }
}

/** Text and numbers that look like what other values become. */
const lookAlike = fc.oneof(
  fc.integer(),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.constantFrom('', 'AAAA', '2026-01-01T00:00:00.000Z', '2026-01-01', '$types', 0, 5, -1),
)

const single = fc.oneof(
  fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0')),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0 || 0),
  fc.boolean(),
  fc.constant(null),
  fc.bigInt(),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 9 }),
  fc
    .tuple(fc.bigInt(), fc.nat(20))
    .map(([digits, scale]) => new Decimal(`${digits}.${'5'.repeat(scale + 1)}`)),
  lookAlike,
)

const name = fc.oneof(
  fc.constantFrom('a', 'b', '0', '1', '[]', '$', '__proto__', 'date', 'constructor', 'toJSON'),
  fc.string().filter((text) => !text.includes('\0')),
)

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    single,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(fc.tuple(name, tie('value')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
  ),
}))

const document = fc
  .array(
    fc.tuple(
      name.filter((each) => each !== '$types'),
      value,
    ),
    { maxLength: 6 },
  )
  .map((entries) => Object.fromEntries([['id', 'b1'], ...entries]) as Record<string, unknown>)

describe('the JSON serializer', () => {
  test('writes a plain document exactly as JSON.stringify does', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string().filter((each) => each !== '$types' && !each.includes('\0')),
          fc.jsonValue(),
        ),
        (body) => {
          const plain = JSON.parse(JSON.stringify(body).replaceAll('\\u0000', ''))
          expect(serializer.write(plain, place)).toBe(JSON.stringify(plain))
          expect(roundTrip(plain)).toEqual(plain)
        },
      ),
    )
  })

  test('gives back dates, bigints, bytes and registered values as what they were, wherever they are', () => {
    const at = new Date('2026-01-31T12:00:00.123Z')
    const body = {
      id: 'b1',
      at,
      big: 123_456_789_012_345_678_901_234_567_890n,
      negative: -1n,
      price: new Decimal('12.50'),
      bytes: Uint8Array.of(0, 255, 7),
      nested: { times: [at, new Date(0)], rows: [{ at, n: 1 }, { n: 2 }] },
      plain: '2026-01-31T12:00:00.123Z',
    }
    expect(roundTrip(body)).toEqual(body)
    expect(JSON.parse(serializer.write(body, place))).toMatchObject({
      at: '2026-01-31T12:00:00.123Z',
      negative: -1,
      price: 12.5,
      nested: { rows: [{ at: '2026-01-31T12:00:00.123Z' }, { n: 2 }] },
    })
    expect(serializer.write(body, place)).toContain('"big":123456789012345678901234567890,')
  })

  test('gives back whatever a document may hold, also where plain values look like others', () => {
    fc.assert(
      fc.property(document, (body) => {
        // expect() would look at properties named "constructor", too.
        if (!isDeepStrictEqual(roundTrip(body), body)) throw new Error(serializer.write(body, place))
      }),
      { numRuns: 1_000 },
    )
  })

  test('reads what an engine has put in another order', () => {
    const text = '{"$types":{"at":{"$":"date"}},"at":"2026-01-31T12:00:00.000Z","id":"b1"}'
    expect(serializer.read(text)).toEqual({ at: new Date('2026-01-31T12:00:00.000Z'), id: 'b1' })
  })

  test('takes a value for what it is where the note about it is out of date', () => {
    const text =
      '{"a":"no date","b":1.5,"c":[1],"d":null,"$types":{"a":{"$":"date"},"b":{"$":"bigint"},"c":{"$":"date"},"d":null,"e":{"$":"date"}}}'
    expect(serializer.read(text)).toEqual({ a: 'no date', b: 1.5, c: [1], d: null })
    expect(serializer.read('{"a":1,"$types":null}')).toEqual({ a: 1 })
    expect(serializer.read('{"a":1,"$types":{"a":{"$":"unheard-of"}}}')).toEqual({ a: 1 })
  })

  test('refuses what it does not know, circles, and a property of its own name', () => {
    const circle: Record<string, unknown> = { id: 'b1', at: new Date(0) }
    circle.self = circle
    for (const body of [
      { id: 'b1', map: new Map() },
      { id: 'b1', at: new Date(Number.NaN) },
      { id: 'b1', at: new Date(0), n: Number.NaN },
      { id: 'b1', price: new Decimal('NaN') },
      { id: 'b1', call: () => 1 },
      { id: 'b1', $types: {} },
      circle,
    ]) {
      expect(codeOf(() => serializer.write(body, place))).toBe('DOCUMENT_INVALID')
    }
    expect(
      codeOf(() => serializer.write({ id: 'b1', at: new Date(0), t: 'x'.repeat(1_048_576) }, place)),
    ).toBe('DOCUMENT_TOO_LARGE')
  })

  test('keeps what it notes to itself where JSON is shown', () => {
    const text = serializer.write({ id: 'b1', at: new Date(0), n: 5n }, place)
    expect(bodyOf({ text })).toEqual({ id: 'b1', at: '1970-01-01T00:00:00.000Z', n: 5 })
  })

  test('keeps a value what it is when nothing is renamed onto it', () => {
    let text = serializer.write({ id: 'b1', a: new Date(0), b: 5n }, place)
    for (const patch of [
      { kind: 'delete', path: ['b'] },
      { kind: 'rename', path: ['b'], to: 'a' },
    ] as const) {
      const body = JSON.parse(text)
      text = JSON.stringify(applyPatches({ ...place, body }, serializer.patches(patch, 'benches')))
    }
    expect(serializer.read(text)).toEqual({ id: 'b1', a: new Date(0) })
  })

  test('changes nothing that it is given', () => {
    const body = { id: 'b1', times: [new Date(0)], inner: { big: 5n } }
    serializer.write(body, place)
    expect(body).toEqual({ id: 'b1', times: [new Date(0)], inner: { big: 5n } })
  })

  test('gives filters what stands in the JSON, in the order of the values', () => {
    expect(serializer.filterValue(new Date(0))).toBe('1970-01-01T00:00:00.000Z')
    expect(serializer.filterValue(5n)).toBe(5)
    expect(serializer.filterValue(new Decimal('12.50'))).toBe(12.5)
    expect(serializer.filterValue('x')).toBe('x')
    expect(serializer.filterValue(null)).toBe(null)
    for (const each of [undefined, Number.NaN, {}, [], new Map(), new Date(Number.NaN)]) {
      expect(serializer.filterValue(each)).toBeUndefined()
    }
  })
})
