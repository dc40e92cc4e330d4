import { unreachable } from '@millrace/kernel'
import type { Comparison, Filter, FilterValue, OrderBy } from './filter.ts'
import type { AggregateRead } from './read.ts'
import { wordsOf } from './words.ts'

/** A document as filters and orders see it. */
export interface QueriedDocument {
  readonly id: string
  readonly body: unknown
}

/**
 * What the filters and orders of the Database port mean, in plain code: the definition that engines are compared with.
 * `fullText` are the paths that the collection declares for searches.
 */
export function matches(
  filter: Filter,
  document: QueriedDocument,
  fullText: readonly (readonly string[])[] = [],
): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.every((each) => matches(each, document, fullText))
    case 'or':
      return filter.filters.some((each) => matches(each, document, fullText))
    case 'not':
      return !matches(filter.filter, document, fullText)
    case 'any':
    case 'all': {
      const value = valueAt(document.body, filter.path)
      if (!Array.isArray(value)) return false
      const holdsFor = (body: unknown) => matches(filter.filter, { id: document.id, body })
      return filter.kind === 'any' ? value.some(holdsFor) : value.every(holdsFor)
    }
    case 'id':
      return holds(filter.operator, document.id, filter.value)
    case 'search':
      return isFound(filter, document, fullText)
    default:
      return holdsAt(filter, document.body)
  }
}

/** A condition on the value at a path. */
function holdsAt(
  filter: Exclude<Filter, { readonly kind: 'and' | 'or' | 'not' | 'any' | 'all' | 'id' | 'search' }>,
  body: unknown,
): boolean {
  const value = valueAt(body, filter.path)
  switch (filter.kind) {
    case 'compare':
      return holds(filter.operator, value, filter.value)
    case 'in':
      return filter.values.some((each) => holds('eq', value, each))
    case 'starts-with':
      return typeof value === 'string' && value.startsWith(filter.value)
    case 'contains':
      return typeof value === 'string' && value.includes(filter.value)
    case 'exists':
      return isThere(body, filter.path)
    default:
      return unreachable(filter)
  }
}

function isFound(
  { text, prefix = false }: Extract<Filter, { readonly kind: 'search' }>,
  { body }: QueriedDocument,
  fullText: readonly (readonly string[])[],
): boolean {
  const asked = wordsOf(text)
  const last = asked.at(-1)
  if (last === undefined) return false
  const words = new Set(fullText.flatMap((path) => textsAt(body, path).flatMap(wordsOf)))
  const whole = prefix ? asked.slice(0, -1) : asked
  if (!whole.every((word) => words.has(word))) return false
  return !prefix || [...words].some((word) => word.startsWith(last))
}

/** The text at a path, or the texts of an array there. */
function textsAt(body: unknown, path: readonly string[]): string[] {
  const value = valueAt(body, path)
  return (Array.isArray(value) ? value : [value]).filter((each) => typeof each === 'string')
}

/**
 * A figure over documents that match, as `AggregateRead` defines it. A sum goes in the order of the documents; engines
 * may add in another one, so that the last digits of sums of fractions may differ.
 */
export function figureOf(
  { kind, path }: AggregateRead['figures'][number],
  documents: Iterable<QueriedDocument>,
): FilterValue {
  let figure: FilterValue = kind === 'sum' ? 0 : null
  for (const { body } of documents) {
    const value = valueAt(body, path)
    if (kind === 'sum') figure = Number(figure) + (typeof value === 'number' ? value : 0)
    else if (isSingle(value) && isBeyond(kind, value, figure)) figure = value
  }
  return figure
}

function isSingle(value: unknown): value is Exclude<FilterValue, null> {
  return value !== null && typeof value !== 'object'
}

function isBeyond(kind: 'min' | 'max', value: unknown, figure: FilterValue): boolean {
  if (figure === null) return true
  const order = compareValues(value, figure)
  return kind === 'min' ? order < 0 : order > 0
}

/** Negative if `left` comes before `right` in the order of the port, its last criterion (the id) included. */
export function compareDocuments(
  orderBy: readonly OrderBy[],
  left: QueriedDocument,
  right: QueriedDocument,
): number {
  for (const { path, direction } of orderBy) {
    const order = compareValues(valueAt(left.body, path), valueAt(right.body, path))
    if (order !== 0) return direction === 'ascending' ? order : -order
  }
  return compareTexts(left.id, right.id)
}

/** What is at a path; null if nothing is. */
export function valueAt(body: unknown, path: readonly string[]): unknown {
  let value = body
  for (const segment of path) {
    if (!hasProperty(value, segment)) return null
    value = value[segment]
  }
  return value ?? null
}

function isThere(body: unknown, path: readonly string[]): boolean {
  const name = path.at(-1)
  return name === undefined || hasProperty(valueAt(body, path.slice(0, -1)), name)
}

function hasProperty(value: unknown, name: string): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, name)
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

/** Negative if `left` comes before `right` in the order across types. */
export function compareValues(left: unknown, right: unknown): number {
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
