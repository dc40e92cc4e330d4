import { compareDocuments, compareTexts, matches } from '@millrace/documents'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

describe('the order of texts', () => {
  test('is that of their UTF-8 bytes, for every text', () => {
    const encoder = new TextEncoder()
    const bytesOrder = (left: string, right: string) =>
      Buffer.compare(encoder.encode(left), encoder.encode(right))
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', 'é', '\ud7ff', '\ue000', '\uffff', '😀', '𐀀', '\0'),
    })
    fc.assert(
      fc.property(text, text, (left, right) => {
        expect(Math.sign(compareTexts(left, right))).toBe(bytesOrder(left, right))
      }),
    )
  })
})

describe('the order of documents', () => {
  test('is total and the same whatever order they came in', () => {
    const document = fc.record({ id: fc.uuid(), body: fc.record({ v: fc.jsonValue() }) })
    const orderBy = [{ path: ['v'], direction: 'descending' }] as const
    const sorted = (documents: readonly { id: string; body: unknown }[]) =>
      [...documents].sort((left, right) => compareDocuments(orderBy, left, right)).map(({ id }) => id)
    const shuffled = fc
      .uniqueArray(document, { selector: ({ id }) => id })
      .chain((documents) =>
        fc.tuple(fc.constant(documents), fc.shuffledSubarray(documents, { minLength: documents.length })),
      )
    fc.assert(
      fc.property(shuffled, ([documents, others]) => {
        expect(sorted(others)).toEqual(sorted(documents))
      }),
    )
  })
})

describe('a filter', () => {
  test('is either true or false, and its negation the other, for every value', () => {
    const operators = fc.constantFrom('eq', 'ne', 'lt', 'le', 'gt', 'ge')
    const values = fc.oneof(fc.string(), fc.double({ noNaN: true }), fc.boolean(), fc.constant(null))
    fc.assert(
      fc.property(operators, values, fc.jsonValue(), (operator, value, v) => {
        const filter = { kind: 'compare', path: ['v'], operator, value } as const
        const document = { id: 'b1', body: { v } }
        expect(matches(filter, document)).toBe(!matches({ kind: 'not', filter }, document))
      }),
    )
  })
})
