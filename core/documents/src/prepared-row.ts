import { millraceError, unreachable } from '@millrace/kernel'
import { isText, type Refuse, refuseOperation, show } from './checked-text.ts'
import type { ColumnValue, RowOperation } from './database.ts'
import { documentLimits as limits } from './document-limits.ts'
import type { KnownSchema } from './known-schema.ts'
import type { CommitMeter } from './prepared-commit.ts'
import type { PreparedRowOperation } from './prepared-operation.ts'
import type { TableSchema } from './store-schema.ts'

/** Checks and copies what a unit does to rows. @throws TABLE_UNKNOWN (also: no such column), OPERATION_INVALID */
export function prepareRowOperation(
  operation: RowOperation,
  known: KnownSchema,
  meter: CommitMeter,
): PreparedRowOperation {
  const { kind, table } = operation
  const schema = known.table(table)
  const refuse = refuseOperation(kind, `the table "${table}"`)
  switch (kind) {
    case 'put-row': {
      const key = checkKey(operation.key, schema, refuse)
      const set = checkSet(operation.set, schema, refuse)
      const add = checkAdd(operation.add, schema, refuse)
      const twice = Object.keys(add).find((column) => Object.hasOwn(set, column))
      if (twice !== undefined) refuse(`the column "${twice}" both set and added to`, 'one of them')
      meter.characters += JSON.stringify({ key, set, add }).length
      return { kind, table, key, set, add }
    }
    case 'delete-row':
      return { kind, table, key: checkKey(operation.key, schema, refuse) }
    case 'delete-rows':
      return { kind, table }
    default:
      return unreachable(operation)
  }
}

function checkKey(
  key: unknown,
  schema: TableSchema,
  refuse: Refuse,
): Readonly<Record<string, string | number>> {
  const columns = entriesOf('key', key, schema, refuse)
  for (const column of schema.key) {
    if (!Object.hasOwn(Object(key), column)) refuse(`a key without "${column}"`, schema.key.join(', '))
  }
  for (const [column, value] of columns) {
    if (!schema.key.includes(column)) refuse(`"${column}" in its key`, schema.key.join(', '))
    checkValue(column, value, { schema, charactersMax: limits.idCharactersMax, mayBeNull: false }, refuse)
  }
  return Object.fromEntries(columns) as Record<string, string | number>
}

function checkSet(set: unknown, schema: TableSchema, refuse: Refuse): Readonly<Record<string, ColumnValue>> {
  const columns = set === undefined ? [] : entriesOf('set', set, schema, refuse)
  for (const [column, value] of columns) {
    checkNoKey(column, schema, refuse)
    checkValue(column, value, { schema, charactersMax: limits.columnCharactersMax, mayBeNull: true }, refuse)
  }
  return Object.fromEntries(columns) as Record<string, ColumnValue>
}

function checkAdd(add: unknown, schema: TableSchema, refuse: Refuse): Readonly<Record<string, number>> {
  const columns = add === undefined ? [] : entriesOf('add', add, schema, refuse)
  for (const [column, value] of columns) {
    checkNoKey(column, schema, refuse)
    if (schema.columns[column] !== 'number') refuse(`an addition to "${column}"`, 'a column of numbers')
    if (!Number.isFinite(value)) refuse(`an addition of ${show(value)}`, 'a finite number')
  }
  return Object.fromEntries(columns) as Record<string, number>
}

function entriesOf(what: string, values: unknown, schema: TableSchema, refuse: Refuse): [string, unknown][] {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    refuse(`"${what}" that is ${show(values)}`, 'an object of columns')
  }
  const entries = Object.entries(values as object)
  for (const [column] of entries) {
    if (Object.hasOwn(schema.columns, column)) continue
    const reason = `there is no column ${show(column)}`
    throw millraceError('TABLE_UNKNOWN', { table: schema.name, reason })
  }
  return entries
}

function checkNoKey(column: string, schema: TableSchema, refuse: Refuse): void {
  if (schema.key.includes(column)) refuse(`a change of the key column "${column}"`, 'another column')
}

function checkValue(
  column: string,
  value: unknown,
  { schema, charactersMax, mayBeNull }: { schema: TableSchema; charactersMax: number; mayBeNull: boolean },
  refuse: Refuse,
): void {
  const type = schema.columns[column]
  if (value === null && mayBeNull) return
  if (type === 'text' && isText(value, charactersMax)) return
  if (type === 'number' && Number.isFinite(value)) return
  if (type === 'boolean' && typeof value === 'boolean') return
  refuse(`the value ${show(value)} for "${column}"`, `a ${type}${mayBeNull ? ' or null' : ''}`)
}
