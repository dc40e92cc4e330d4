import { checkList, checkText, isText, type Refuse, show } from './checked-text.ts'
import { documentLimits as limits } from './document-limits.ts'
import type { Comparison, Filter, FilterValue, OrderBy } from './filter.ts'
import type { CollectionSchema } from './store-schema.ts'
import { wordsOf } from './words.ts'

/**
 * A copy of a filter with nothing in it but what a filter has. Filters may come from untyped callers, so types are
 * checked too.
 *
 * @throws what `refuse` throws
 */
export function checkFilter(filter: Filter, schema: CollectionSchema, refuse: Refuse): Filter {
  return new FilterCheck(schema, refuse).check(filter, { level: 1, isInside: false })
}

/** A copy of a path. Only inside `any` and `all` it may be empty: the element itself. */
export function checkPath(path: unknown, refuse: Refuse, segmentsMin = 1): readonly string[] {
  const isFine =
    Array.isArray(path) &&
    path.length >= segmentsMin &&
    path.length <= limits.pathSegmentsMax &&
    path.every((segment) => isText(segment, limits.pathSegmentCharactersMax))
  if (isFine) return [...path]
  return refuse(`the path ${show(path)}`, `${segmentsMin} to ${limits.pathSegmentsMax} property names`)
}

/** A copy of an order. */
export function checkOrder(orderBy: readonly OrderBy[], refuse: Refuse): readonly OrderBy[] {
  return checkList('criteria of order', orderBy, { max: limits.orderByMax }, refuse).map((criterion) => {
    const { path, direction } = Object(criterion) as OrderBy
    if (direction !== 'ascending' && direction !== 'descending') {
      refuse(`the direction ${show(direction)}`, '"ascending" or "descending"')
    }
    return { path: checkPath(path, refuse), direction }
  })
}

const COMPARISONS: ReadonlySet<unknown> = new Set(['eq', 'ne', 'lt', 'le', 'gt', 'ge'])

/** Where in the tree a filter stands. */
interface Place {
  readonly level: number
  /** Inside `any` or `all`, where paths begin at an element. */
  readonly isInside: boolean
}

type Of<Kind extends Filter['kind']> = Extract<Filter, { readonly kind: Kind }>

class FilterCheck {
  readonly #schema: CollectionSchema
  readonly #refuse: Refuse
  #nodes = 0

  constructor(schema: CollectionSchema, refuse: Refuse) {
    this.#schema = schema
    this.#refuse = refuse
  }

  check(filter: Filter, place: Place): Filter {
    this.#nodes += 1
    const { filterNodesMax, filterLevelsMax } = limits
    if (this.#nodes > filterNodesMax) this.#refuse('too many conditions', `at most ${filterNodesMax}`)
    if (place.level > filterLevelsMax) {
      this.#refuse('a filter nested too deep', `at most ${filterLevelsMax} levels`)
    }
    if (typeof filter !== 'object' || filter === null) this.#refuse(`the filter ${show(filter)}`, 'a filter')
    switch (filter.kind) {
      case 'not':
        return { kind: 'not', filter: this.check(filter.filter, deeper(place)) }
      case 'and':
      case 'or':
        return { kind: filter.kind, filters: this.#checkAll(filter, place) }
      case 'any':
      case 'all': {
        const inside = { level: place.level + 1, isInside: true }
        return {
          kind: filter.kind,
          path: this.#path(filter, place),
          filter: this.check(filter.filter, inside),
        }
      }
      default:
        return this.#checkCondition(filter, place)
    }
  }

  #checkAll({ kind, filters }: Of<'and' | 'or'>, place: Place): readonly Filter[] {
    if (!Array.isArray(filters)) this.#refuse(`"${kind}" of ${show(filters)}`, 'a list of filters')
    return filters.map((each) => this.check(each, deeper(place)))
  }

  #checkCondition(filter: Exclude<Filter, Of<'and' | 'or' | 'not' | 'any' | 'all'>>, place: Place): Filter {
    const { kind } = filter
    switch (kind) {
      case 'compare': {
        const operator = this.#operator(filter.operator)
        return { kind, path: this.#path(filter, place), operator, value: this.#value(filter.value) }
      }
      case 'in':
        return { kind, path: this.#path(filter, place), values: this.#values(filter.values) }
      case 'starts-with':
      case 'contains':
        return { kind, path: this.#path(filter, place), value: this.#text('text', filter.value) }
      case 'exists':
        // The value itself is always there.
        return { kind, path: checkPath(filter.path, this.#refuse) }
      case 'id':
        return { kind, operator: this.#operator(filter.operator), value: this.#text('id', filter.value) }
      case 'search':
        return this.#search(filter, place)
      default:
        return this.#refuse(
          `a filter of the kind ${show((filter as { kind?: unknown }).kind)}`,
          'compare, in, starts-with, contains, exists, any, all, id, search, and, or, not',
        )
    }
  }

  #search({ kind, text, prefix }: Of<'search'>, { isInside }: Place): Filter {
    if (isInside) this.#refuse('a search inside "any" or "all"', 'a search beside it')
    if ((this.#schema.fullText ?? []).length === 0) {
      this.#refuse('a search', 'no search, or a collection that declares full-text properties')
    }
    const checked = this.#text('text to search', text)
    const words = new Set(wordsOf(checked)).size
    const { searchWordsMax } = limits
    if (words > searchWordsMax) this.#refuse(`a search of ${words} words`, `at most ${searchWordsMax}`)
    if (prefix !== undefined && typeof prefix !== 'boolean') {
      this.#refuse(`the prefix ${show(prefix)}`, 'true or false')
    }
    return { kind, text: checked, prefix: prefix ?? false }
  }

  #path({ path }: { readonly path: unknown }, { isInside }: Place): readonly string[] {
    return checkPath(path, this.#refuse, isInside ? 0 : 1)
  }

  #operator(operator: unknown): Comparison {
    if (COMPARISONS.has(operator)) return operator as Comparison
    return this.#refuse(`the operator ${show(operator)}`, `one of ${[...COMPARISONS].join(', ')}`)
  }

  #values(values: readonly FilterValue[]): readonly FilterValue[] {
    const { filterValuesMax: max } = limits
    return checkList('values of "in"', values, { max }, this.#refuse).map((value) => this.#value(value))
  }

  #value(value: FilterValue): FilterValue {
    if (typeof value === 'string') return this.#text('value', value)
    if (value === null || typeof value === 'boolean' || Number.isFinite(value)) return value
    return this.#refuse(`the value ${show(value)}`, 'a text, a finite number, a boolean or null')
  }

  #text(name: string, value: unknown): string {
    const { filterTextCharactersMax: charactersMax } = limits
    return checkText(name, value, { charactersMax, mayBeEmpty: true }, this.#refuse)
  }
}

function deeper({ level, isInside }: Place): Place {
  return { level: level + 1, isInside }
}
