import type { RawValue } from '@millrace/documents'
import { describe, expect, test } from 'vitest'
import {
  codeOf,
  type DatabaseFactory,
  type DatabaseUnderTest,
  opened,
  refusal,
  useFilled,
} from './database-harness.ts'
import type { Tenant } from './database-tenant.ts'

const SCHEMA = {
  collections: [{ name: 'benches' }],
  tables: [{ name: 'totals', columns: { zone: 'text', n: 'number', open: 'boolean' }, key: ['zone'] }],
} as const

const fill = (tenant: Tenant) =>
  tenant.commit(
    ['a', 'b', 'c'].map(
      (zone, n) => ({ kind: 'put-row', table: 'totals', key: { zone }, set: { n, open: n > 1 } }) as const,
    ),
  )

/** The engine's own SQL, where it has one. */
export function databaseRawTests(open: DatabaseFactory): void {
  test('an engine without SQL says so', async () => {
    await using under = await opened(open, SCHEMA)
    const { supports } = under.database
    if (supports.raw) return
    const error = await refusal(under.database.raw('select 1'), 'RAW_NOT_SUPPORTED')
    expect(error.parameters).toMatchObject({ engine: supports.engine })
  })

  describe('reading', () => readTests(open))
  describe('what is refused', () => refusalTests(open))
}

const markOf = (under: DatabaseUnderTest, index: number) => under.parameterMark?.(index) ?? `$${index}`

function readTests(open: DatabaseFactory): void {
  const tenant = useFilled(open, SCHEMA, fill)
  const isRaw = () => tenant().database.supports.raw

  test('rows of declared tables are read by their names, as plain objects', async () => {
    if (!isRaw()) return
    const rows = await tenant().database.raw('select zone, n from totals where n >= 1 order by zone desc')
    expect(rows.map(({ zone, n }) => [zone, Number(n)])).toEqual([
      ['c', 2],
      ['b', 1],
    ])
    expect(Object.keys(rows[0]!)).toEqual(['zone', 'n'])
    const [sum] = await tenant().database.raw('select sum(n) as sum, count(*) as count from totals')
    expect([Number(sum!.sum), Number(sum!.count)]).toEqual([3, 3])
    expect(await tenant().database.raw('select zone from totals where n > 5')).toEqual([])
  })

  test.each(["'; DROP TABLE totals; --", '"', '$1', '?', '', 'ä🧀', '%', '\\', '{}'])(
    'the text %j as a parameter is a text and nothing else',
    async (text) => {
      if (!isRaw()) return
      const mark = markOf(tenant().under, 1)
      expect(await tenant().database.raw(`select cast(${mark} as text) as v`, [text])).toEqual([{ v: text }])
      expect(await tenant().database.raw(`select zone from totals where zone = ${mark}`, [text])).toEqual([])
    },
  )

  test.each([
    ['a number', 2, ['c']],
    ['a bigint', 2n, ['c']],
    ['a fraction', 0.5, ['b', 'c']],
  ] satisfies [string, RawValue, string[]][])('%s can be a parameter', async (_, value, expected) => {
    if (!isRaw()) return
    const sql = `select zone from totals where n >= ${markOf(tenant().under, 1)} order by zone`
    expect((await tenant().database.raw(sql, [value])).map(({ zone }) => zone)).toEqual(expected)
  })

  test('several parameters go by their places', async () => {
    if (!isRaw()) return
    const mark = (index: number) => markOf(tenant().under, index)
    const sql = `select zone from totals where zone >= ${mark(1)} and n <= ${mark(2)} order by zone`
    expect(await tenant().database.raw(sql, ['b', 2])).toEqual([{ zone: 'b' }, { zone: 'c' }])
    expect(await tenant().database.raw(sql, ['a', 0])).toEqual([{ zone: 'a' }])
  })

  test('nothing and bytes can be parameters', async () => {
    if (!isRaw()) return
    const sql = `select zone from totals where coalesce(${markOf(tenant().under, 1)}, zone) = 'b'`
    expect(await tenant().database.raw(sql, [null])).toEqual([{ zone: 'b' }])
    const bytes = new Uint8Array([0, 1, 255])
    const { engine } = tenant().database.supports
    const type = engine === 'sqlite' ? 'blob' : 'bytea'
    const [row] = await tenant().database.raw(`select cast(${markOf(tenant().under, 1)} as ${type}) as v`, [
      bytes,
    ])
    expect(row!.v).toBeInstanceOf(Uint8Array)
    expect([...(row!.v as Uint8Array)]).toEqual([0, 1, 255])
  })
}

function refusalTests(open: DatabaseFactory): void {
  const tenant = useFilled(open, SCHEMA, fill)

  test.each([
    "insert into totals (zone) values ('x')",
    'update totals set n = 9',
    'delete from totals',
    'delete from totals returning zone',
    'with gone as (delete from totals returning zone) select zone from gone',
    'drop table totals',
    'alter table totals add column more text',
    'create table more (a text)',
    'create temporary table more (a text)',
    'create index more on totals (n)',
    'select 1; drop table totals',
    'select 1; select 2',
    'begin',
    'commit',
    'rollback',
    'vacuum',
    'select',
    'selec 1',
    'select nothing from totals',
    'select * from nobody',
    'select 1 -- \0',
    '',
    'pragma user_version = 7',
    "attach database ':memory:' as other",
    'set session characteristics as transaction read write',
    'copy totals to stdout',
  ])('%j is refused, and nothing is done', async (sql) => {
    if (!tenant().database.supports.raw) return
    expect(await codeOf(tenant().database.raw(sql))).toBe('QUERY_INVALID')
    const rows = await tenant().database.raw('select zone, n from totals order by zone')
    expect(rows.map(({ zone, n }) => [zone, Number(n)])).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ])
    const unit = [{ kind: 'put-row', table: 'totals', key: { zone: 'a' }, set: { n: 0 } }] as const
    expect(await codeOf(tenant().database.commit(unit)), 'writing goes on').toBe('no error')
  })

  test.each([
    ['too few parameters', (mark: string) => mark, []],
    ['too many parameters', () => '1', [1]],
    ['a parameter that is an object', (mark: string) => mark, [{} as RawValue]],
    ['a parameter that is undefined', (mark: string) => mark, [undefined as unknown as RawValue]],
    ['1,001 parameters', () => '1', Array(1_001).fill(1)],
  ] satisfies [string, (mark: string) => string, RawValue[]][])(
    '%s are refused',
    async (_, value, parameters) => {
      if (!tenant().database.supports.raw) return
      const sql = `select n from totals where n = ${value(markOf(tenant().under, 1))}`
      expect(await codeOf(tenant().database.raw(sql, parameters))).toBe('QUERY_INVALID')
    },
  )

  test('a statement that is too long or no text is refused', async () => {
    if (!tenant().database.supports.raw) return
    expect(await codeOf(tenant().database.raw(`select 1 ${' '.repeat(1_000_000)}`))).toBe('QUERY_INVALID')
    expect(await codeOf(tenant().database.raw(7 as unknown as string))).toBe('QUERY_INVALID')
  })
}
