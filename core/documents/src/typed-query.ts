import type { Identified } from './collection.ts'
import type { Database } from './database.ts'
import type { StoredDocument } from './document-operation.ts'
import type { Comparison, Filter, FilterValue, OrderBy } from './filter.ts'
import type { Property, PropertyValue } from './property-path.ts'
import type { DocumentQuery } from './read.ts'
import { readOne } from './single-read.ts'

/** The operators that make sense for a property, with what they compare with. */
type Condition<Value> =
  | readonly [operator: Comparison, value: Comparable<Value>]
  | readonly [operator: 'in', values: readonly Comparable<Value>[]]
  | (Extract<Value, string> extends never ? never : readonly [operator: 'startsWith', prefix: string])

/** Single values of the property's own type; null also stands for a property that is missing. */
type Comparable<Value> = Extract<Value, FilterValue> | (undefined extends Value ? null : never)

/**
 * A query of one collection. Immutable: each call gives a new one, and nothing is read before `toArray`, `first` or
 * `count`. What the operators mean is defined in the Database port.
 *
 * @example
 * await store.query(Benches).where('celsius', 'gt', 30).where(['vent', 'open'], 'eq', false).orderBy('celsius').toArray()
 */
export interface Query<Document extends Identified> {
  /** Adds a condition; several must all hold. */
  where<const P extends Property<Document>>(
    property: P,
    ...condition: Condition<PropertyValue<Document, P>>
  ): Query<Document>
  /** Adds a filter tree: for `or`, `not`, and paths that only run time knows. */
  where(filter: Filter): Query<Document>
  /** Adds a criterion; the first one counts most. */
  orderBy<const P extends Property<Document>>(property: P, direction?: OrderBy['direction']): Query<Document>
  /** At most so many documents. Default: 100; at most 10,000. */
  limit(count: number): Query<Document>
  /** Leaves out so many documents at the start. */
  offset(count: number): Query<Document>
  toArray(): Promise<Document[]>
  /** The first document that matches, or undefined. */
  first(): Promise<Document | undefined>
  /** How many documents match, whatever limit and offset say. */
  count(): Promise<number>
}

/** What a query reads from, and who wants to know what was read. */
export interface QuerySource {
  readonly database: Pick<Database, 'read'>
  /** Called for each document that was read. */
  readonly onLoaded?: (document: StoredDocument) => void
}

/** Starts a query: all documents of the collection. */
export function typedQuery<Document extends Identified>(
  source: QuerySource,
  query: DocumentQuery,
): Query<Document> {
  const next = (change: Partial<DocumentQuery>) => typedQuery<Document>(source, { ...query, ...change })
  const read = async (asked: DocumentQuery) => {
    const { documents } = await readOne(source.database, { kind: 'query', ...asked })
    return documents.map((each) => {
      source.onLoaded?.(each)
      return JSON.parse(each.text) as Document
    })
  }
  return {
    where: (property: Filter | string | readonly string[], ...condition: readonly unknown[]) =>
      next({ where: both(query.where, filterOf(property, condition)) }),
    orderBy: (property: string | readonly string[], direction: OrderBy['direction'] = 'ascending') =>
      next({ orderBy: [...(query.orderBy ?? []), { path: pathOf(property), direction }] }),
    limit: (count) => next({ limit: count }),
    offset: (count) => next({ offset: count }),
    toArray: () => read(query),
    first: async () => (await read({ ...query, limit: 1 }))[0],
    count: () => {
      const { collection, where } = query
      return readOne(source.database, {
        kind: 'count',
        collection,
        ...(where === undefined ? {} : { where }),
      })
    },
  }
}

function both(left: Filter | undefined, right: Filter): Filter {
  if (left === undefined) return right
  return { kind: 'and', filters: left.kind === 'and' ? [...left.filters, right] : [left, right] }
}

function filterOf(
  property: Filter | string | readonly string[],
  [operator, value]: readonly unknown[],
): Filter {
  if (isFilter(property)) return property
  const path = pathOf(property)
  if (operator === 'in') return { kind: 'in', path, values: value as readonly FilterValue[] }
  if (operator === 'startsWith') return { kind: 'starts-with', path, value: value as string }
  return { kind: 'compare', path, operator: operator as Comparison, value: value as FilterValue }
}

function isFilter(property: Filter | string | readonly string[]): property is Filter {
  return typeof property === 'object' && !Array.isArray(property)
}

function pathOf(property: string | readonly string[]): readonly string[] {
  return typeof property === 'string' ? [property] : property
}
