import type { Filter, FilterValue, OrderBy } from './filter.ts'
import { valueAt } from './query-semantics.ts'

/** Where a document stands in an order: its values at the order's paths, as JSON has them, and its id. */
export interface OrderPlace {
  readonly values: readonly unknown[]
  readonly id: string
}

/** The place of a document, or of parts of one, in an order. */
export function placeOf(orderBy: readonly OrderBy[], body: unknown, id: string): OrderPlace {
  return { values: orderBy.map(({ path }) => valueAt(body, path)), id }
}

/**
 * A filter that holds for the documents behind a place in an order: those that come later by the first criterion, or are
 * equal by it and later by the second, and so on to the id.
 */
export function behind(orderBy: readonly OrderBy[], { values, id }: OrderPlace): Filter {
  const equals = orderBy.map(({ path }, index) => equalTo(path, values[index]))
  const later = orderBy.map(({ path, direction }, index): Filter => {
    const filter = direction === 'ascending' ? above(path, values[index]) : below(path, values[index])
    return { kind: 'and', filters: [...equals.slice(0, index), filter] }
  })
  const byId: Filter = { kind: 'id', operator: 'gt', value: id }
  if (orderBy.length === 0) return byId
  return { kind: 'or', filters: [...later, { kind: 'and', filters: [...equals, byId] }] }
}

type Path = readonly string[]

/** Objects and arrays come last, and are equal among themselves. */
function equalTo(path: Path, value: unknown): Filter {
  return isSingle(value)
    ? { kind: 'compare', path, operator: 'eq', value }
    : { kind: 'not', filter: anySingle(path) }
}

function above(path: Path, value: unknown): Filter {
  if (!isSingle(value)) return NOTHING
  return { kind: 'not', filter: { kind: 'or', filters: [below(path, value), equalTo(path, value)] } }
}

/** Everything of an earlier type, and what is less within the value's own: null, booleans, numbers, texts. */
function below(path: Path, value: unknown): Filter {
  if (!isSingle(value)) return anySingle(path)
  if (value === null) return NOTHING
  const earlier: Filter[] = [
    { kind: 'compare', path, operator: 'eq', value: null },
    { kind: 'compare', path, operator: 'lt', value },
  ]
  if (typeof value !== 'boolean') earlier.push(anyBoolean(path))
  if (typeof value === 'string') earlier.push(anyNumber(path))
  return { kind: 'or', filters: earlier }
}

function anySingle(path: Path): Filter {
  return { kind: 'or', filters: [{ kind: 'compare', path, operator: 'eq', value: null }, hasSingle(path)] }
}

function anyBoolean(path: Path): Filter {
  return { kind: 'compare', path, operator: 'ge', value: false }
}

function anyNumber(path: Path): Filter {
  return { kind: 'compare', path, operator: 'ge', value: -Number.MAX_VALUE }
}

/** Holds for documents that have a single value at the path, and not null. */
export function hasSingle(path: Path): Filter {
  const anyText: Filter = { kind: 'compare', path, operator: 'ge', value: '' }
  return { kind: 'or', filters: [anyBoolean(path), anyNumber(path), anyText] }
}

const NOTHING: Filter = { kind: 'or', filters: [] }

function isSingle(value: unknown): value is FilterValue {
  return typeof value !== 'object' || value === null
}
