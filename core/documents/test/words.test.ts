import { wordsOf } from '@millrace/documents'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

describe('the words of a text', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['', []],
    [' .,- \n', []],
    ['Bench 7 is too hot!', ['bench', '7', 'is', 'too', 'hot']],
    ['well-known e-mail: a_b@c.example', ['well', 'known', 'e', 'mail', 'a', 'b', 'c', 'example']],
    ['Gewächshaus KÄSE straße', ['gewächshaus', 'käse', 'straße']],
    ['ΟΔΟΣ ΣΊΣΥΦΟΣ', ['οδοσ', 'σίσυφοσ']],
    ['İstanbul ISTANBUL', ['İstanbul', 'istanbul']],
    ['Кириллица, 温室 ١٢٣', ['кириллица', '温室', '١٢٣']],
    ['हिन्दी cafe\u0301', ['हिन्दी', 'cafe\u0301']],
    ['one😀two', ['one', 'two']],
    ['𐐀𐐁', ['𐐨𐐩']],
  ]
  test.each(cases)('of %j are %j', (text, words) => {
    expect(wordsOf(text)).toEqual(words)
  })

  test('are those that code point after code point gives, for every text', () => {
    const point = fc.constantFrom(
      'Σ',
      'İ',
      'a',
      'Z',
      ' ',
      '-',
      '7',
      'é',
      'É',
      '\u0301',
      '温',
      'ς',
      'Ⅷ',
      '😀',
      '𐐀',
    )
    fc.assert(
      fc.property(fc.array(point), (points) => {
        const spaced = points.map((each) => (/[\p{L}\p{M}\p{N}]/u.test(each) ? each : ' '))
        const lower = spaced.map((each) => (each === 'İ' ? each : each.toLowerCase())).join('')
        expect(wordsOf(points.join(''))).toEqual(lower.split(' ').filter((each) => each !== ''))
      }),
    )
  })

  test('are words themselves: an engine may keep them joined by spaces', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(wordsOf(wordsOf(text).join(' '))).toEqual(wordsOf(text))
      }),
    )
  })
})
