/**
 * The Database port, first cut: documents by id and by simple filter, and processor positions, committed together.
 * Callers build trees ({@link WriteOperation}, {@link DocumentQuery}); each adapter compiles them to its dialect. No
 * value ever becomes part of a statement's text.
 */
export interface Database extends AsyncDisposable {
  readonly supports: DatabaseSupports
  /** Makes sure that the collections exist. Idempotent; durable on return. */
  prepare(collections: readonly string[]): Promise<void>
  /**
   * Does all operations or none, in order, and resolves when they are durable. Units that wait at the same time may
   * share one transaction of the engine; each is still all or nothing.
   *
   * @throws DOCUMENT_CONFLICT (an `expectedRevision` did not hold), COLLECTION_UNKNOWN, DISK_FULL, DATABASE_FAILED
   */
  commit(operations: readonly WriteOperation[]): Promise<CommitResult>
  /** The documents with these ids that exist, in no particular order. Sees every commit that has resolved. */
  load(collection: string, ids: readonly string[]): Promise<readonly StoredDocument[]>
  /** Documents that match, in the order asked for (by default: by id). */
  query(query: DocumentQuery): Promise<readonly StoredDocument[]>
  count(query: Pick<DocumentQuery, 'collection' | 'where'>): Promise<number>
  /** The positions that `processor` has committed. */
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

/** A document as it is stored. `revision` is 1 at first and grows by 1 with every change. */
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
  | { readonly kind: 'delete'; readonly collection: string; readonly id: string; readonly expectedRevision?: number }
  | { readonly kind: 'position'; readonly processor: string; readonly position: StoredPosition }

/** New revisions by the operation's index; 0 for deletes and positions. */
export interface CommitResult {
  readonly revisions: readonly number[]
}

/** A value that a filter can compare with. */
export type FilterValue = string | number | boolean | null

/** A simple filter; `path` names nested properties: `['last', 'celsius']`. */
export type Filter =
  | { readonly kind: 'compare'; readonly path: readonly string[]; readonly operator: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'; readonly value: FilterValue }
  | { readonly kind: 'in'; readonly path: readonly string[]; readonly values: readonly FilterValue[] }
  | { readonly kind: 'starts-with'; readonly path: readonly string[]; readonly value: string }
  | { readonly kind: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }

export interface DocumentQuery {
  readonly collection: string
  readonly where?: Filter
  readonly orderBy?: readonly { readonly path: readonly string[]; readonly direction: 'ascending' | 'descending' }[]
  /** Default: 100; at most 10,000. */
  readonly limit?: number
  readonly offset?: number
}
