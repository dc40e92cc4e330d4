import type { ColumnValue, RowOperation, TableSchema } from '@millrace/documents'
import { describe, expect, test } from 'vitest'
import {
  codeOf,
  type DatabaseFactory,
  type DatabaseUnderTest,
  opened,
  useTenant,
} from './database-harness.ts'
import { append, store } from './database-operations.ts'
import type { Tenant } from './database-tenant.ts'

const TOTALS: TableSchema = {
  name: 'zone_totals',
  columns: { zone: 'text', day: 'number', n: 'number', sum: 'number', note: 'text', open: 'boolean' },
  key: ['zone', 'day'],
}
const SCHEMA = { collections: [{ name: 'benches' }], tables: [TOTALS, { ...TOTALS, name: 'other_totals' }] }

type Row = Readonly<Record<string, ColumnValue>>

/** All rows of a table as its declaration says, in the order of their keys as JSON. */
async function rowsOf(under: DatabaseUnderTest, schema: TableSchema): Promise<Row[]> {
  // A table's name in SQL is its declared one.
  const rows = under.rows?.(schema.name) ?? (await under.database.raw(`select * from "${schema.name}"`))
  const key = (row: Row) => JSON.stringify(schema.key.map((column) => row[column]))
  return rows
    .map((row) =>
      Object.fromEntries(
        Object.entries(schema.columns).map(([name, type]) => [name, columnValue(row[name], type)]),
      ),
    )
    .sort((left, right) => (key(left) < key(right) ? -1 : 1))
}

/** Engines without truth values answer 0 and 1 in raw rows. */
function columnValue(value: unknown, type: string): ColumnValue {
  if (type === 'boolean' && (typeof value === 'number' || typeof value === 'bigint'))
    return Number(value) === 1
  return (typeof value === 'bigint' ? Number(value) : value) as ColumnValue
}

type Put = Extract<RowOperation, { readonly kind: 'put-row' }>

const put = (zone: string, day: number, rest: Pick<Put, 'set' | 'add'> = {}): Put => ({
  kind: 'put-row',
  table: TOTALS.name,
  key: { zone, day },
  ...rest,
})

const EMPTY = { n: null, sum: null, note: null, open: null }

/** Rows of flat tables. */
export function databaseRowTests(open: DatabaseFactory): void {
  const tenant = useTenant(open, SCHEMA)
  describe('writing', () => writeTests(tenant))
  describe('declared', () => declaredTests(open))
  describe('that cannot be meant', () => badTests(tenant))
}

function writeTests(tenant: () => Tenant): void {
  const commit = (...operations: RowOperation[]) => tenant().commit(operations)
  /** Rows belong to no tenant: each test begins with none. */
  const rows = () => rowsOf(tenant().under, TOTALS)
  const empty: RowOperation = { kind: 'delete-rows', table: TOTALS.name }

  test.each([
    ['a new row', [put('z', 1)], [{ zone: 'z', day: 1, ...EMPTY }]],
    [
      'columns of every type',
      [put('z', 1, { set: { n: 1.5, note: 'ä"\'', open: true } })],
      [{ zone: 'z', day: 1, n: 1.5, sum: null, note: 'ä"\'', open: true }],
    ],
    ['false', [put('z', 1, { set: { open: false } })], [{ zone: 'z', day: 1, ...EMPTY, open: false }]],
    ['an empty text', [put('', 0, { set: { note: '' } })], [{ zone: '', day: 0, ...EMPTY, note: '' }]],
    [
      'other columns of a row that is there',
      [put('z', 1, { set: { n: 1, note: 'x' } }), put('z', 1, { set: { n: 2 } })],
      [{ zone: 'z', day: 1, ...EMPTY, n: 2, note: 'x' }],
    ],
    [
      'nothing over something',
      [put('z', 1, { set: { n: 1 } }), put('z', 1, { set: { n: null } })],
      [{ zone: 'z', day: 1, ...EMPTY }],
    ],
    ['an addition to a new row', [put('z', 1, { add: { n: 2 } })], [{ zone: 'z', day: 1, ...EMPTY, n: 2 }]],
    [
      'additions to numbers and to nothing',
      [
        put('z', 1, { set: { n: 1 } }),
        put('z', 1, { add: { n: -3, sum: 0.5 } }),
        put('z', 1, { add: { sum: 0.25 } }),
      ],
      [{ zone: 'z', day: 1, ...EMPTY, n: -2, sum: 0.75 }],
    ],
    [
      'both at once',
      [
        put('z', 1, { set: { note: 'a' }, add: { n: 1 } }),
        put('z', 1, { set: { note: 'b' }, add: { n: 1 } }),
      ],
      [{ zone: 'z', day: 1, ...EMPTY, n: 2, note: 'b' }],
    ],
    [
      'an addition in floating point',
      [put('z', 1, { add: { n: 0.1 } }), put('z', 1, { add: { n: 0.2 } })],
      [{ zone: 'z', day: 1, ...EMPTY, n: 0.30000000000000004 }],
    ],
    [
      'keys that differ in one column',
      [put('a', 1), put('a', 2), put('b', 1)],
      [
        { zone: 'a', day: 1, ...EMPTY },
        { zone: 'a', day: 2, ...EMPTY },
        { zone: 'b', day: 1, ...EMPTY },
      ],
    ],
    [
      'keys of fractions and huge numbers',
      [put('a', 0.1), put('a', 1e300)],
      [
        { zone: 'a', day: 0.1, ...EMPTY },
        { zone: 'a', day: 1e300, ...EMPTY },
      ],
    ],
    [
      'keys that differ by case and spaces',
      [put('Z', 1), put('z', 1), put('z ', 1)],
      [
        { zone: 'Z', day: 1, ...EMPTY },
        { zone: 'z ', day: 1, ...EMPTY },
        { zone: 'z', day: 1, ...EMPTY },
      ],
    ],
    [
      'values that look like SQL',
      [put("'; DROP TABLE zone_totals; --", 1, { set: { note: '$1 ? :a' } })],
      [{ zone: "'; DROP TABLE zone_totals; --", day: 1, ...EMPTY, note: '$1 ? :a' }],
    ],
  ] satisfies [string, Put[], Row[]][])('%s', async (_, operations, expected) => {
    await commit(empty, ...operations)
    expect(await rows()).toEqual(expected)
    await commit(empty)
    for (const operation of operations) await commit(operation)
    expect(await rows(), 'in units of their own').toEqual(expected)
  })

  test('a row can be deleted, and all of a table', async () => {
    await commit(empty, put('a', 1), put('a', 2), put('b', 1), { ...put('c', 1), table: 'other_totals' })
    await commit({ kind: 'delete-row', table: TOTALS.name, key: { zone: 'a', day: 1 } })
    await commit({ kind: 'delete-row', table: TOTALS.name, key: { zone: 'none', day: 1 } })
    expect((await rows()).map(({ zone, day }) => [zone, day])).toEqual([
      ['a', 2],
      ['b', 1],
    ])
    await commit(put('c', 1), empty, put('d', 1))
    expect((await rows()).map(({ zone }) => zone)).toEqual(['d'])
    expect(await rowsOf(tenant().under, { ...TOTALS, name: 'other_totals' })).toHaveLength(1)
  })

  test('rows belong to no tenant', async () => {
    await tenant().commit([empty, put('a', 1, { add: { n: 1 } })], { tenant: 'north' })
    await tenant().commit([put('a', 1, { add: { n: 1 } })], { tenant: 'south' })
    expect(await rows()).toMatchObject([{ n: 2 }])
  })

  test('a unit that is refused leaves no rows', async () => {
    await commit(empty, put('a', 1, { set: { n: 1 } }))
    const unit = [empty, put('b', 1), put('a', 1, { add: { n: 1 } }), store('x', {}, { expectedRevision: 9 })]
    expect(await codeOf(tenant().commit(unit))).toBe('DOCUMENT_CONFLICT')
    expect(await rows()).toMatchObject([{ zone: 'a', n: 1 }])
  })

  test('many additions at once lose none', async () => {
    await commit(empty)
    const units = Array.from({ length: 50 }, (_, index) =>
      commit(put('a', index % 2, { add: { n: 1, sum: index } })),
    )
    await Promise.all(units)
    expect((await rows()).map(({ n }) => n)).toEqual([25, 25])
    expect((await rows()).reduce((sum, row) => sum + Number(row.sum), 0)).toBe(1_225)
  })
}

function declaredTests(open: DatabaseFactory): void {
  test('tables and columns may have the names of other things', async () => {
    const names = [
      'events',
      'streams',
      'positions',
      'documents_benches',
      'rows_totals',
      'order',
      `t${'x'.repeat(59)}`,
    ]
    const columns = {
      select: 'text',
      group: 'number',
      rowid: 'number',
      oid: 'text',
      [`c${'x'.repeat(59)}`]: 'boolean',
    } as const
    const tables = names.map((name): TableSchema => ({ name, columns, key: ['select', 'rowid'] }))
    await using under = await opened(open, { collections: [{ name: 'benches' }, { name: 'totals' }], tables })
    await under.database.commit([store('b1', {}), append('s', ['a'])])
    await under.database.commit(
      names.map((table) => ({
        kind: 'put-row',
        table,
        key: { select: table, rowid: 7 },
        set: { oid: 'x' },
        add: { group: 1 },
      })),
    )
    for (const table of tables)
      expect(await rowsOf(under, table)).toMatchObject([{ select: table.name, oid: 'x', group: 1 }])
    const [count, events] = await under.database.read([
      { kind: 'count', collection: 'benches' },
      { kind: 'stream', stream: 's' },
    ])
    expect([count, events.length]).toEqual([1, 1])
    expect(await under.database.plan({ collections: [], tables })).toEqual({ steps: [] })
  })

  test('a table keeps its rows when a column is added, which is empty then', async () => {
    await using under = await opened(open, { collections: [], tables: [TOTALS] })
    await under.database.commit([put('a', 1, { set: { n: 1 } })])
    const wider = { ...TOTALS, columns: { ...TOTALS.columns, more: 'text' } } as const
    await under.database.prepare({ collections: [], tables: [wider] })
    await under.database.commit([put('b', 1, { set: { more: 'x' } })])
    expect(await rowsOf(under, wider)).toEqual([
      { zone: 'a', day: 1, ...EMPTY, n: 1, more: null },
      { zone: 'b', day: 1, ...EMPTY, more: 'x' },
    ])
  })
}

function badTests(tenant: () => Tenant): void {
  const key = { zone: 'z', day: 1 }
  const table = TOTALS.name

  test.each([
    ['an unknown table', { kind: 'put-row', table: 'nobody', key }, 'TABLE_UNKNOWN'],
    ['a row of an unknown table', { kind: 'delete-row', table: 'nobody', key }, 'TABLE_UNKNOWN'],
    ['an unknown table to empty', { kind: 'delete-rows', table: 'nobody' }, 'TABLE_UNKNOWN'],
    ['a table in another case', { kind: 'put-row', table: 'Zone_Totals', key }, 'TABLE_UNKNOWN'],
    ['a table that looks like SQL', { kind: 'delete-rows', table: 'zone_totals; --' }, 'TABLE_UNKNOWN'],
    ['an unknown column', { kind: 'put-row', table, key, set: { none: 1 } }, 'TABLE_UNKNOWN'],
    ['an unknown column to add to', { kind: 'put-row', table, key, add: { none: 1 } }, 'TABLE_UNKNOWN'],
    ['an unknown column of the key', { kind: 'put-row', table, key: { ...key, none: 1 } }, 'TABLE_UNKNOWN'],
    [
      'a column called like a built-in',
      { kind: 'put-row', table, key, set: { constructor: 1 } },
      'TABLE_UNKNOWN',
    ],
    ['half a key', { kind: 'put-row', table, key: { zone: 'z' } }, 'OPERATION_INVALID'],
    ['half a key to delete', { kind: 'delete-row', table, key: { day: 1 } }, 'OPERATION_INVALID'],
    ['another column in the key', { kind: 'put-row', table, key: { ...key, n: 1 } }, 'OPERATION_INVALID'],
    ['no key', { kind: 'put-row', table }, 'OPERATION_INVALID'],
    ['null in a key', { kind: 'put-row', table, key: { zone: null, day: 1 } }, 'OPERATION_INVALID'],
    [
      'a number for a text of the key',
      { kind: 'put-row', table, key: { zone: 1, day: 1 } },
      'OPERATION_INVALID',
    ],
    [
      'a text for a number of the key',
      { kind: 'delete-row', table, key: { zone: 'z', day: '1' } },
      'OPERATION_INVALID',
    ],
    ['a change of the key', { kind: 'put-row', table, key, set: { zone: 'y' } }, 'OPERATION_INVALID'],
    ['an addition to the key', { kind: 'put-row', table, key, add: { day: 1 } }, 'OPERATION_INVALID'],
    [
      'a column set and added to',
      { kind: 'put-row', table, key, set: { n: 1 }, add: { n: 1 } },
      'OPERATION_INVALID',
    ],
    ['a text for a number', { kind: 'put-row', table, key, set: { n: '1' } }, 'OPERATION_INVALID'],
    ['a number for a text', { kind: 'put-row', table, key, set: { note: 1 } }, 'OPERATION_INVALID'],
    ['a number for a truth', { kind: 'put-row', table, key, set: { open: 1 } }, 'OPERATION_INVALID'],
    ['an object for a text', { kind: 'put-row', table, key, set: { note: {} } }, 'OPERATION_INVALID'],
    ['undefined', { kind: 'put-row', table, key, set: { note: undefined } }, 'OPERATION_INVALID'],
    ['a number that is none', { kind: 'put-row', table, key, set: { n: Number.NaN } }, 'OPERATION_INVALID'],
    ['a zero character', { kind: 'put-row', table, key, set: { note: '\0' } }, 'OPERATION_INVALID'],
    ['half of a character', { kind: 'put-row', table, key: { zone: '\ud800', day: 1 } }, 'OPERATION_INVALID'],
    ['an addition to a text', { kind: 'put-row', table, key, add: { note: 1 } }, 'OPERATION_INVALID'],
    ['an addition of null', { kind: 'put-row', table, key, add: { n: null } }, 'OPERATION_INVALID'],
    [
      'an infinite addition',
      { kind: 'put-row', table, key, add: { n: Number.POSITIVE_INFINITY } },
      'OPERATION_INVALID',
    ],
    ['columns in a list', { kind: 'put-row', table, key, set: ['n'] }, 'OPERATION_INVALID'],
  ] satisfies [string, unknown, string][])('%s is refused', async (_, operation, code) => {
    const unit = [store('b1', {}), operation as RowOperation]
    expect(await codeOf(tenant().commit(unit))).toBe(code)
    expect(await tenant().load('b1')).toBeUndefined()
  })

  test('a sum that is not finite is refused, and nothing of the unit is done', async () => {
    await tenant().commit([{ kind: 'delete-rows', table }, put('z', 1, { set: { n: 1.7e308 } })])
    expect(await codeOf(tenant().commit([store('b1', {}), put('z', 1, { add: { n: 1.7e308 } })]))).toBe(
      'OPERATION_INVALID',
    )
    expect(await tenant().load('b1')).toBeUndefined()
    expect(await rowsOf(tenant().under, TOTALS)).toMatchObject([{ n: 1.7e308 }])
  })
}
