import type { ColumnType } from '@millrace/documents'
import { jsonPath } from './sql-names.ts'
import { literalValues, type SqlValues } from './sql-values.ts'

/**
 * How SQL gets at a value in a document's JSON.
 *
 * - `plain`: its JSON type ('null', 'true', …; NULL if there is none), and the value as SQLite's functions give it: texts
 *   and numbers, 1 and 0 for booleans, NULL for null and for what is missing, JSON texts of objects and arrays.
 * - `ranked`: the two expressions that indexes are made of. The rank is the type's place in the order across types; the
 *   key is the value, and NULL for null, missing, objects and arrays.
 */
export type JsonPlace =
  | { readonly kind: 'plain'; readonly type: string; readonly value: string }
  | { readonly kind: 'ranked'; readonly rank: string; readonly key: string }

/** A column that holds the value at a path, if it is of the column's type. */
export interface ColumnPlace {
  readonly column: string
  readonly type: ColumnType
}

/** The ranks of the types in the order across types. */
export const RANKS = { null: 0, false: 1, true: 2, number: 3, text: 4, other: 5 } as const

type PlainPlace = Extract<JsonPlace, { kind: 'plain' }>
type RankedPlace = Extract<JsonPlace, { kind: 'ranked' }>

/** The value at a path of a JSON text. */
export function placeAt(body: string, path: readonly string[], values: SqlValues): PlainPlace {
  const at = values.put(jsonPath(path))
  return { kind: 'plain', type: `json_type(${body}, ${at})`, value: `json_extract(${body}, ${at})` }
}

/**
 * The value at a path that an index is declared for. Indexes on expressions are only used where a statement has the very
 * same ones, so there are no parameters in them.
 */
export function rankedPlaceAt(body: string, path: readonly string[]): RankedPlace {
  return ranked(placeAt(body, path, literalValues))
}

/**
 * Rank and key of a value. Numbers are those of JavaScript: an integer beyond 2^53 is the nearest 64-bit floating point
 * number.
 */
export function ranked({ type, value }: PlainPlace): RankedPlace {
  const rank =
    `CASE ${type} WHEN 'text' THEN 4 WHEN 'integer' THEN 3 WHEN 'real' THEN 3 WHEN 'true' THEN 2 ` +
    `WHEN 'false' THEN 1 WHEN 'object' THEN 5 WHEN 'array' THEN 5 ELSE 0 END`
  const key =
    `CASE ${type} WHEN 'text' THEN ${value} WHEN 'integer' THEN CAST(${value} AS REAL) ` +
    `WHEN 'real' THEN ${value} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END`
  return { kind: 'ranked', rank, key }
}

/** The value at a declared path if it has the type, else NULL; booleans as 1 and 0. */
export function typedValueAt(body: string, path: readonly string[], type: ColumnType): string {
  const at = literalValues.put(jsonPath(path))
  const value = `json_extract(${body}, ${at})`
  switch (type) {
    case 'text':
      return `CASE json_type(${body}, ${at}) WHEN 'text' THEN ${value} END`
    case 'number':
      return `CASE WHEN json_type(${body}, ${at}) IN ('integer', 'real') THEN CAST(${value} AS REAL) END`
    case 'boolean':
      return `CASE json_type(${body}, ${at}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END`
    default:
      return type satisfies never
  }
}

/** An element of an array, under the name that `json_each` has in the statement. */
export function elementPlace(element: string): PlainPlace {
  return { kind: 'plain', type: `${element}.type`, value: `${element}.value` }
}

/** The value at a path in an element, which may be no object. */
export function placeInElement(element: string, path: readonly string[], values: SqlValues): PlainPlace {
  const at = values.put(jsonPath(path))
  const inObject = (expression: string) => `CASE ${element}.type WHEN 'object' THEN ${expression} END`
  return {
    kind: 'plain',
    type: inObject(`json_type(${element}.value, ${at})`),
    value: inObject(`json_extract(${element}.value, ${at})`),
  }
}
