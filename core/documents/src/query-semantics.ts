import { unreachable } from '@millrace/kernel'
import type { Comparison, Filter, FilterValue, OrderBy } from './database.ts'

/**
 * What the filters and orders of the Database port mean, in plain code: the definition that engines are compared with.
 */
export function matches(filter: Filter, body: unknown): boolean {
  switch (filter.kind) {
    case 'compare':
      return holds(filter.operator, valueAt(body, filter.path), filter.value)
    case 'in': {
      const value = valueAt(body, filter.path)
      return filter.values.some((each) => holds('eq', value, each))
    }
    case 'starts-with': {
      const value = valueAt(body, filter.path)
      return typeof value === 'string' && value.startsWith(filter.value)
    }
    case 'and':
      return filter.filters.every((each) => matches(each, body))
    case 'or':
      return filter.filters.some((each) => matches(each, body))
    case 'not':
      return !matches(filter.filter, body)
    default:
      return unreachable(filter)
  }
}

/** Negative if `left` comes before `right` in the order of the port, its last criterion (the id) included. */
export function compareDocuments(
  orderBy: readonly OrderBy[],
  left: { readonly id: string; readonly body: unknown },
  right: { readonly id: string; readonly body: unknown },
): number {
  for (const { path, direction } of orderBy) {
    const order = compareValues(valueAt(left.body, path), valueAt(right.body, path))
    if (order !== 0) return direction === 'ascending' ? order : -order
  }
  return compareTexts(left.id, right.id)
}

function valueAt(body: unknown, path: readonly string[]): unknown {
  let value = body
  for (const segment of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
    if (!Object.hasOwn(value, segment)) return null
    value = (value as Record<string, unknown>)[segment]
  }
  return value ?? null
}

function holds(operator: Comparison, value: unknown, other: FilterValue): boolean {
  switch (operator) {
    case 'eq':
      return value === other
    case 'ne':
      return value !== other
    case 'lt':
      return isBelow(value, other)
    case 'le':
      return value === other || isBelow(value, other)
    case 'gt':
      return isBelow(other, value)
    case 'ge':
      return value === other || isBelow(other, value)
    default:
      return unreachable(operator)
  }
}

function isBelow(left: unknown, right: unknown): boolean {
  return typeof left === typeof right && typeof left !== 'object' && compareValues(left, right) < 0
}

function compareValues(left: unknown, right: unknown): number {
  const ranks = rankOf(left) - rankOf(right)
  if (ranks !== 0) return ranks
  if (typeof left === 'number') return left - (right as number)
  return typeof left === 'string' ? compareTexts(left, right as string) : 0
}

function rankOf(value: unknown): number {
  if (value === null) return 0
  if (typeof value === 'boolean') return value ? 2 : 1
  if (typeof value === 'number') return 3
  return typeof value === 'string' ? 4 : 5
}

/** By code points. JavaScript's `<` goes by UTF-16 units, which puts U+10000 and above before U+E000. */
export function compareTexts(left: string, right: string): number {
  const end = Math.min(left.length, right.length)
  for (let index = 0; index < end; index += 1) {
    const a = left.charCodeAt(index)
    const b = right.charCodeAt(index)
    if (a === b) continue
    return isSurrogate(a) || isSurrogate(b) ? comparePoints([...left], [...right]) : a - b
  }
  return left.length - right.length
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff
}

function comparePoints(left: readonly string[], right: readonly string[]): number {
  const index = left.findIndex((point, at) => point !== right[at])
  return (left[index]?.codePointAt(0) ?? -1) - (right[index]?.codePointAt(0) ?? -1)
}
