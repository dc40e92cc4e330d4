import { bodyOf, documentLimits, documentText } from '@millrace/documents'
import { type ErrorCode, isMillraceError } from '@millrace/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codeOf } from './code-of.ts'

function nested(levels: number): Record<string, unknown> {
  return levels === 1 ? {} : { a: nested(levels - 1) }
}

describe('the text of a document', () => {
  test('holds everything that JSON can hold, for every document', () => {
    const texts = fc.string({ unit: 'grapheme' })
    const body = fc.dictionary(
      texts,
      fc.oneof(
        texts,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.boolean(),
        fc.constant(null),
        fc.array(texts),
      ),
    )
    fc.assert(
      fc.property(body, (document) => {
        expect(bodyOf({ text: documentText('benches', 'b1', document) })).toEqual(
          JSON.parse(JSON.stringify(document)),
        )
      }),
    )
  })

  test('leaves out properties that are undefined', () => {
    expect(documentText('benches', 'b1', { a: 1, b: undefined })).toBe('{"a":1}')
  })

  class Special {}
  const circle: Record<string, unknown> = {}
  circle.itself = circle
  const { documentLevelsMax, documentCharactersMax } = documentLimits
  const refused: readonly (readonly [string, unknown, ErrorCode, string?])[] = [
    ['a list', [], 'DOCUMENT_INVALID', 'an object'],
    ['nothing', null, 'DOCUMENT_INVALID', 'an object'],
    ['a text', '{}', 'DOCUMENT_INVALID', 'an object'],
    ['a date', { at: new Date(0) }, 'DOCUMENT_INVALID', 'at: a Date'],
    ['an instance of a class', { a: { b: new Special() } }, 'DOCUMENT_INVALID', 'a.b: a Special'],
    ['a function', { a: () => 1 }, 'DOCUMENT_INVALID', 'a: a function'],
    ['a bigint', { a: 1n }, 'DOCUMENT_INVALID', 'a: a bigint'],
    ['a number that JSON cannot hold', { a: [0, Number.NaN] }, 'DOCUMENT_INVALID', 'a[1]: NaN'],
    ['undefined in a list', { a: [undefined] }, 'DOCUMENT_INVALID', 'a[0]: a undefined'],
    [
      'a zero character in a text',
      { a: { b: 'x\0y' } },
      'DOCUMENT_INVALID',
      'a.b: a text has a zero character',
    ],
    [
      'half of a surrogate pair',
      { a: ['\ud800'] },
      'DOCUMENT_INVALID',
      'a[0]: a text has half of a surrogate pair',
    ],
    ['a property name with a zero character', { 'a\0': 1 }, 'DOCUMENT_INVALID', 'name has a zero character'],
    ['a property name with half of a pair', { '\udc00': 1 }, 'DOCUMENT_INVALID', 'name has half'],
    ['too many levels', nested(documentLevelsMax + 1), 'DOCUMENT_INVALID', 'nested deeper'],
    ['a circle', circle, 'DOCUMENT_INVALID', 'contains itself'],
    ['too many characters', { a: 'x'.repeat(documentCharactersMax) }, 'DOCUMENT_TOO_LARGE'],
  ]
  test.each(refused)('is refused for %s', (_, body, code, words = '') => {
    expect(codeOf(() => documentText('benches', 'b1', body))).toBe(code)
    expect(messageOf(() => documentText('benches', 'b1', body))).toContain(words)
  })

  test('is made for as many levels as there may be', () => {
    expect(documentText('benches', 'b1', nested(documentLevelsMax))).toContain('{"a":{}}')
  })
})

function messageOf(work: () => unknown): string {
  try {
    work()
    return 'no error'
  } catch (error) {
    return isMillraceError(error) ? error.message : String(error)
  }
}
