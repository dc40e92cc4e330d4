import { checkRead, checkReads, KnownSchema, documentLimits as limits, type Read } from '@millrace/documents'
import type { ErrorCode } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'
import { codeOf } from './code-of.ts'

const known = new KnownSchema()
known.add(known.check({ collections: [{ name: 'benches' }, { name: 'notes', fullText: [['text']] }] }))

const check = (read: unknown) => checkRead(read as Read, known)
const query = { kind: 'query', collection: 'benches' }
const where = { kind: 'compare', path: ['a'], operator: 'eq', value: 1 }
const search = { kind: 'search', text: 'hot bench' }

describe('a checked read', () => {
  test('has everything that was left out', () => {
    const selection = { collection: 'benches', where: undefined, tenant: '', deleted: { kind: 'exclude' } }
    expect(check(query)).toEqual({
      kind: 'query',
      ...selection,
      orderBy: [],
      limit: 100,
      offset: 0,
      select: undefined,
      withTotal: false,
    })
    expect(check({ kind: 'count', collection: 'benches' })).toEqual({ kind: 'count', ...selection })
    expect(check({ kind: 'stream', stream: 's1' })).toEqual({
      kind: 'stream',
      stream: 's1',
      tenant: '',
      direction: 'forwards',
      versionMin: 1,
      versionMax: Number.MAX_SAFE_INTEGER,
      atMs: undefined,
      limit: 1_000,
    })
    expect(check({ kind: 'feed', after: 7 })).toEqual({
      kind: 'feed',
      after: 7,
      limit: 500,
      types: undefined,
      streamTypes: undefined,
      tenant: undefined,
      stream: undefined,
      withTopicOnly: false,
    })
  })

  test('asks for each id once, and for none that no document can have', () => {
    const ids = ['b2', 'b1', 'b2', '', '\0', '\ud800', 'x'.repeat(501)]
    expect(check({ kind: 'load', collection: 'benches', ids })).toMatchObject({ ids: ['b2', 'b1'] })
  })

  test('gives the least and the greatest version, whichever direction', () => {
    const stream = { kind: 'stream', stream: 's1', fromVersion: 7, toVersion: 3 }
    expect(check(stream)).toMatchObject({ versionMin: 7, versionMax: 3 })
    expect(check({ ...stream, direction: 'backwards' })).toMatchObject({ versionMin: 3, versionMax: 7 })
  })

  test('takes every kind of filter', () => {
    const filters = [
      { kind: 'in', path: ['a'], values: [1, 'x', true, null] },
      { kind: 'starts-with', path: ['a', 'b'], value: '' },
      { kind: 'contains', path: [''], value: 'x' },
      { kind: 'exists', path: ['a'] },
      { kind: 'any', path: ['a'], filter: { kind: 'compare', path: [], operator: 'gt', value: 1 } },
      { kind: 'all', path: ['a'], filter: { kind: 'any', path: [], filter: where } },
      { kind: 'id', operator: 'gt', value: '' },
      {
        kind: 'or',
        filters: [
          { kind: 'and', filters: [] },
          { kind: 'not', filter: where },
        ],
      },
    ]
    const read = { ...query, where: { kind: 'and', filters } }
    expect(check(read)).toMatchObject({ where: read.where })
    const found = { kind: 'not', filter: search }
    expect(check({ ...query, collection: 'notes', where: found })).toMatchObject({
      where: { kind: 'not', filter: { ...search, prefix: false } },
    })
  })

  const filtered = (filter: unknown) => ({ ...query, where: filter })
  const nested = (kind: string, levels: number): unknown =>
    levels === 1 ? where : { kind, path: ['a'], filter: nested(kind, levels - 1) }
  const words = Array.from({ length: limits.searchWordsMax + 1 }, (_, index) => `w${index}`).join(' ')
  const stream = { kind: 'stream', stream: 's1' }
  const feed = { kind: 'feed', after: 0 }
  const figures = [{ kind: 'sum', path: ['a'] }]
  const aggregate = { kind: 'aggregate', collection: 'benches', figures }
  const refused: readonly (readonly [string, unknown, ErrorCode?])[] = [
    ['nothing', null],
    ['a kind that does not exist', { kind: 'scan', collection: 'benches' }],
    ['an unknown collection', { kind: 'query', collection: 'shelves' }, 'COLLECTION_UNKNOWN'],
    ['a count of an unknown collection', { kind: 'count', collection: 'shelves' }, 'COLLECTION_UNKNOWN'],
    ['ids that are no list', { kind: 'load', collection: 'benches', ids: 'b1' }],
    ['an id that is no text', { kind: 'load', collection: 'benches', ids: [1] }],
    ['too many ids', { kind: 'load', collection: 'benches', ids: Array(10_001).fill('b') }],
    ['a limit that is too high', { ...query, limit: 10_001 }],
    ['a limit that is not whole', { ...query, limit: 1.5 }],
    ['an offset below 0', { ...query, offset: -1 }],
    ['a direction that does not exist', { ...query, orderBy: [{ path: ['a'], direction: 'up' }] }],
    ['a criterion that is nothing', { ...query, orderBy: [null] }],
    ['too many criteria', { ...query, orderBy: Array(11).fill({ path: ['a'], direction: 'ascending' }) }],
    ['a selection of nothing', { ...query, select: {} }],
    ['a selection that is a list', { ...query, select: [['a']] }],
    ['a selection of an empty path', { ...query, select: { a: [] } }],
    ['a total that is no choice', { ...query, withTotal: 1 }],
    ['a choice of deleted ones that does not exist', { ...query, deleted: 'some' }],
    ['deleted ones since no time', { ...query, deleted: { kind: 'only', sinceMs: 'yesterday' } }],
    ['a tenant with a zero character', { ...query, tenant: '\0' }],
    ['figures of nothing', { ...aggregate, figures: [] }],
    ['a figure that does not exist', { ...aggregate, figures: [{ kind: 'median', path: ['a'] }] }],
    ['a figure of an empty path', { ...aggregate, figures: [{ kind: 'sum', path: [] }] }],
    ['a filter that is no object', filtered('a = 1')],
    ['a filter of an unknown kind', filtered({ kind: 'like', path: ['a'], value: 'x' })],
    ['an operator that does not exist', filtered({ ...where, operator: '=' })],
    ['a value that is a list', filtered({ ...where, value: [1] })],
    ['a value that is not finite', filtered({ ...where, value: Number.NaN })],
    ['a text with a zero character', filtered({ ...where, value: 'a\0' })],
    ['half of a surrogate pair', filtered({ kind: 'contains', path: ['a'], value: '\ud800' })],
    ['a text too long', filtered({ ...where, value: 'x'.repeat(10_001) })],
    ['an empty path outside an array', filtered({ ...where, path: [] })],
    ['a path that is a text', filtered({ ...where, path: 'a.b' })],
    ['a path with a zero character', filtered({ ...where, path: ['a\0'] })],
    ['a path too long', filtered({ ...where, path: Array(21).fill('a') })],
    [
      'the existence of an element itself',
      filtered({ kind: 'any', path: ['a'], filter: { kind: 'exists', path: [] } }),
    ],
    ['values that are no list', filtered({ kind: 'in', path: ['a'], values: 1 })],
    ['too many values', filtered({ kind: 'in', path: ['a'], values: Array(1_001).fill(1) })],
    ['filters that are no list', filtered({ kind: 'and', filters: where })],
    ['a filter nested too deep', filtered(nested('not', 21))],
    ['arrays in arrays too deep', filtered(nested('any', 21))],
    ['too many conditions', filtered({ kind: 'or', filters: Array(200).fill(where) })],
    ['a search in a collection without full text', filtered(search)],
    ['a search of too many words', { ...query, collection: 'notes', where: { ...search, text: words } }],
    [
      'a search inside an array',
      { ...query, collection: 'notes', where: { kind: 'any', path: ['a'], filter: search } },
    ],
    ['a prefix that is no choice', { ...query, collection: 'notes', where: { ...search, prefix: 1 } }],
    ['positions of nobody', { kind: 'positions', processor: '' }],
    ['a stream without a name', { ...stream, stream: '' }],
    ['a direction of streams that does not exist', { ...stream, direction: 'up' }],
    ['a version below 0', { ...stream, fromVersion: -1 }],
    ['a time that is no number', { ...stream, atMs: 'now' }],
    ['too many events', { ...stream, limit: 10_001 }],
    ['streams that are no list', { kind: 'stream-info', streams: 's1' }],
    ['a feed from nowhere', { kind: 'feed' }],
    ['a feed of too many events', { ...feed, limit: 10_001 }],
    ['types that are no list', { ...feed, types: 'reading' }],
    ['an empty type', { ...feed, streamTypes: [''] }],
  ]
  test.each(refused)('is refused for %s', (_, read, code = 'QUERY_INVALID') => {
    expect(codeOf(() => check(read))).toBe(code)
  })

  test('takes as many levels, conditions and questions as there may be', () => {
    expect(codeOf(() => check(filtered(nested('any', 20))))).toBe('no error')
    expect(codeOf(() => check(filtered({ kind: 'or', filters: Array(199).fill(where) })))).toBe('no error')
    const reads = (count: number) => Array(count).fill({ kind: 'feed-end' })
    expect(codeOf(() => checkReads(reads(100), known))).toBe('no error')
    expect(codeOf(() => checkReads(reads(101), known))).toBe('QUERY_INVALID')
    expect(codeOf(() => checkReads({ kind: 'feed-end' } as never, known))).toBe('QUERY_INVALID')
  })
})
