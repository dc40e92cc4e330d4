import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite'
import { documentLimits, type RawValue, resultMeter } from '@millrace/documents'
import { errorText, isMillraceError, millraceError } from '@millrace/kernel'
import { type BindableStatement, bindableStatement } from './bindable-statement.ts'
import { isStatementError } from './sqlite-failure.ts'

/** A row of people's own SQL. */
export type RawRow = Readonly<Record<string, unknown>>

/**
 * Runs a statement that reads, on a connection that allows nothing else.
 *
 * @throws QUERY_INVALID (the engine does not take it, it writes, it is several, the result is too large), and errors of
 * the engine
 */
export function runRaw(database: DatabaseSync, sql: string, parameters: readonly RawValue[]): RawRow[] {
  if (!READING.test(sql)) throw refusal('a statement that does not begin as one that reads')
  try {
    const prepared = database.prepare(sql)
    if (sql.slice(prepared.sourceSQL.length).trim() !== '') throw refusal('several statements')
    prepared.setReadBigInts(true)
    const statement = bindableStatement(prepared, sql)
    const bound = parameters.map(boundValue)
    if (takesMore(statement, bound)) throw refusal(`more marks than its ${bound.length} parameters`)
    const measure = resultMeter('raw SQL')
    const rows: RawRow[] = []
    for (const row of statement.iterate(...bound)) {
      if (rows.length === documentLimits.queryDocumentsMax) throw refusal('a result of too many rows')
      for (const name in row) row[name] = plainValue(row[name], measure)
      rows.push(row)
    }
    return rows
  } catch (error) {
    if (isMillraceError(error) || !isStatementError(error)) throw error
    throw refusal(`an error: ${errorText(error)}`, error)
  }
}

/** The words that a statement may begin with, behind comments. What it does then is up to the connection. */
const READING = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(?:select|with|values|explain)\b/i

/** SQLite takes marks without a parameter for NULL, and refuses parameters without a mark: one more tells. */
function takesMore(statement: BindableStatement, bound: readonly SQLInputValue[]): boolean {
  try {
    statement.iterate(...bound, null).return?.()
    return true
  } catch {
    return false
  }
}

function refusal(seen: string, cause?: unknown) {
  const expected = `one statement of SQLite that reads, and at most ${documentLimits.queryDocumentsMax} rows`
  return millraceError('QUERY_INVALID', { collection: 'raw SQL', seen, expected }, { cause })
}

function boundValue(value: RawValue): SQLInputValue {
  if (typeof value === 'boolean') return Number(value)
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') {
    return value
  }
  // An object would be taken for a list of named parameters.
  if (value instanceof Uint8Array) return value
  throw refusal(`a parameter of the type ${typeof value}`)
}

function plainValue(value: SQLOutputValue | undefined, measure: (text: string) => void): SQLOutputValue {
  if (typeof value === 'string') measure(value)
  if (value instanceof Uint8Array) measure(' '.repeat(value.length))
  if (typeof value !== 'bigint') return value ?? null
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
