import type { CheckedCollection } from '@millrace/documents'
import type { SqlValues } from './sql-values.ts'
import { literal, quoted, type TableNames } from './table-names.ts'

/** The value at a path, in the several ways in which statements look at it. Each is an expression in SQL. */
export interface PropertyExpression {
  /** JSON, or NULL if it is missing. */
  readonly value: string
  /** The same as a text, whatever its type is. */
  readonly text: string
  /** Its sort key, if an index over documents has it. */
  readonly indexedKey: string | undefined
  /** The column that it also stands in, and the type of that, if one is declared. */
  readonly column: { readonly sql: string; readonly type: 'text' | 'number' | 'boolean' } | undefined
}

/** What a path begins at, and what is known of the collection. */
export interface PropertyScope {
  readonly names: TableNames
  readonly values: SqlValues
  readonly schema: CheckedCollection
  /** The JSON that paths begin at: `body`, or an element of an array. */
  readonly root: string
  /** Inside of `any` or `all`; what is declared is declared for whole documents. */
  readonly isInside: boolean
}

/** Finds out what there is for a path. */
export function propertyAt(scope: PropertyScope, path: readonly string[]): PropertyExpression {
  const { names, schema, isInside } = scope
  const isIndexed = !isInside && hasPath(indexedPaths(schema), path)
  const column = isInside ? undefined : columnAt(schema, path)
  const { value, text } = lookedUp(scope, path, isIndexed || column !== undefined)
  return { value, text, indexedKey: isIndexed ? sortKeyOf(names, value) : undefined, column }
}

/** What is at a path. Only objects have properties for `->` with a text, so arrays are not looked into. */
function lookedUp(
  { values, root }: PropertyScope,
  path: readonly string[],
  isDeclared: boolean,
): { readonly value: string; readonly text: string } {
  // A declared path is written out as in the index, so that also a plan that is kept for all parameters can use it.
  const segments = path.map((segment) => (isDeclared ? literal(segment) : values.text(segment)))
  const last = segments.pop()
  if (last === undefined) return { value: root, text: `(${root} #>> '{}'::text[])` }
  const parent = [root, ...segments].join(' -> ')
  return { value: `(${parent} -> ${last})`, text: `(${parent} ->> ${last})` }
}

/** The JSON at a declared path of a document, written out. */
export function declaredValue(path: readonly string[], body = 'body'): string {
  return `(${[body, ...path.map(literal)].join(' -> ')})`
}

export function sortKeyOf(names: TableNames, value: string): string {
  return `${names.function('sort_key')}(${value}) COLLATE "C"`
}

/** True if it is a text. */
export function isText({ value }: PropertyExpression): string {
  return `jsonb_typeof(${value}) = 'string'`
}

/** Its number as 64-bit floating point, or NULL if it is none. */
export function numberOf({ value, text }: PropertyExpression): string {
  return `(CASE WHEN jsonb_typeof(${value}) = 'number' THEN ${text}::float8 END)`
}

/** The column of a declared index of the kind `column`. */
export function columnName(index: string): string {
  return `c_${index}`
}

function columnAt(schema: CheckedCollection, path: readonly string[]): PropertyExpression['column'] {
  for (const index of schema.indexes) {
    if (index.kind !== 'column' || !isSamePath(index.path, path)) continue
    return { sql: quoted(columnName(index.name)), type: index.type }
  }
  return undefined
}

function indexedPaths({ indexes }: CheckedCollection): readonly (readonly string[])[] {
  return indexes.flatMap((index) => {
    if (index.kind === 'property') return index.paths
    // What a unique column keeps unique is its sort key, too.
    return index.kind === 'column' && index.unique === true ? [index.path] : []
  })
}

function hasPath(paths: readonly (readonly string[])[], path: readonly string[]): boolean {
  return paths.some((each) => isSamePath(each, path))
}

function isSamePath(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((segment, index) => segment === right[index])
}
