import { checkWhole, refuseQuery } from './checked-text.ts'
import type { AnyCollection, Collection, CollectionTrait, Identified } from './collection.ts'
import { type Moment, momentMs } from './date-type.ts'
import { documentLimits } from './document-limits.ts'
import { metadataOf } from './document-metadata.ts'
import type { StoredDocument } from './document-operation.ts'
import { streamDocuments } from './document-stream.ts'
import type { Comparison, Filter, OrderBy } from './filter.ts'
import { type BuildFilter, checkedShape, FilterBuilder, type UntypedCondition } from './filter-builder.ts'
import { hasSingle } from './keyset.ts'
import { pathOf } from './property-path.ts'
import type { DeletedChoice, DocumentQuery, Explanation, Selection } from './read.ts'
import type { ReadSource } from './read-source.ts'
import { readOne } from './single-read.ts'
import type { Page, Query, WithMetadata } from './typed-query.ts'

/** Starts a query: all documents of the collection. @throws COLLECTION_UNKNOWN, TENANT_MISSING */
export function startQuery<Document extends Identified, Trait extends CollectionTrait>(
  source: ReadSource,
  collection: Collection<Document, never, Trait>,
): Query<Document, Document, Trait> {
  const tenant = source.tenantOf(collection)
  const builder = new QueryBuilder({
    source,
    collection,
    tenant,
    conditions: new FilterBuilder(collection),
    orderBy: [],
    deleted: 'exclude',
    hasMetadata: false,
  })
  return builder as unknown as Query<Document, Document, Trait>
}

/** What a query has been told. */
interface QueryState {
  readonly source: ReadSource
  readonly collection: AnyCollection
  readonly tenant: string | undefined
  readonly conditions: FilterBuilder
  readonly orderBy: readonly OrderBy[]
  readonly limit?: number
  readonly offset?: number
  readonly deleted: DeletedChoice
  /** Which parts to read, by name; undefined: whole documents. */
  readonly parts?: Readonly<Record<string, readonly string[]>>
  readonly hasMetadata: boolean
}

type PropertyName = string | readonly string[]

/** The run-time side of `Query`. */
class QueryBuilder {
  readonly #state: QueryState

  constructor(state: QueryState) {
    this.#state = state
  }

  where(property: Filter | PropertyName, ...condition: UntypedCondition): QueryBuilder {
    return this.#when((conditions) => conditions.where(property, ...condition))
  }

  whereId(operator: Comparison, id: string | number): QueryBuilder {
    return this.#when((conditions) => conditions.whereId(operator, id))
  }

  whereStored(filter: Filter): QueryBuilder {
    return this.#when((conditions) => conditions.whereStored(filter))
  }

  search(text: string, options?: { readonly prefix?: boolean }): QueryBuilder {
    return this.#when((conditions) => conditions.search(text, options))
  }

  or(...alternatives: readonly BuildFilter[]): QueryBuilder {
    return this.#when((conditions) => conditions.or(...alternatives))
  }

  not(conditions: BuildFilter): QueryBuilder {
    return this.#when((known) => known.not(conditions))
  }

  orderBy(property: PropertyName, direction: OrderBy['direction'] = 'ascending'): QueryBuilder {
    const { orderBy } = this.#state
    return this.#with({ orderBy: [...orderBy, { path: this.#path(property), direction }] })
  }

  limit(limit: number): QueryBuilder {
    return this.#with({ limit })
  }

  offset(offset: number): QueryBuilder {
    return this.#with({ offset })
  }

  maybeDeleted(): QueryBuilder {
    return this.#with({ deleted: 'include' })
  }

  onlyDeleted(): QueryBuilder {
    return this.#deleted({})
  }

  deletedSince(time: Moment): QueryBuilder {
    return this.#deleted({ sinceMs: momentMs(time) })
  }

  deletedBefore(time: Moment): QueryBuilder {
    return this.#deleted({ beforeMs: momentMs(time) })
  }

  select(parts: Readonly<Record<string, PropertyName>>): QueryBuilder {
    const refuse = refuseQuery(this.#state.collection.name)
    const named = Object.entries(parts).map(([name, property]): [string, readonly string[]] => {
      if (name.startsWith('$')) refuse(`the name "${name}" of a part`, 'one that does not begin with "$"')
      return [name, this.#path(property)]
    })
    return this.#with({ parts: Object.fromEntries(named) })
  }

  withMetadata(): QueryBuilder {
    return this.#with({ hasMetadata: true })
  }

  async toArray(): Promise<unknown[]> {
    const { documents } = await this.#read(this.#query())
    return documents.map((each) => this.#row(each))
  }

  async first(): Promise<unknown> {
    const { documents } = await this.#read({ ...this.#query(), limit: Math.min(this.#state.limit ?? 1, 1) })
    return documents[0] && this.#row(documents[0])
  }

  async firstOrNull(): Promise<unknown> {
    return (await this.first()) ?? null
  }

  async page(number: number, size: number): Promise<Page<unknown>> {
    const { name } = this.#state.collection
    if (!Number.isSafeInteger(number) || number < 1) {
      refuseQuery(name)(`the page ${String(number)}`, 'a whole number from 1 on')
    }
    if (!Number.isSafeInteger(size) || size < 1 || size > documentLimits.queryDocumentsMax) {
      refuseQuery(name)(`pages of ${String(size)}`, `1 to ${documentLimits.queryDocumentsMax}`)
    }
    const query = { ...this.#query(), limit: size, offset: (number - 1) * size, withTotal: true }
    const { documents, total = 0 } = await this.#read(query)
    return {
      items: documents.map((each) => this.#row(each)),
      total,
      number,
      size,
      pages: Math.ceil(total / size),
    }
  }

  async count(): Promise<number> {
    return readOne(this.#state.source.database, { kind: 'count', ...this.#selection() })
  }

  async sum(property: PropertyName): Promise<number> {
    const figures = [{ kind: 'sum', path: this.#path(property) }] as const
    const [sum] = await readOne(this.#state.source.database, {
      kind: 'aggregate',
      ...this.#selection(),
      figures,
    })
    return typeof sum === 'number' ? sum : 0
  }

  min(property: PropertyName): Promise<unknown> {
    return this.#end(property, 'ascending')
  }

  max(property: PropertyName): Promise<unknown> {
    return this.#end(property, 'descending')
  }

  async explain(): Promise<Explanation> {
    return this.#state.source.database.explain({ kind: 'query', ...this.#query() })
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    const { source, collection, limit = Number.MAX_SAFE_INTEGER, offset = 0 } = this.#state
    checkWhole('limit', limit, Number.MAX_SAFE_INTEGER, refuseQuery(collection.name))
    return this.#rows(streamDocuments(source.database, this.#query(), { limit, offset }))
  }

  async *#rows(pages: AsyncIterable<readonly StoredDocument[]>): AsyncGenerator<unknown> {
    for await (const page of pages) for (const each of page) yield this.#row(each)
  }

  #with(change: Partial<QueryState>): QueryBuilder {
    return new QueryBuilder({ ...this.#state, ...change })
  }

  #when(add: (conditions: FilterBuilder) => FilterBuilder): QueryBuilder {
    return this.#with({ conditions: add(this.#state.conditions) })
  }

  #deleted(bounds: { sinceMs?: number; beforeMs?: number }): QueryBuilder {
    const { deleted } = this.#state
    const earlier = typeof deleted === 'object' ? deleted : { kind: 'only' as const }
    return this.#with({ deleted: { ...earlier, ...bounds } })
  }

  #path(property: PropertyName): readonly string[] {
    const { collection } = this.#state
    const path = pathOf(property)
    checkedShape(collection.name, collection.shape, path)
    return path
  }

  #selection(): Selection {
    const { collection, tenant, conditions, deleted } = this.#state
    const { filter } = conditions
    return {
      collection: collection.name,
      deleted,
      ...(filter === undefined ? {} : { where: filter }),
      ...(tenant === undefined ? {} : { tenant }),
    }
  }

  #query(): DocumentQuery {
    const { collection, orderBy, limit, offset, parts } = this.#state
    return {
      ...this.#selection(),
      orderBy,
      ...(limit === undefined ? {} : { limit }),
      ...(offset === undefined ? {} : { offset }),
      ...(parts === undefined ? {} : { select: collection.serializer.parts(parts) }),
    }
  }

  #read(query: DocumentQuery) {
    return readOne(this.#state.source.database, { kind: 'query', ...query })
  }

  #row(stored: StoredDocument): unknown {
    const { source, collection, parts, hasMetadata } = this.#state
    const document =
      parts === undefined
        ? source.documentOf(collection, stored)
        : collection.serializer.readParts(stored.text, parts)
    if (!hasMetadata) return document
    return { document, metadata: metadataOf(stored) } satisfies WithMetadata<unknown>
  }

  /** The value at one end of an order: read from a document, so that it comes back as what it was. */
  async #end(property: PropertyName, direction: OrderBy['direction']): Promise<unknown> {
    const { source, collection, conditions } = this.#state
    const path = this.#path(property)
    const wanted = { value: path }
    const { documents } = await readOne(source.database, {
      kind: 'query',
      ...this.#selection(),
      where: conditions.whereStored(hasSingle(path)).filter!,
      orderBy: [{ path, direction }],
      limit: 1,
      select: collection.serializer.parts(wanted),
    })
    const [document] = documents
    return document && collection.serializer.readParts(document.text, wanted).value
  }
}
