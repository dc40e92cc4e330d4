import type { CheckedQuery, Comparison, Filter, FilterValue, OrderBy } from '@millrace/documents'
import { unreachable } from '@millrace/kernel'
import { tableOf } from './sqlite-tables.ts'

/** A statement and what is bound to it. The text holds fixed words and a checked table name, nothing of the caller's. */
export interface Compiled {
  readonly sql: string
  readonly parameters: readonly (string | number)[]
}

/** The documents of a query, in its order. */
export function compileQuery({ collection, where, orderBy, limit, offset }: CheckedQuery): Compiled {
  const parameters: (string | number)[] = []
  const condition = where === undefined ? '' : ` WHERE ${compileFilter(where, parameters)}`
  const order = [...orderBy.map((each) => compileOrder(each, parameters)), 'id'].join(', ')
  parameters.push(limit, offset)
  const sql = `SELECT id, revision, body FROM ${tableOf(collection)}${condition} ORDER BY ${order} LIMIT ? OFFSET ?`
  return { sql, parameters }
}

/** How many documents match. */
export function compileCount({ collection, where }: CheckedQuery): Compiled {
  const parameters: (string | number)[] = []
  const condition = where === undefined ? '' : ` WHERE ${compileFilter(where, parameters)}`
  return { sql: `SELECT count(*) AS count FROM ${tableOf(collection)}${condition}`, parameters }
}

type Parameters = (string | number)[]

/** The comparisons that SQL does for us, within one type. */
const SYMBOLS = { eq: '=', lt: '<', le: '<=', gt: '>', ge: '>=' } as const
type Symbols = typeof SYMBOLS

/** An expression that is 0 or 1, never NULL. */
function compileFilter(filter: Filter, parameters: Parameters): string {
  switch (filter.kind) {
    case 'compare':
      return compileComparison(filter.operator, pathText(filter.path), filter.value, parameters)
    case 'in':
      return compileIn(pathText(filter.path), filter.values, parameters)
    case 'starts-with':
      return compilePrefix(pathText(filter.path), filter.value, parameters)
    case 'and':
    case 'or': {
      const parts = filter.filters.map((each) => compileFilter(each, parameters))
      if (parts.length === 0) return filter.kind === 'and' ? '1' : '0'
      return `(${parts.join(filter.kind === 'and' ? ' AND ' : ' OR ')})`
    }
    case 'not':
      return `(NOT ${compileFilter(filter.filter, parameters)})`
    default:
      return unreachable(filter)
  }
}

function compileComparison(
  operator: Comparison,
  path: string,
  value: FilterValue,
  parameters: Parameters,
): string {
  if (operator === 'ne') return `(NOT ${compileComparison('eq', path, value, parameters)})`
  if (typeof value === 'number') return compileNumber(SYMBOLS[operator], path, value, parameters)
  if (typeof value === 'string') return compileText(SYMBOLS[operator], path, value, parameters)
  const types = typesThatHold(operator, value)
  return compileType(types, path, parameters)
}

/** Null has one value and booleans two, so a comparison with them is a question about the type. */
function typesThatHold(operator: keyof Symbols, value: boolean | null): readonly string[] {
  if (value === null) return operator === 'lt' || operator === 'gt' ? [] : ['null']
  const same = operator === 'lt' || operator === 'gt' ? [] : [String(value)]
  if (value && (operator === 'lt' || operator === 'le')) return ['false', ...same]
  if (!value && (operator === 'gt' || operator === 'ge')) return ['true', ...same]
  return same
}

function compileType(types: readonly string[], path: string, parameters: Parameters): string {
  if (types.length === 0) return '0'
  parameters.push(path)
  return `(coalesce(json_type(body, ?), 'null') IN (${types.map((type) => `'${type}'`).join(', ')}))`
}

function compileNumber(symbol: string, path: string, value: number, parameters: Parameters): string {
  parameters.push(path, path, value)
  return `((${IS_NUMBER} AND ${AS_NUMBER} ${symbol} ?) IS TRUE)`
}

function compileText(symbol: string, path: string, value: string, parameters: Parameters): string {
  parameters.push(path, path, value)
  return `((${IS_TEXT} AND json_extract(body, ?) ${symbol} ?) IS TRUE)`
}

/** By bytes: SQLite's text functions would stop at a zero character. A part of the empty blob is NULL to SQLite. */
function compilePrefix(path: string, prefix: string, parameters: Parameters): string {
  parameters.push(path, path, prefix, prefix)
  const start = `coalesce(substr(CAST(json_extract(body, ?) AS BLOB), 1, length(CAST(? AS BLOB))), x'')`
  return `((${IS_TEXT} AND ${start} = CAST(? AS BLOB)) IS TRUE)`
}

function compileIn(path: string, values: readonly FilterValue[], parameters: Parameters): string {
  const parts: string[] = []
  const numbers = values.filter((value) => typeof value === 'number')
  const texts = values.filter((value) => typeof value === 'string')
  const types = values.filter((value) => value === null || typeof value === 'boolean').map(String)
  if (numbers.length > 0) {
    parameters.push(path, path, ...numbers)
    parts.push(`((${IS_NUMBER} AND ${AS_NUMBER} IN (${marks(numbers.length)})) IS TRUE)`)
  }
  if (texts.length > 0) {
    parameters.push(path, path, ...texts)
    parts.push(`((${IS_TEXT} AND json_extract(body, ?) IN (${marks(texts.length)})) IS TRUE)`)
  }
  if (types.length > 0) parts.push(compileType([...new Set(types)], path, parameters))
  return parts.length === 0 ? '0' : `(${parts.join(' OR ')})`
}

const IS_NUMBER = `json_type(body, ?) IN ('integer', 'real')`
const IS_TEXT = `json_type(body, ?) = 'text'`
/** As JavaScript has them: an integer beyond 2^53 is read as the nearest 64-bit floating point number. */
const AS_NUMBER = 'CAST(json_extract(body, ?) AS REAL)'

const RANK = `CASE coalesce(json_type(body, ?), 'null') WHEN 'null' THEN 0 WHEN 'false' THEN 1 WHEN 'true' THEN 2
  WHEN 'integer' THEN 3 WHEN 'real' THEN 3 WHEN 'text' THEN 4 ELSE 5 END`
const WITHIN_RANK = `CASE json_type(body, ?) WHEN 'integer' THEN ${AS_NUMBER} WHEN 'real' THEN ${AS_NUMBER}
  WHEN 'text' THEN json_extract(body, ?) END`

function compileOrder({ path, direction }: OrderBy, parameters: Parameters): string {
  const text = pathText(path)
  parameters.push(text, text, text, text, text)
  const word = direction === 'ascending' ? 'ASC' : 'DESC'
  return `${RANK} ${word}, ${WITHIN_RANK} ${word}`
}

function marks(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ')
}

/**
 * The path in SQLite's own notation, for binding. A label in double quotes is read like a JSON text, so JSON's
 * escapes are the right ones. Source: https://sqlite.org/json1.html#path_arguments
 */
function pathText(path: readonly string[]): string {
  return `$${path.map((segment) => `.${JSON.stringify(segment)}`).join('')}`
}
