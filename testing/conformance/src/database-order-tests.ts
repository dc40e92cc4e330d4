import { compareDocuments, type OrderBy } from '@millrace/documents'
import { describe, expect, test } from 'vitest'
import { ASCENDING, compare, HOSTILE_NAMES, VALUES } from './database-filter-cases.ts'
import { type DatabaseFactory, useDocuments, useOwnTenant, useTenant } from './database-harness.ts'
import { BENCHES, type Body } from './database-operations.ts'

const SCHEMA = { collections: [{ name: 'benches' }] }
const IDS = Object.keys(VALUES)

const up = (...path: string[]): OrderBy => ({ path, direction: 'ascending' })
const down = (...path: string[]): OrderBy => ({ path, direction: 'descending' })

/** The order of what queries find, pages of it, parts of it, and how much it is. */
export function databaseOrderTests(open: DatabaseFactory): void {
  describe('order', () => orderTests(open))
  describe('pages and totals', () => pageTests(open))
  describe('parts', () => selectTests(open))
}

function orderTests(open: DatabaseFactory): void {
  const tenant = useDocuments(open, SCHEMA, VALUES)
  const own = useOwnTenant(() => tenant().under)

  test('ascending order goes by type, then by value, then by id', async () => {
    expect(await tenant().ids({ orderBy: [up('v')] })).toEqual(ASCENDING)
    expect(await tenant().ids({ orderBy: [up('in', 'v')] })).toEqual(ASCENDING)
  })

  test('descending order is the reverse, with equal ones still by id', async () => {
    const reversed = [...ASCENDING].reverse()
    const expected = ['list', 'object', ...reversed.slice(2, -2), 'absent', 'null']
    expect(await tenant().ids({ orderBy: [down('v')] })).toEqual(expected)
    expect(await tenant().ids({ orderBy: [down('in', 'v')] })).toEqual(expected)
  })

  test('without an order documents go by id, by code points', async () => {
    const ids = [
      'a',
      'B',
      'b',
      'Z',
      '_',
      '-',
      '1',
      '10',
      '2',
      'é',
      'z',
      '\ue000',
      '😀',
      'a b',
      'a-b',
      'ab',
      'A',
    ]
    await own().put(Object.fromEntries(ids.map((id) => [id, { v: 1 }])))
    const expected = [...ids].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
    expect(await own().ids()).toEqual(expected)
    expect(await own().ids({ orderBy: [up('v')] }), 'of equal ones').toEqual(expected)
    expect(await own().ids({ orderBy: [down('v'), down('none')] }), 'of equal ones').toEqual(expected)
  })

  test('a second criterion orders what is equal by the first', async () => {
    await own().put({ a: { x: 1, y: 1 }, b: { x: 1, y: 2 }, c: { x: 0, y: 1 }, d: { x: 1, y: 2 } })
    expect(await own().ids({ orderBy: [up('x'), down('y')] })).toEqual(['c', 'b', 'd', 'a'])
    expect(await own().ids({ orderBy: [down('y'), up('x')] })).toEqual(['b', 'd', 'c', 'a'])
    expect(await own().ids({ orderBy: Array(10).fill(up('x')) })).toEqual(['c', 'a', 'b', 'd'])
  })

  test.each([
    [[up('in', 'v'), down('v')]],
    [[down('in'), up('v')]],
    [[up('id')]],
    [[down('id')]],
    [[up('v', 'v'), down('in', 'v')]],
    [[down('none'), down('v')]],
  ])('the order %j is that of the definition', async (orderBy) => {
    const documents = Object.entries(VALUES).map(([id, body]) => ({ id, body }))
    const expected = documents.sort((left, right) => compareDocuments(orderBy, left, right))
    expect(await tenant().ids({ orderBy })).toEqual(expected.map(({ id }) => id))
  })

  test('a name in the path of an order is a name and nothing else, whatever it contains', async () => {
    for (const name of HOSTILE_NAMES) {
      const quoted = JSON.stringify(name)
      const bodies = [2, 1, 3].map((n): [string, Body] => [
        `d${n}`,
        JSON.parse(`{${quoted}: {${quoted}: ${n}}}`),
      ])
      await own().put(Object.fromEntries(bodies))
      expect(await own().ids({ orderBy: [down(name, name)] }), name).toEqual(['d3', 'd2', 'd1'])
    }
  })
}

function pageTests(open: DatabaseFactory): void {
  const tenant = useDocuments(open, SCHEMA, VALUES)
  const own = useOwnTenant(() => tenant().under)

  test.each([
    ['without an order, by id', [], [...IDS].sort()],
    ['in an order', [up('v')], ASCENDING],
    ['in an order in which all are equal', [up('none')], [...IDS].sort()],
  ] satisfies [string, OrderBy[], readonly string[]][])(
    'pages cover everything once: %s',
    async (_, orderBy, all) => {
      const pages: string[] = []
      for (let offset = 0; offset < IDS.length + 3; offset += 3) {
        const page = await tenant().ids({ orderBy, limit: 3, offset })
        expect(page.length).toBe(Math.min(3, Math.max(0, IDS.length - offset)))
        pages.push(...page)
      }
      expect(pages).toEqual(all)
    },
  )

  test('an offset works without a limit, and beyond the end there is nothing', async () => {
    expect(await tenant().ids({ offset: IDS.length - 2 })).toEqual([...IDS].sort().slice(-2))
    expect(await tenant().ids({ offset: 1_000 })).toEqual([])
    expect(await tenant().ids({ offset: Number.MAX_SAFE_INTEGER })).toEqual([])
    expect(await tenant().ids({ limit: 0 })).toEqual([])
  })

  test('a query without a limit gives 100 documents at most; a count and a total count all', async () => {
    await own().put(Object.fromEntries(Array.from({ length: 130 }, (_, n) => [`n${n}`, { n }])))
    expect(await own().ids()).toHaveLength(100)
    expect(await own().ids({ limit: 10_000 })).toHaveLength(130)
    expect(await own().count()).toBe(130)
    const read = { kind: 'query', collection: BENCHES, tenant: own().name, withTotal: true } as const
    const [answer] = await own().database.read([read])
    expect([answer.documents.length, answer.total]).toEqual([100, 130])
  })

  test.each([
    ['a page', { limit: 2, offset: 1 }, 5],
    ['no documents', { limit: 0 }, 5],
    ['a page beyond the end', { offset: 100 }, 5],
    ['a filter that finds nothing', { where: compare('eq', 'none') }, 0],
    ['a filter and an order', { where: compare('gt', 0), orderBy: [up('v')], limit: 1 }, 3],
  ])('a total with %s counts what matches', async (_, rest, total) => {
    const read = {
      kind: 'query',
      collection: BENCHES,
      where: { kind: 'in', path: ['v'], values: [0, 5, 10, '1', true] },
      withTotal: true,
      ...rest,
    } as const
    const [answer, count] = await tenant().database.read([read, { ...read, kind: 'count' }])
    expect(answer.total).toBe(total)
    expect(count).toBe(total)
  })

  test('a query that asks for no total gets none', async () => {
    const [answer] = await tenant().database.read([{ kind: 'query', collection: BENCHES }])
    expect(answer.total).toBeUndefined()
  })
}

function selectTests(open: DatabaseFactory): void {
  const tenant = useTenant(open, SCHEMA)
  const body = {
    id: 'b1',
    n: 1.5,
    text: 'ä"\'',
    yes: true,
    no: false,
    nothing: null,
    list: [1, { a: [] }, null],
    in: { deep: { v: 'x' }, '': 0 },
  }

  test.each([
    ['one part', { n: ['n'] }, { n: 1.5 }],
    ['another name', { 'a "b".c': ['text'] }, { 'a "b".c': 'ä"\'' }],
    ['nested parts', { v: ['in', 'deep', 'v'], empty: ['in', ''] }, { v: 'x', empty: 0 }],
    ['true, false and null', { a: ['yes'], b: ['no'], c: ['nothing'] }, { a: true, b: false, c: null }],
    ['a list and an object', { list: ['list'], deep: ['in', 'deep'] }, { list: body.list, deep: { v: 'x' } }],
    ['what is missing', { a: ['none'], b: ['in', 'none', 'none'] }, { a: null, b: null }],
    [
      'what is below a value',
      { a: ['n', 'x'], b: ['list', '1'], c: ['nothing', 'x'] },
      { a: null, b: null, c: null },
    ],
    ['the same part twice', { a: ['n'], b: ['n'] }, { a: 1.5, b: 1.5 }],
    ['the property id', { id: ['n'], own: ['id'] }, { id: 1.5, own: 'b1' }],
    ['an empty name', { '': ['n'] }, { '': 1.5 }],
    [
      'names that look like SQL',
      { "'); --": ['n'], $1: ['yes'], '?': ['no'] },
      { "'); --": 1.5, $1: true, '?': false },
    ],
  ])('a selection of %s gives just that', async (_, select, expected) => {
    await tenant().put({ b1: body })
    const [found] = await tenant().query({ select })
    expect(found).toMatchObject({ id: 'b1', revision: 1 })
    expect(found?.body).toEqual(expected)
  })

  test('a hundred parts can be selected', async () => {
    await tenant().put({ b1: body })
    const names = Array.from({ length: 100 }, (_, index) => `p${index}`)
    const [found] = await tenant().query({ select: Object.fromEntries(names.map((name) => [name, ['n']])) })
    expect(found?.body).toEqual(Object.fromEntries(names.map((name) => [name, 1.5])))
  })

  test('filters, orders and pages see the whole document, whatever is selected', async () => {
    await tenant().put({ a: { n: 1, k: 3 }, b: { n: 2, k: 2 }, c: { n: 3, k: 1 } })
    const found = await tenant().query({
      select: { k: ['k'] },
      where: compare('ge', 2, ['n']),
      orderBy: [down('n')],
      limit: 1,
      offset: 1,
    })
    expect(found.map(({ id, body: part }) => [id, part])).toEqual([['b', { k: 2 }]])
  })

  test('a name of a part may be "__proto__"', async () => {
    await tenant().put({ b1: { n: 1 } })
    const select = JSON.parse('{"__proto__": ["n"], "constructor": ["n"]}')
    const [found] = await tenant().query({ select })
    expect(JSON.stringify(found?.body)).toBe('{"__proto__":1,"constructor":1}')
  })
}
