import type {
  Database,
  DocumentQuery,
  Filter,
  FilterValue,
  OrderBy,
  WriteOperation,
} from '@millrace/documents'
import { isMillraceError } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'
import type { DatabaseFactory } from './database-suite.ts'

/** One value of each type under `v`, nested under `in.v`, by id. */
const VALUES: Readonly<Record<string, unknown>> = {
  absent: undefined,
  null: null,
  false: false,
  true: true,
  minus: -1.5,
  zero: 0,
  five: 5,
  ten: 10,
  huge: 1.5e300,
  'text-empty': '',
  'text-1': '1',
  'text-A': 'A',
  'text-a': 'a',
  'text-ab': 'ab',
  'text-ä': 'ä',
  'text-private': '\ue000',
  'text-emoji': '😀',
  'text-true': 'true',
  list: [1, 5],
  object: { v: 5 },
}

const IDS = Object.keys(VALUES)

/** In the order of the port: null and missing, false, true, numbers, texts, lists and objects; then by id. */
const ASCENDING = [
  'absent',
  'null',
  'false',
  'true',
  'minus',
  'zero',
  'five',
  'ten',
  'huge',
  'text-empty',
  'text-1',
  'text-A',
  'text-a',
  'text-ab',
  'text-true',
  'text-ä',
  'text-private',
  'text-emoji',
  'list',
  'object',
]

/** What every Database must do with filters, orders and pages. */
export function databaseQuerySuite(open: DatabaseFactory): void {
  describe('comparisons', () => comparisonTests(open))
  describe('filters', () => filterTests(open))
  describe('order and pages', () => orderTests(open))
  describe('bad queries', () => badQueryTests(open))
}

async function openValues(open: DatabaseFactory) {
  const under = await open()
  await under.database.prepare(['values'])
  const operations = IDS.map((id): WriteOperation => {
    const v = VALUES[id]
    const body = v === undefined ? { id, in: {} } : { id, v, in: { v } }
    return { kind: 'store', collection: 'values', id, body }
  })
  await under.database.commit(operations)
  return under
}

async function found(database: Database, query: Omit<DocumentQuery, 'collection'>): Promise<string[]> {
  return (await database.query({ collection: 'values', ...query })).map(({ id }) => id)
}

type Operator = Extract<Filter, { kind: 'compare' }>['operator']

const compare = (operator: Operator, value: FilterValue, path: readonly string[] = ['v']): Filter => ({
  kind: 'compare',
  path,
  operator,
  value,
})

const without = (...ids: string[]) => IDS.filter((id) => !ids.includes(id))

const COMPARISONS: readonly (readonly [Operator, FilterValue, readonly string[]])[] = [
  ['eq', 5, ['five']],
  ['eq', '1', ['text-1']],
  ['eq', 1, []],
  ['eq', true, ['true']],
  ['eq', 'true', ['text-true']],
  ['eq', false, ['false']],
  ['eq', 0, ['zero']],
  ['eq', '', ['text-empty']],
  ['eq', null, ['absent', 'null']],
  ['eq', 'ä', ['text-ä']],
  ['eq', "' OR 1=1 --", []],
  ['ne', 5, without('five')],
  ['ne', null, without('absent', 'null')],
  ['ne', true, without('true')],
  ['lt', 5, ['minus', 'zero']],
  ['le', 5, ['five', 'minus', 'zero']],
  ['gt', 5, ['huge', 'ten']],
  ['ge', 10, ['huge', 'ten']],
  ['lt', 'a', ['text-1', 'text-A', 'text-empty']],
  ['gt', 'ab', ['text-emoji', 'text-private', 'text-true', 'text-ä']],
  ['gt', '\ue000', ['text-emoji']],
  ['ge', '😀', ['text-emoji']],
  ['lt', true, ['false']],
  ['le', true, ['false', 'true']],
  ['gt', false, ['true']],
  ['lt', false, []],
  ['ge', false, ['false', 'true']],
  ['lt', null, []],
  ['gt', null, []],
  ['le', null, ['absent', 'null']],
]

function comparisonTests(open: DatabaseFactory): void {
  test('each comparison holds for exactly the values that the port says, also nested and negated', async () => {
    await using under = await openValues(open)
    for (const [operator, value, expected] of COMPARISONS) {
      const label = `${operator} ${JSON.stringify(value)}`
      const order: OrderBy[] = []
      for (const path of [['v'], ['in', 'v']]) {
        const where = compare(operator, value, path)
        expect(await found(under.database, { where, orderBy: order }), label).toEqual([...expected].sort())
        expect(await under.database.count({ collection: 'values', where }), label).toBe(expected.length)
        const not: Filter = { kind: 'not', filter: where }
        expect(await under.database.count({ collection: 'values', where: not }), `not ${label}`).toBe(
          IDS.length - expected.length,
        )
      }
    }
  })

  test('numbers compare as 64-bit floating point, to the last digit', async () => {
    await using under = await open()
    await under.database.prepare(['values'])
    const numbers = [0.1 + 0.2, 2 ** 53 + 2, 2 ** 60 + 256, 2 ** 63, 1e21, 5e-324, 123456789012345680, -1 / 3]
    const operations = numbers.map((v, index): WriteOperation => {
      return { kind: 'store', collection: 'values', id: `n${index}`, body: { v } }
    })
    await under.database.commit(operations)
    for (const [index, value] of numbers.entries()) {
      expect(await found(under.database, { where: compare('eq', value) })).toEqual([`n${index}`])
    }
  })
}

function filterTests(open: DatabaseFactory): void {
  const cases: readonly (readonly [string, Filter, readonly string[]])[] = [
    [
      'in finds values of several types',
      { kind: 'in', path: ['v'], values: [5, 'a', true, null] },
      ['absent', 'five', 'null', 'text-a', 'true'],
    ],
    ['in of nothing finds nothing', { kind: 'in', path: ['v'], values: [] }, []],
    [
      'starts-with finds texts only, by case',
      { kind: 'starts-with', path: ['v'], value: 'a' },
      ['text-a', 'text-ab'],
    ],
    [
      'starts-with of an emoji compares whole characters',
      { kind: 'starts-with', path: ['v'], value: '😀' },
      ['text-emoji'],
    ],
    ['starts-with takes percent as it is', { kind: 'starts-with', path: ['v'], value: '%' }, []],
    [
      'starts-with of nothing finds all texts',
      { kind: 'starts-with', path: ['v'], value: '' },
      IDS.filter((id) => id.startsWith('text')),
    ],
    ['and of nothing is true', { kind: 'and', filters: [] }, IDS],
    ['or of nothing is false', { kind: 'or', filters: [] }, []],
    ['and needs all', { kind: 'and', filters: [compare('gt', 0), compare('lt', 10)] }, ['five']],
    ['or needs one', { kind: 'or', filters: [compare('eq', 0), compare('eq', 'A')] }, ['text-A', 'zero']],
    [
      'not of and',
      { kind: 'not', filter: { kind: 'and', filters: [compare('ne', 5), compare('ne', 0)] } },
      ['five', 'zero'],
    ],
    ['a list has no properties', compare('ne', null, ['v', '0']), []],
    ['an object has properties', compare('eq', 5, ['v', 'v']), ['object']],
    ['the name of a built-in is a missing property', compare('ne', null, ['constructor']), []],
  ]
  test('each filter finds exactly what the port says', async () => {
    await using under = await openValues(open)
    for (const [label, where, expected] of cases) {
      expect(await found(under.database, { where }), label).toEqual([...expected].sort())
    }
  })

  test('a path segment is a name and nothing else, whatever it contains', async () => {
    await using under = await open()
    await under.database.prepare(['values'])
    const names = [
      'a.b',
      'a"b',
      "a'b",
      '$',
      '$.a',
      '[0]',
      '#-1',
      '',
      '\\',
      '\n',
      '*',
      '😀',
      '__proto__',
      '") OR 1=1 --',
    ]
    const operations = names.map((name, index): WriteOperation => {
      const inner = JSON.parse(`{${JSON.stringify(name)}: ${index}}`)
      return {
        kind: 'store',
        collection: 'values',
        id: `d${index}`,
        body: JSON.parse(`{${JSON.stringify(name)}: ${JSON.stringify(inner)}}`),
      }
    })
    await under.database.commit(operations)
    for (const [index, name] of names.entries()) {
      expect(await found(under.database, { where: compare('eq', index, [name, name]) }), name).toEqual([
        `d${index}`,
      ])
      expect(await found(under.database, { where: compare('ne', null, [name, name]) }), name).toEqual([
        `d${index}`,
      ])
    }
  })
}

function orderTests(open: DatabaseFactory): void {
  const by = (direction: OrderBy['direction'], path = ['v']): OrderBy => ({ path, direction })

  test('ascending order goes by type, then by value, then by id', async () => {
    await using under = await openValues(open)
    expect(await found(under.database, { orderBy: [by('ascending')] })).toEqual(ASCENDING)
    expect(await found(under.database, { orderBy: [by('ascending', ['in', 'v'])] })).toEqual(ASCENDING)
  })

  test('descending order is the reverse, with equal ones still by id', async () => {
    await using under = await openValues(open)
    const reversed = [...ASCENDING].reverse()
    const expected = ['list', 'object', ...reversed.slice(2, -2), 'absent', 'null']
    expect(await found(under.database, { orderBy: [by('descending')] })).toEqual(expected)
  })

  test('a second criterion orders what is equal by the first', async () => {
    await using under = await open()
    await under.database.prepare(['values'])
    const rows = [
      ['a', 1, 1],
      ['b', 1, 2],
      ['c', 0, 1],
      ['d', 1, 2],
    ] as const
    await under.database.commit(
      rows.map(([id, x, y]): WriteOperation => ({ kind: 'store', collection: 'values', id, body: { x, y } })),
    )
    expect(
      await found(under.database, { orderBy: [by('ascending', ['x']), by('descending', ['y'])] }),
    ).toEqual(['c', 'b', 'd', 'a'])
  })

  test('pages cover everything once; without an order they go by id', async () => {
    await using under = await openValues(open)
    const pages: string[] = []
    for (let offset = 0; offset < IDS.length + 3; offset += 3) {
      const page = await found(under.database, { limit: 3, offset })
      expect(page.length).toBe(Math.min(3, Math.max(0, IDS.length - offset)))
      pages.push(...page)
    }
    expect(pages).toEqual([...IDS].sort())
    expect(await found(under.database, { limit: 0 })).toEqual([])
  })

  test('a query without a limit gives 100 documents at most, a count counts all', async () => {
    await using under = await open()
    await under.database.prepare(['values'])
    const operations = Array.from({ length: 130 }, (_, n): WriteOperation => {
      return { kind: 'store', collection: 'values', id: `n${n}`, body: { n } }
    })
    await under.database.commit(operations)
    expect(await found(under.database, {})).toHaveLength(100)
    expect(await found(under.database, { limit: 10_000 })).toHaveLength(130)
    expect(await under.database.count({ collection: 'values' })).toBe(130)
  })
}

function badQueryTests(open: DatabaseFactory): void {
  const nested = (levels: number): Filter => {
    let filter = compare('eq', 1)
    for (let level = 0; level < levels; level += 1) filter = { kind: 'not', filter }
    return filter
  }
  const cases: readonly (readonly [string, unknown])[] = [
    ['a limit of 10,001', { limit: 10_001 }],
    ['a negative limit', { limit: -1 }],
    ['half an offset', { offset: 0.5 }],
    ['a limit that is a text', { limit: '1; DROP TABLE documents_values' }],
    ['an empty path', { where: compare('eq', 1, []) }],
    ['a path that is a text', { where: compare('eq', 1, 'v' as unknown as string[]) }],
    ['a zero character in a path', { where: compare('eq', 1, ['v\u0000']) }],
    ['an operator that does not exist', { where: compare('= 1 OR 1' as Operator, 1) }],
    ['a kind of filter that does not exist', { where: { kind: 'sql', text: '1=1' } }],
    ['an object as a value', { where: compare('eq', {} as FilterValue) }],
    ['a number that is none', { where: compare('eq', Number.NaN) }],
    ['half a character', { where: compare('eq', '\ud83d') }],
    ['a prefix that is a number', { where: { kind: 'starts-with', path: ['v'], value: 1 } }],
    ['a filter that is nested too deep', { where: nested(30) }],
    [
      'too many conditions',
      { where: { kind: 'or', filters: Array.from({ length: 201 }, () => compare('eq', 1)) } },
    ],
    [
      'too many values',
      { where: { kind: 'in', path: ['v'], values: Array.from({ length: 1_001 }, () => 1) } },
    ],
    ['a direction that does not exist', { orderBy: [{ path: ['v'], direction: 'ASC; --' }] }],
    [
      'too many criteria',
      { orderBy: Array.from({ length: 11 }, () => ({ path: ['v'], direction: 'ascending' })) },
    ],
  ]
  test('each bad query is refused with QUERY_INVALID, and the next good one works', async () => {
    await using under = await openValues(open)
    for (const [label, query] of cases) {
      const error = await found(under.database, query as DocumentQuery).catch((reason: unknown) => reason)
      expect(isMillraceError(error, 'QUERY_INVALID'), `${label}: ${String(error)}`).toBe(true)
      expect(await found(under.database, { limit: 1 })).toHaveLength(1)
    }
  })

  test('the largest filters that are allowed work', async () => {
    await using under = await openValues(open)
    const values = Array.from({ length: 1_000 }, (_, index) => index)
    const many: Filter = { kind: 'or', filters: Array.from({ length: 199 }, () => compare('eq', 5)) }
    expect(await found(under.database, { where: { kind: 'in', path: ['v'], values } })).toEqual([
      'five',
      'ten',
      'zero',
    ])
    expect(await found(under.database, { where: many })).toEqual(['five'])
    expect(await found(under.database, { where: nested(18) })).toEqual([])
  })
}
