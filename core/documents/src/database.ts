/**
 * The Database port, first cut: documents by id and by simple filter, and processor positions, committed together.
 * Callers build trees ({@link WriteOperation}, {@link DocumentQuery}); each adapter compiles them to its dialect. No
 * value, path or name ever becomes part of a statement's text.
 *
 * Documents are JSON: objects, arrays, texts, finite numbers, booleans and null. Anything else is refused
 * (`DOCUMENT_INVALID`) instead of being changed silently; properties that are undefined are left out. The limits are
 * {@link documentLimits}.
 *
 * Values compare alike on every engine:
 * - A path names properties of nested objects. A property that is missing is null; arrays and other values have no
 *   properties.
 * - `eq` holds for values of the same type only: texts by their code points, numbers as 64-bit floating point,
 *   booleans; null equals null and a missing property. An object or an array equals nothing. `ne` is its negation.
 * - `lt` and `gt` hold within one type only: numbers by value, texts by code points (the order of their UTF-8
 *   bytes, no locale), false before true. `le` and `ge` are `lt` or `eq`, `gt` or `eq`.
 * - `starts-with` holds for texts, by code points; case matters.
 * - Every filter is true or false, nothing between: `not` is the exact opposite. `and` of nothing is true, `or` of
 *   nothing false.
 * - Order across types: null and missing, then false, true, numbers, texts, and last objects and arrays, which are
 *   equal among themselves. Descending is the exact reverse. Documents that are equal so far are ordered by id,
 *   ascending, by code points.
 */
export interface Database extends AsyncDisposable {
  readonly supports: DatabaseSupports
  /**
   * Makes sure that the collections exist. Idempotent; durable on return where the engine is. Names differ if their
   * case differs.
   *
   * @throws COLLECTION_NAME_INVALID
   */
  prepare(collections: readonly string[]): Promise<void>
  /**
   * Does all operations or none, in order, and resolves when they are durable. Units that wait at the same time may
   * share one transaction of the engine; each is still all or nothing, and one that is refused does not touch the
   * others. Units take effect in the order in which they were given. The operations are copied before the call returns.
   *
   * @throws DOCUMENT_CONFLICT (an `expectedRevision` did not hold), POSITION_CONFLICT, COLLECTION_UNKNOWN,
   * DOCUMENT_INVALID, DOCUMENT_ID_INVALID, DOCUMENT_TOO_LARGE, COMMIT_TOO_LARGE, QUEUE_FULL, DISK_FULL,
   * DATABASE_FAILED, DATABASE_CLOSED. After DATABASE_FAILED the unit may have taken effect if the engine died while
   * it wrote; after any other it has not.
   */
  commit(operations: readonly WriteOperation[]): Promise<CommitResult>
  /**
   * The documents with these ids that exist, each once, in no particular order. Sees every commit that has resolved.
   *
   * @throws COLLECTION_UNKNOWN, QUERY_INVALID (too many ids, or a result too large), QUEUE_FULL, DATABASE_FAILED
   */
  load(collection: string, ids: readonly string[]): Promise<readonly StoredDocument[]>
  /**
   * Documents that match, in the order asked for (by default: by id). Sees every commit that has resolved.
   *
   * @throws COLLECTION_UNKNOWN, QUERY_INVALID, QUEUE_FULL, DATABASE_FAILED
   */
  query(query: DocumentQuery): Promise<readonly StoredDocument[]>
  /** How many documents match. Throws as {@link query} does. */
  count(query: Pick<DocumentQuery, 'collection' | 'where'>): Promise<number>
  /** The positions that `processor` has committed, by topic and partition. */
  positions(processor: string): Promise<readonly StoredPosition[]>
  /** Finishes commits in flight, then closes. Idempotent. */
  close(): Promise<void>
}

/** What an engine can do. */
export interface DatabaseSupports {
  readonly engine: string
  /** What was committed survives a power cut. */
  readonly durable: boolean
}

/**
 * A document as it is stored; `body` is the caller's own copy. `revision` is 1 at first and grows by 1 with every
 * change; a document that was deleted and is stored again starts at 1.
 */
export interface StoredDocument {
  readonly id: string
  readonly revision: number
  readonly body: Readonly<Record<string, unknown>>
}

/** Where a processor stands: the next offset to read. */
export interface StoredPosition {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export type WriteOperation =
  | {
      readonly kind: 'store'
      readonly collection: string
      readonly id: string
      readonly body: Readonly<Record<string, unknown>>
      /** Only if the document has this revision; 0: only if it does not exist. Absent: whatever it has. */
      readonly expectedRevision?: number
    }
  | {
      readonly kind: 'delete'
      readonly collection: string
      readonly id: string
      readonly expectedRevision?: number
    }
  | {
      readonly kind: 'position'
      readonly processor: string
      readonly position: StoredPosition
      /** Only if the stored offset is this one; 0 also if there is none. Absent: whatever it is. */
      readonly expectedOffset?: number
    }

/** New revisions by the operation's index; 0 for deletes and positions. */
export interface CommitResult {
  readonly revisions: readonly number[]
}

/** A value that a filter can compare with. */
export type FilterValue = string | number | boolean | null

/** How two values are compared. */
export type Comparison = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'

/** A simple filter; `path` names nested properties: `['last', 'celsius']`. */
export type Filter =
  | {
      readonly kind: 'compare'
      readonly path: readonly string[]
      readonly operator: Comparison
      readonly value: FilterValue
    }
  | { readonly kind: 'in'; readonly path: readonly string[]; readonly values: readonly FilterValue[] }
  | { readonly kind: 'starts-with'; readonly path: readonly string[]; readonly value: string }
  | { readonly kind: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }

/** One criterion of an order. */
export interface OrderBy {
  readonly path: readonly string[]
  readonly direction: 'ascending' | 'descending'
}

export interface DocumentQuery {
  readonly collection: string
  readonly where?: Filter
  readonly orderBy?: readonly OrderBy[]
  /** Default: 100; at most 10,000. */
  readonly limit?: number
  /** Documents to leave out at the start. Default: 0. */
  readonly offset?: number
}
