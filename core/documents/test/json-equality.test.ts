import { equalJson, type JsonValue } from '@millrace/documents'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const values = fc.jsonValue({ maxDepth: 3 }).map((value) => value as JsonValue)

describe('the equality of JSON values', () => {
  const cases: readonly (readonly [JsonValue, JsonValue, boolean])[] = [
    [1, 1, true],
    [0, -0, true],
    [1, '1', false],
    [null, false, false],
    [null, {}, false],
    [[], {}, false],
    [[1, 2], [2, 1], false],
    [[1], [1, 1], false],
    [{ a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 }, true],
    [{ a: 1 }, { a: 1, b: null }, false],
    [{ a: null }, { b: null }, false],
    [{ toString: null }, {}, false],
    [{}, { toString: null }, false],
  ]
  test.each(cases)('of %j and %j is %j', (left, right, isEqual) => {
    expect(equalJson(left, right)).toBe(isEqual)
    expect(equalJson(right, left)).toBe(isEqual)
  })

  test('does not see the order of properties, for every value', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(equalJson(value, turned(value))).toBe(true)
      }),
    )
  })

  test('is that of texts with sorted properties, for every two values', () => {
    fc.assert(
      fc.property(values, values, (left, right) => {
        expect(equalJson(left, right)).toBe(sortedText(left) === sortedText(right))
      }),
    )
  })
})

/** The value with the properties of every object the other way round. */
function turned(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(turned)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, each]) => [name, turned(each)]),
  )
}

function sortedText(value: JsonValue): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (typeof each !== 'object' || each === null) return each
    if (Array.isArray(each)) return ['array', ...each]
    return ['object', ...Object.entries(each).sort(([left], [right]) => (left < right ? -1 : 1))]
  })
}
