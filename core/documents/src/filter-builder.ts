import { millraceError } from '@millrace/kernel'
import { checkFilter, checkPath } from './checked-filter.ts'
import { refuseQuery, show } from './checked-text.ts'
import type { Identified } from './collection.ts'
import type { WhichDocuments } from './conditions.ts'
import { idText } from './document-id.ts'
import type { Comparison, Filter, FilterValue } from './filter.ts'
import { elementShape, followPath, type Shape } from './known-shape.ts'
import { pathOf } from './property-path.ts'
import type { Serializer } from './serializer.ts'
import type { CollectionSchema } from './store-schema.ts'

/** What conditions are about: how values become JSON, and which properties there are. A collection is one. */
export interface FilterScope {
  readonly declared: CollectionSchema
  readonly serializer: Serializer
  /** Of what paths begin at; undefined: nothing is known. */
  readonly shape: Shape | undefined
  /** Paths begin at an element of an array, and not at a document. Default: false. */
  readonly isElement?: boolean
}

/** An untyped condition: the operator and what it compares with. */
export type UntypedCondition = readonly unknown[]

/** Says something with conditions, untyped. */
export type BuildFilter = (conditions: FilterBuilder) => { readonly filter: Filter | undefined }

/** Builds a filter tree; the run-time side of `DocumentConditions` and `ElementConditions`. Immutable. */
export class FilterBuilder {
  readonly #scope: FilterScope
  readonly filter: Filter | undefined

  constructor(scope: FilterScope, filter?: Filter) {
    this.#scope = scope
    this.filter = filter
  }

  where(property: Filter | string | readonly string[], ...condition: UntypedCondition): FilterBuilder {
    if (!isFilter(property)) return this.#and(this.#condition(pathOf(property), condition))
    const { declared, shape } = this.#scope
    const checked = checkFilter(property, declared, refuseQuery(declared.name))
    this.#checkTree(checked, shape)
    return this.#and(checked)
  }

  is(...condition: UntypedCondition): FilterBuilder {
    return this.#and(this.#condition([], condition))
  }

  or(...alternatives: readonly BuildFilter[]): FilterBuilder {
    return this.#and({ kind: 'or', filters: alternatives.map((each) => built(each, this.#scope)) })
  }

  not(conditions: BuildFilter): FilterBuilder {
    return this.#and({ kind: 'not', filter: built(conditions, this.#scope) })
  }

  whereId(operator: Comparison, id: string | number): FilterBuilder {
    return this.#and({ kind: 'id', operator, value: idText(this.#scope.declared.name, id) })
  }

  whereStored(filter: Filter): FilterBuilder {
    return this.#and(filter)
  }

  search(text: string, { prefix = false }: { readonly prefix?: boolean } = {}): FilterBuilder {
    return this.#and({ kind: 'search', text, prefix })
  }

  #and(right: Filter): FilterBuilder {
    const left = this.filter
    if (left === undefined) return new FilterBuilder(this.#scope, right)
    const filters = left.kind === 'and' ? [...left.filters, right] : [left, right]
    return new FilterBuilder(this.#scope, { kind: 'and', filters })
  }

  #condition(path: readonly string[], [operator, value, second]: UntypedCondition): Filter {
    const shape = this.#shapeAt(this.#scope.shape, path)
    switch (operator) {
      case 'in':
        if (!Array.isArray(value)) return this.#refuse('"in" without a list', 'a list of values')
        return { kind: 'in', path, values: value.map((each) => this.#value(each)) }
      case 'between':
        return {
          kind: 'and',
          filters: [this.#compare(path, 'ge', value), this.#compare(path, 'le', second)],
        }
      case 'startsWith':
        return { kind: 'starts-with', path, value: value as string }
      case 'contains':
        return { kind: 'contains', path, value: value as string }
      case 'exists':
        return { kind: 'exists', path }
      case 'includes':
        return { kind: 'any', path, filter: this.#compare([], 'eq', value) }
      case 'any':
      case 'all': {
        const scope = { ...this.#scope, shape: elementShape(shape), isElement: true }
        return { kind: operator, path, filter: built(value, scope) }
      }
      default:
        return this.#compare(path, operator as Comparison, value)
    }
  }

  /** The key of a document is found faster than a property of it. */
  #compare(path: readonly string[], operator: Comparison, value: unknown): Filter {
    if (
      this.#scope.isElement !== true &&
      path.length === 1 &&
      path[0] === 'id' &&
      typeof value === 'string'
    ) {
      return { kind: 'id', operator, value }
    }
    return { kind: 'compare', path, operator, value: this.#value(value) }
  }

  #value(value: unknown): FilterValue {
    const single = this.#scope.serializer.filterValue(value)
    if (single !== undefined) return single
    const seen = typeof value === 'object' ? 'an object to compare with' : `${String(value)} to compare with`
    return this.#refuse(
      seen,
      'a text, a finite number, a boolean, null, or a value that the serializer knows',
    )
  }

  /** Paths in a tree that the shape is known not to have are refused. */
  #checkTree(filter: Filter, shape: Shape | undefined): void {
    switch (filter.kind) {
      case 'and':
      case 'or':
        for (const each of filter.filters) this.#checkTree(each, shape)
        break
      case 'not':
        this.#checkTree(filter.filter, shape)
        break
      case 'any':
      case 'all':
        this.#checkTree(filter.filter, elementShape(this.#shapeAt(shape, filter.path)))
        break
      case 'id':
      case 'search':
        break
      default:
        this.#shapeAt(shape, filter.path)
    }
  }

  #shapeAt(shape: Shape | undefined, path: readonly string[]): Shape | undefined {
    return checkedShape(this.#scope.declared.name, shape, path)
  }

  #refuse(seen: string, expected: string): never {
    return refuseQuery(this.#scope.declared.name)(seen, expected)
  }
}

/** What `which` says of documents, as a tree; what says nothing holds for all of them. @throws QUERY_INVALID */
export function filterOf<Document extends Identified>(
  which: WhichDocuments<Document>,
  scope: FilterScope,
): Filter {
  return built(which, scope)
}

function built(build: unknown, scope: FilterScope): Filter {
  if (typeof build !== 'function') {
    refuseQuery(scope.declared.name)(`conditions that are ${show(build)}`, 'a function that adds conditions')
  }
  return (build as BuildFilter)(new FilterBuilder(scope)).filter ?? { kind: 'and', filters: [] }
}

/** What is at a path. @throws QUERY_INVALID for what is no path, and a property that the shape is known not to have */
export function checkedShape(
  collection: string,
  shape: Shape | undefined,
  path: readonly string[],
): Shape | undefined {
  const finding = followPath(shape, checkPath(path, refuseQuery(collection), 0))
  if (finding.kind === 'known') return finding.shape
  const seen = `the property "${finding.name}" in the path ${JSON.stringify(path)}`
  const names = finding.names.length === 0 ? 'no properties there' : `one of: ${finding.names.join(', ')}`
  throw millraceError('QUERY_INVALID', { collection, seen, expected: names })
}

function isFilter(property: Filter | string | readonly string[]): property is Filter {
  return typeof property === 'object' && !Array.isArray(property)
}
