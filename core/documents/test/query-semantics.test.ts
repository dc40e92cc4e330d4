import {
  compareDocuments,
  compareTexts,
  type Filter,
  type FilterValue,
  figureOf,
  matches,
} from '@millrace/documents'
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

describe('a condition', () => {
  const body = {
    celsius: 21.5,
    zone: 'north',
    open: false,
    none: null,
    note: 'Käse 🧀, and more',
    last: { at: 'noon', toString: 1 },
    tags: ['hot', 'dry'],
    empty: [],
    readings: [{ celsius: 1 }, { celsius: 9, list: [[3]] }],
    mixed: [1, '1', null, [], {}],
  }
  const at = (path: string): readonly string[] => (path === '' ? [] : path.split('.'))
  const compare = (
    path: string,
    operator: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge',
    value: FilterValue,
  ): Filter => ({
    kind: 'compare',
    path: at(path),
    operator,
    value,
  })
  const any = (path: string, filter: Filter): Filter => ({ kind: 'any', path: at(path), filter })
  const all = (path: string, filter: Filter): Filter => ({ kind: 'all', path: at(path), filter })
  const exists = (path: string): Filter => ({ kind: 'exists', path: at(path) })
  const contains = (path: string, value: string): Filter => ({ kind: 'contains', path: at(path), value })
  const startsWith = (path: string, value: string): Filter => ({ kind: 'starts-with', path: at(path), value })
  const search = (text: string, prefix = false): Filter => ({ kind: 'search', text, prefix })
  const true_: readonly Filter[] = [
    compare('celsius', 'eq', 21.5),
    compare('missing', 'eq', null),
    compare('none', 'le', null),
    compare('celsius', 'ne', '21.5'),
    compare('tags', 'ne', null),
    compare('open', 'lt', true),
    compare('zone', 'gt', 'nort'),
    compare('last.at', 'ge', 'noon'),
    compare('zone.length', 'eq', null),
    { kind: 'in', path: ['zone'], values: ['south', 'north'] },
    { kind: 'in', path: ['missing'], values: [null] },
    startsWith('note', 'Käse 🧀'),
    startsWith('note', ''),
    contains('note', '🧀, a'),
    contains('zone', ''),
    exists('none'),
    exists('last.at'),
    exists('last.toString'),
    any('tags', compare('', 'eq', 'dry')),
    any('readings', { kind: 'and', filters: [compare('celsius', 'gt', 5), exists('list')] }),
    any('readings', any('list', any('', compare('', 'eq', 3)))),
    any('mixed', compare('', 'eq', null)),
    all('readings', compare('celsius', 'gt', 0)),
    all('empty', compare('', 'eq', 1)),
    { kind: 'id', operator: 'gt', value: 'b1' },
    any('readings', { kind: 'id', operator: 'eq', value: 'b2' }),
    search('MORE käse'),
    search('hot'),
    search('mor', true),
    search('käse d', true),
    { kind: 'and', filters: [] },
    { kind: 'not', filter: { kind: 'or', filters: [] } },
  ]
  const false_: readonly Filter[] = [
    compare('missing', 'lt', null),
    compare('celsius', 'lt', 'x'),
    compare('tags', 'eq', null),
    compare('last', 'le', null),
    compare('toString', 'ne', null),
    { kind: 'in', path: ['zone'], values: [] },
    startsWith('note', 'käse'),
    startsWith('celsius', ''),
    contains('tags', 'hot'),
    contains('missing', ''),
    exists('missing'),
    exists('toString'),
    exists('tags.length'),
    exists('zone.length'),
    any('empty', compare('', 'ne', 1)),
    any('zone', compare('', 'ne', 1)),
    any('readings', { kind: 'and', filters: [compare('celsius', 'lt', 5), exists('list')] }),
    all('missing', compare('', 'eq', 1)),
    all('last', compare('', 'ne', 1)),
    all('tags', compare('', 'eq', 'hot')),
    { kind: 'id', operator: 'lt', value: 'b10' },
    search('mor'),
    search('mor käse', true),
    search('noon'),
    search(''),
    search(' - ', true),
  ]
  const fullText = [['note'], ['tags'], ['celsius'], ['readings']]
  test.each(true_)('holds: %j', (filter) => {
    expect(matches(filter, { id: 'b2', body }, fullText)).toBe(true)
  })
  test.each(false_)('does not hold: %j', (filter) => {
    expect(matches(filter, { id: 'b2', body }, fullText)).toBe(false)
  })
})

describe('a figure', () => {
  const documents = [1, 2.5, '9', null, true, [7], { a: 1 }, 'x', -3].map((v, index) => ({
    id: `b${index}`,
    body: { v },
  }))
  const figure = (kind: 'sum' | 'min' | 'max', over = documents) => figureOf({ kind, path: ['v'] }, over)

  test('adds the numbers and leaves out the rest', () => {
    expect(figure('sum')).toBe(0.5)
    expect(figure('sum', [])).toBe(0)
  })

  test('finds the least and the greatest in the order across types, without null, lists and objects', () => {
    expect(figure('min')).toBe(true)
    expect(figure('max')).toBe('x')
    expect(figure('max', documents.slice(0, 2))).toBe(2.5)
    expect(figure('min', documents.slice(5, 7))).toBeNull()
    expect(figure('min', [{ id: 'b1', body: {} as never }])).toBeNull()
  })
})
