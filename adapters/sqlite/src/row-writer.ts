import type { ColumnValue, OperationResult, PreparedRowOperation, TableSchema } from '@millrace/documents'
import { millraceError, unreachable } from '@millrace/kernel'
import type { StatementCache } from './statement-cache.ts'

/** Writes the rows of declared tables. Names of tables and columns have been checked: a-z, 0-9 and "_". */
export class RowWriter {
  readonly #statements: StatementCache

  constructor(statements: StatementCache) {
    this.#statements = statements
  }

  apply(operation: PreparedRowOperation, schema: TableSchema): OperationResult {
    const table = `"${schema.name}"`
    switch (operation.kind) {
      case 'put-row':
        this.#put(table, operation)
        return {}
      case 'delete-row': {
        const where = schema.key.map((column) => `"${column}" = ?`).join(' AND ')
        const key = schema.key.map((column) => operation.key[column] as string | number)
        this.#statements.get(`DELETE FROM ${table} WHERE ${where}`).run(...key)
        return {}
      }
      case 'delete-rows':
        this.#statements.get(`DELETE FROM ${table}`).run()
        return {}
      default:
        return unreachable(operation)
    }
  }

  #put(table: string, operation: Extract<PreparedRowOperation, { readonly kind: 'put-row' }>): void {
    const { key, set, add } = operation
    const values = { ...key, ...set, ...add }
    const columns = Object.keys(values).map((column) => `"${column}"`)
    const changes = [
      ...Object.keys(set).map((column) => `"${column}" = excluded."${column}"`),
      ...Object.keys(add).map((column) => `"${column}" = coalesce(r."${column}", 0) + excluded."${column}"`),
    ]
    const sums = Object.keys(add).map((column) => `"${column}"`)
    const sql =
      `INSERT INTO ${table} AS r (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')}) ON CONFLICT DO ` +
      `${changes.length === 0 ? 'NOTHING' : `UPDATE SET ${changes.join(', ')}`}` +
      `${sums.length === 0 ? '' : ` RETURNING ${sums.join(', ')}`}`
    const row = this.#statements.get(sql).get(...Object.values(values).map(sqlValue))
    const infinite = Object.entries(row ?? {}).find(([, sum]) => !Number.isFinite(sum))
    if (infinite !== undefined) throw notFinite(operation.table, infinite[0])
  }
}

function sqlValue(value: ColumnValue): string | number | null {
  return typeof value === 'boolean' ? Number(value) : value
}

function notFinite(table: string, column: string) {
  return millraceError('OPERATION_INVALID', {
    operation: 'put-row',
    target: `the table "${table}"`,
    seen: `a sum in "${column}" that is not finite`,
    expected: 'a finite sum',
  })
}
