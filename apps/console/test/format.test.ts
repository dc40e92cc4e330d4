import { describe, expect, test } from 'vitest'
import { jsonTokens, parseJson, summarise } from '../src/format/json.ts'
import { jsonFault } from '../src/format/json-fault.ts'
import { formatBytes, formatCount, formatRate, formatValue, plural } from '../src/format/number.ts'
import { formatAgo, formatDuration, formatTime } from '../src/format/time.ts'

describe('formats', () => {
  test('counts have their thousands apart from five digits on', () => {
    expect([0, 999, 4321, 12345, -1234567].map(formatCount)).toEqual([
      '0',
      '999',
      '4321',
      '12\u202F345',
      '−1\u202F234\u202F567',
    ])
    expect([plural(1, 'device'), plural(2, 'device'), plural(0, 'query', 'queries')]).toEqual([
      '1 device',
      '2 devices',
      '0 queries',
    ])
  })

  test('values keep the digits that a reader can use', () => {
    expect(
      [21.4, 21.437, 0.01234, 1013.25, 120.04, 5, 0.0000012, 2e12, -3.5].map((value) => formatValue(value)),
    ).toEqual(['21.4', '21.44', '0.012', '1013', '120', '5', '1.20e-6', '2.00e+12', '−3.5'])
    expect([formatValue(26, true), formatValue(26.5, true), formatValue(1013, true)]).toEqual([
      '26.0',
      '26.5',
      '1013',
    ])
    expect([0, 0.4, 39.96, 1234.5].map(formatRate)).toEqual(['0', '0.4', '40.0', '1235'])
  })

  test('bytes are told in the unit that fits', () => {
    expect([0, 1023, 1536, 20 * 1024 * 1024, 3 * 1024 ** 4].map(formatBytes)).toEqual([
      '0 B',
      '1023 B',
      '1.5 KiB',
      '20 MiB',
      '3.0 TiB',
    ])
  })

  test('ages are told in one unit, and a clock that is ahead gives now', () => {
    const now = Date.UTC(2026, 5, 1, 12)
    expect(
      [0, 1_400, 12_000, 200_000, 3 * 3_600_000, 50 * 3_600_000, -9_000].map((ago) =>
        formatAgo(now - ago, now),
      ),
    ).toEqual(['now', 'now', '12 s ago', '3 min ago', '3 h ago', '2 d ago', 'now'])
    expect(formatAgo(Number.NaN, now)).toBe('never')
    expect(formatDuration(320)).toBe('320 ms')
  })

  test('times of other days carry their date', () => {
    const noon = new Date(2026, 5, 1, 12, 30, 15).getTime()
    expect(formatTime(noon, noon)).toBe('12:30:15')
    expect(formatTime(noon, noon + 86_400_000)).toBe('2026-06-01 12:30:15')
    expect(formatTime(Number.NaN, noon)).toBe('–')
  })

  test('JSON that does not parse is answered with the place of the error', () => {
    expect(parseJson('{"a": 1}')).toEqual({ ok: true, value: { a: 1 } })
    expect(parseJson('  ')).toEqual({ ok: true, value: undefined })
    const faults = {
      '{\n  "a": x\n}': 'Expected a value at line 2, column 8, but saw "x".',
      '{"a": ': 'Expected a value at line 1, column 7, but saw the end.',
      "{'a': 1}": 'Expected a name in double quotes at line 1, column 2, but saw "\'".',
      '{"a" 1}': 'Expected ":" at line 1, column 6, but saw "1".',
      '[1, 2': 'Expected "," or "]" at line 1, column 6, but saw the end.',
      '[[], {}, {"b": [true]} 4]': 'Expected "," or "]" at line 1, column 24, but saw "4".',
      '{"a": 1,}': 'Expected a name in double quotes at line 1, column 9, but saw "}".',
      '1 2': 'Expected the end at line 1, column 3, but saw "2".',
      '"open': 'Expected a value at line 1, column 1, but saw "\\"".',
    }
    for (const [text, message] of Object.entries(faults))
      expect(parseJson(text), text).toEqual({ ok: false, message })
    expect(parseJson('['.repeat(100_000))).toMatchObject({ ok: false })
  })

  test('the finder of faults finds none in anything that JSON.stringify writes', () => {
    const values = [null, true, -1.5e-7, '', 'a\u0001"\\/\n', [], {}, [[{}], { a: { b: [1, { c: null }] } }]]
    for (const value of values) {
      for (const indent of [0, 2])
        expect(jsonFault(` ${JSON.stringify(value, null, indent)}\n`)).toBeUndefined()
    }
  })

  test('a value is summarised on one bounded line', () => {
    expect(summarise({ celsius: 21.4, open: true, note: 'ok' })).toBe('celsius 21.4 · open true · note ok')
    expect(summarise({ text: 'x'.repeat(500) }, 20)).toHaveLength(20)
    expect([summarise(undefined), summarise(null), summarise([1, 2])]).toEqual(['–', 'null', '[1,2]'])
  })

  test('tokens of JSON together are the JSON, however long it is', () => {
    const json = JSON.stringify({ 'a "b"': [1, -2.5e3, true, null], c: 'x: 1', d: { e: '' } }, null, 2)
    expect(
      jsonTokens(json)
        .map((token) => token.text)
        .join(''),
    ).toBe(json)
    expect(
      jsonTokens(json, 3)
        .map((token) => token.text)
        .join(''),
    ).toBe(json)
    expect(jsonTokens('{"a": "b"}').map((token) => token.kind)).toEqual([
      'mark',
      'name',
      'mark',
      'mark',
      'text',
      'mark',
    ])
  })
})
