import { millraceError } from '@millrace/kernel'
import type { DocumentQuery, Filter, FilterValue, OrderBy } from './database.ts'
import { documentLimits as limits } from './document-limits.ts'

/** A query whose input has been checked, with its defaults filled in. */
export interface CheckedQuery {
  readonly collection: string
  readonly where: Filter | undefined
  readonly orderBy: readonly OrderBy[]
  readonly limit: number
  readonly offset: number
}

/**
 * Checks a query and fills in what is left out. Every engine calls it before anything else, so that all of them refuse
 * the same queries. Queries may come from untyped callers, so types are checked too.
 *
 * @throws QUERY_INVALID
 */
export function checkQuery(query: DocumentQuery): CheckedQuery {
  const { collection, where, orderBy = [], limit = limits.queryDocumentsDefault, offset = 0 } = query
  const refuse: Refuse = (seen, expected) => {
    throw millraceError('QUERY_INVALID', { collection: String(collection), seen, expected })
  }
  checkRange('limit', limit, limits.queryDocumentsMax, refuse)
  checkRange('offset', offset, Number.MAX_SAFE_INTEGER, refuse)
  if (where !== undefined) new FilterCheck(refuse).check(where, 1)
  if (!Array.isArray(orderBy) || orderBy.length > limits.orderByMax) {
    refuse('an order that is too long or no list', `at most ${limits.orderByMax} criteria`)
  }
  for (const { path, direction } of orderBy) {
    checkPath(path, refuse)
    if (direction !== 'ascending' && direction !== 'descending') {
      refuse(`the direction ${show(direction)}`, '"ascending" or "descending"')
    }
  }
  return { collection, where, orderBy, limit, offset }
}

/** Throws `QUERY_INVALID` for ids that are no texts, or more of them than one load may ask for. */
export function checkLoad(collection: string, ids: readonly string[]): void {
  const isFine =
    Array.isArray(ids) && ids.length <= limits.loadIdsMax && ids.every((id) => typeof id === 'string')
  if (isFine) return
  const expected = `a list of at most ${limits.loadIdsMax} texts; load more in parts`
  throw millraceError('QUERY_INVALID', { collection, seen: `ids that are ${show(ids)}`, expected })
}

/** Adds up the JSON of one answer; throws `QUERY_INVALID` when it grows past its limit. */
export function resultMeter(collection: string): (text: string) => void {
  let characters = 0
  return (text) => {
    characters += text.length
    if (characters <= limits.resultCharactersMax) return
    const seen = `a result of more than ${limits.resultCharactersMax} characters of JSON`
    throw millraceError('QUERY_INVALID', { collection, seen, expected: 'a smaller limit' })
  }
}

type Refuse = (seen: string, expected: string) => never

function checkRange(name: string, value: unknown, max: number, refuse: Refuse): void {
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max) return
  refuse(`the ${name} ${show(value)}`, `a whole number from 0 to ${max}`)
}

function checkPath(path: unknown, refuse: Refuse): void {
  const isFine =
    Array.isArray(path) && path.length > 0 && path.length <= limits.pathSegmentsMax && path.every(isSegment)
  if (!isFine) refuse(`the path ${show(path)}`, `1 to ${limits.pathSegmentsMax} property names`)
}

function isSegment(segment: unknown): boolean {
  if (typeof segment !== 'string' || segment.includes('\0')) return false
  return segment.length <= limits.pathSegmentCharactersMax && segment.isWellFormed()
}

const COMPARISONS: ReadonlySet<unknown> = new Set(['eq', 'ne', 'lt', 'le', 'gt', 'ge'])

class FilterCheck {
  readonly #refuse: Refuse
  #nodes = 0

  constructor(refuse: Refuse) {
    this.#refuse = refuse
  }

  check(filter: Filter, level: number): void {
    this.#nodes += 1
    const { filterNodesMax } = limits
    if (this.#nodes > filterNodesMax) this.#refuse('too many conditions', `at most ${filterNodesMax}`)
    if (level > limits.filterLevelsMax) {
      this.#refuse('a filter nested too deep', `at most ${limits.filterLevelsMax} levels`)
    }
    if (typeof filter !== 'object' || filter === null) this.#refuse(`the filter ${show(filter)}`, 'a filter')
    switch (filter.kind) {
      case 'not':
        this.check(filter.filter, level + 1)
        break
      case 'and':
      case 'or':
        this.#checkAll(filter, level)
        break
      default:
        this.#checkCondition(filter)
    }
  }

  #checkAll({ kind, filters }: Extract<Filter, { kind: 'and' | 'or' }>, level: number): void {
    if (!Array.isArray(filters)) this.#refuse(`"${kind}" of ${show(filters)}`, 'a list of filters')
    for (const each of filters) this.check(each, level + 1)
  }

  #checkCondition(filter: Extract<Filter, { path: unknown }>): void {
    switch (filter.kind) {
      case 'compare':
        if (!COMPARISONS.has(filter.operator)) {
          this.#refuse(`the operator ${show(filter.operator)}`, `one of ${[...COMPARISONS].join(', ')}`)
        }
        this.#checkValue(filter.value)
        break
      case 'in':
        this.#checkValues(filter.values)
        break
      case 'starts-with':
        if (typeof filter.value !== 'string') this.#refuse(`the prefix ${show(filter.value)}`, 'a text')
        this.#checkValue(filter.value)
        break
      default:
        this.#refuse('an unknown kind of filter', 'compare, in, starts-with, and, or, not')
    }
    checkPath(filter.path, this.#refuse)
  }

  #checkValues(values: readonly FilterValue[]): void {
    if (!Array.isArray(values) || values.length > limits.filterValuesMax) {
      this.#refuse('"in" with too many values or no list', `at most ${limits.filterValuesMax} values`)
    }
    for (const value of values) this.#checkValue(value)
  }

  #checkValue(value: unknown): void {
    if (value === null || typeof value === 'boolean' || Number.isFinite(value)) return
    const max = limits.filterTextCharactersMax
    if (typeof value === 'string' && value.length <= max && value.isWellFormed()) return
    this.#refuse(
      `the value ${show(value)}`,
      `a well-formed text of at most ${max} characters, a finite number, a boolean or null`,
    )
  }
}

function show(value: unknown): string {
  if (typeof value === 'number' || value === undefined) return String(value)
  if (typeof value !== 'object') return JSON.stringify(String(value).slice(0, 100))
  return Array.isArray(value) ? `a list of ${value.length}` : 'an object'
}
