import type { ColumnValue, OperationResult, PreparedRowOperation, TableSchema } from '@millrace/documents'
import { millraceError, unreachable } from '@millrace/kernel'
import type { MemoryUnit } from './memory-unit.ts'

/** A row of a table: all its columns. */
export type MemoryRow = Readonly<Record<string, ColumnValue>>

interface Table {
  readonly schema: TableSchema
  readonly rows: Map<string, MemoryRow>
}

/** The flat tables. */
export class MemoryRows {
  readonly #tables = new Map<string, Table>()

  /** Tables whose declaration takes something away that is there. */
  destroyedBy(schemas: readonly TableSchema[]): string | undefined {
    return schemas.find((schema) => {
      const known = this.#tables.get(schema.name)?.schema
      return known !== undefined && (!isSameKey(known, schema) || lostColumns(known, schema).length > 0)
    })?.name
  }

  /** Makes tables as they are declared. Columns that change their type are emptied, tables that change their key too. */
  declare(schemas: readonly TableSchema[]): void {
    for (const schema of schemas) {
      const known = this.#tables.get(schema.name)
      const isKept = known !== undefined && isSameKey(known.schema, schema)
      const rows = isKept
        ? [...known.rows].map(([key, row]) => [key, reshaped(row, known, schema)] as const)
        : []
      this.#tables.set(schema.name, { schema, rows: new Map(rows) })
    }
  }

  /** All rows, in the order of their keys as JSON. */
  of(table: string): readonly MemoryRow[] {
    const rows = [...(this.#tables.get(table)?.rows ?? [])]
    return rows.sort(([left], [right]) => (left < right ? -1 : 1)).map(([, row]) => row)
  }

  apply(operation: PreparedRowOperation, { changes }: MemoryUnit): OperationResult {
    const { schema, rows } = this.#tables.get(operation.table) as Table
    switch (operation.kind) {
      case 'put-row': {
        const key = keyOf(schema, operation.key)
        changes.put(rows, key, changed(rows.get(key) ?? emptyRow(schema), operation))
        return {}
      }
      case 'delete-row':
        changes.put(rows, keyOf(schema, operation.key), undefined)
        return {}
      case 'delete-rows':
        for (const key of [...rows.keys()]) changes.put(rows, key, undefined)
        return {}
      default:
        return unreachable(operation)
    }
  }
}

function changed(
  row: MemoryRow,
  { kind, table, key, set, add }: Extract<PreparedRowOperation, { kind: 'put-row' }>,
): MemoryRow {
  const sums = Object.entries(add).map(([column, by]) => {
    const sum = Number(row[column] ?? 0) + by
    if (Number.isFinite(sum)) return [column, sum] as const
    const target = `the table "${table}"`
    const seen = `a sum in "${column}" that is not finite`
    throw millraceError('OPERATION_INVALID', { operation: kind, target, seen, expected: 'a finite sum' })
  })
  return { ...row, ...key, ...set, ...Object.fromEntries(sums) }
}

function keyOf({ key: columns }: TableSchema, key: Readonly<Record<string, string | number>>): string {
  return JSON.stringify(columns.map((column) => key[column]))
}

function emptyRow({ columns }: TableSchema): MemoryRow {
  return Object.fromEntries(Object.keys(columns).map((column) => [column, null]))
}

function isSameKey(known: TableSchema, schema: TableSchema): boolean {
  const keys = ({ key, columns }: TableSchema) =>
    JSON.stringify(key.map((column) => [column, columns[column]]))
  return keys(known) === keys(schema)
}

/** Columns that are gone or have another type. */
function lostColumns(known: TableSchema, schema: TableSchema): string[] {
  return Object.entries(known.columns).flatMap(([column, type]) =>
    schema.columns[column] === type ? [] : column,
  )
}

function reshaped(row: MemoryRow, { schema: known }: Table, schema: TableSchema): MemoryRow {
  const lost = lostColumns(known, schema)
  const kept = Object.entries(row).filter(([column]) => !lost.includes(column))
  return { ...emptyRow(schema), ...Object.fromEntries(kept) }
}
