import type { DocumentChange, DocumentOperation } from './document-operation.ts'
import type { Explanation, Read, ReadAnswers } from './read.ts'
import type { SchemaPlan, StoreSchema } from './store-schema.ts'
import type { StreamOperation } from './stored-event.ts'

/**
 * The Database port: documents, streams of events and positions, committed together. Callers build trees
 * ({@link WriteOperation}, {@link Read}); each adapter compiles them to its dialect. No value, path or name ever becomes
 * part of a statement's text, but for names that the schema declares and that have been checked.
 *
 * What filters, orders and searches mean stands at `Filter`, what patches do at `Patch`, what a feed of events promises
 * at `FeedRead`. It is the same on every engine; `matches`, `compareDocuments` and `applyPatches` are its definition in
 * plain code. The limits are `documentLimits`.
 *
 * **Tenants.** Documents and streams belong to a tenant; the empty text is the tenant of those who have none. Ids are
 * unique within a tenant and collection. Whoever names no tenant means the empty one, never all of them.
 */
export interface Database extends AsyncDisposable {
  readonly supports: DatabaseSupports
  /**
   * Makes sure that everything the schema declares is there. What is missing is made; what would lose or lock data is
   * refused, unless `allow` says so. Additive over calls: what another call has declared stays known. What is declared
   * again is as the last call says: indexes and references that it does not name any more are taken away, since they
   * hold nothing of their own. A database knows only what has been declared to it, whatever else is stored. Idempotent;
   * durable on return where the engine is.
   *
   * @throws SCHEMA_INVALID, COLLECTION_NAME_INVALID, STORE_SCHEMA_DIFFERS (there is something else, and it would take a
   * destructive step), DOCUMENT_NOT_UNIQUE and DOCUMENT_REFERENCE_BROKEN (documents that are there already do not keep
   * a new constraint), DATABASE_READ_ONLY, DATABASE_FAILED
   */
  prepare(schema: StoreSchema, options?: PrepareOptions): Promise<void>
  /** What {@link prepare} would do, as statements of this engine; nothing is changed. Empty if all is there. */
  plan(schema: StoreSchema): Promise<SchemaPlan>
  /**
   * Does all operations or none, in order, and resolves when they are durable. Units that wait at the same time may
   * share one transaction of the engine; each is still all or nothing, and one that is refused does not touch the
   * others. A later operation of a unit sees what an earlier one did. Operations are copied before the call returns.
   *
   * @throws DOCUMENT_CONFLICT (an expected revision did not hold), DOCUMENT_NOT_UNIQUE, DOCUMENT_REFERENCE_BROKEN,
   * PATCH_REFUSED, STREAM_CONFLICT, STREAM_ENDED, POSITION_CONFLICT, COLLECTION_UNKNOWN, TABLE_UNKNOWN,
   * DOCUMENT_INVALID, DOCUMENT_ID_INVALID, DOCUMENT_TOO_LARGE, COMMIT_TOO_LARGE, QUERY_INVALID (a filter, a patch),
   * OPERATION_INVALID (anything else that cannot be meant: names, events, versions, columns), QUEUE_FULL, DISK_FULL,
   * DATABASE_BUSY, DATABASE_READ_ONLY, DATABASE_UNREACHABLE, DATABASE_FAILED, DATABASE_CLOSED. After DATABASE_FAILED
   * and DATABASE_UNREACHABLE the unit may have taken effect if the engine or the way to it died while it wrote; after
   * any other it has not.
   */
  commit(operations: readonly WriteOperation[], options?: CommitOptions): Promise<CommitResult>
  /**
   * Answers several questions in one round trip, all from one state of the database. Sees every commit that has
   * resolved. Answers stand in the order of the questions.
   *
   * @throws COLLECTION_UNKNOWN, QUERY_INVALID (also: a result too large), STREAM_ENDED, QUEUE_FULL, DATABASE_BUSY,
   * DATABASE_UNREACHABLE, DATABASE_FAILED, DATABASE_CLOSED
   */
  read<const Reads extends readonly Read[]>(reads: Reads): Promise<ReadAnswers<Reads>>
  /** How the engine would answer, in its own words; for people who look for a missing index. Throws as {@link read}. */
  explain(read: Read): Promise<Explanation>
  /**
   * Statement of the engine's own SQL that reads, with parameters, marked as the engine does: the way out where the trees
   * end. Writes are refused by the engine. Rows are plain objects of texts, numbers, bigints, booleans, bytes and null.
   *
   * @throws RAW_NOT_SUPPORTED (an engine without SQL), QUERY_INVALID (the engine does not take it, or it writes, or the
   * result is too large), and as {@link read}
   */
  raw(sql: string, parameters?: readonly RawValue[]): Promise<readonly Readonly<Record<string, unknown>>[]>
  /**
   * Changes documents with a function that runs inside the engine, the next `limit` of them behind `after` in the order
   * of ids, in one transaction. For engines with `supports.transforms`.
   *
   * @throws TRANSFORM_FAILED (the function threw, or returned no document), and as {@link commit}
   */
  transform(step: TransformStep): Promise<TransformOutcome>
  /**
   * Resolves when there may be events behind `position`, at the latest after `waitMsMax`. A hint: it may come early or,
   * from other processes, late; whoever waits reads again in any case. Rejects with the signal's reason.
   */
  eventsBeyond(position: number, options: { waitMsMax: number; signal?: AbortSignal }): Promise<void>
  /** Finishes commits in flight, then closes. Idempotent. */
  close(): Promise<void>
}

/** What an engine can do. */
export interface DatabaseSupports {
  readonly engine: string
  /** What was committed survives a power cut. */
  readonly durable: boolean
  /** It has SQL for {@link Database.raw}. */
  readonly raw: boolean
  /** Functions can run inside of it: {@link Database.transform}. */
  readonly transforms: boolean
  /** Several processes may write to it at the same time. */
  readonly shared: boolean
}

/** What a unit says about itself; kept with each document and event that it writes. */
export interface CommitOptions {
  /** Of every operation that names no tenant itself. Default: the empty text. */
  readonly tenant?: string
  readonly correlationId?: string
  readonly causationId?: string
}

export type WriteOperation = OfTenant &
  (DocumentOperation | StreamOperation | PositionOperation | ExpectOperation | RowOperation)

/**
 * Whose document or stream an operation is about, where that is not the unit's tenant: a projection of many tenants'
 * events commits the documents of all of them, its position and its lease in one unit.
 */
export interface OfTenant {
  readonly tenant?: string
}

/** Where a processor stands: the next offset to read. */
export interface StoredPosition {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** Moves a processor's position. Positions belong to no tenant. */
export interface PositionOperation {
  readonly kind: 'position'
  readonly processor: string
  readonly position: StoredPosition
  /** Only if the stored offset is this one; 0 also if there is none. Absent: whatever it is. */
  readonly expectedOffset?: number
}

/**
 * Changes nothing; refuses the unit (DOCUMENT_CONFLICT) unless the document has this revision (0: does not exist), and
 * keeps it so until the unit is committed. A lease's revision is its fencing token: a unit of a former owner is refused.
 */
export interface ExpectOperation {
  readonly kind: 'expect'
  readonly collection: string
  readonly id: string
  readonly revision: number
}

/** A value of a column of a flat table: what its declared type allows, or null. */
export type ColumnValue = string | number | boolean | null

/** A row of a declared flat table, for projections that people query with SQL. */
export type RowOperation =
  | {
      readonly kind: 'put-row'
      readonly table: string
      /** Every column of the table's key. */
      readonly key: Readonly<Record<string, string | number>>
      /** Columns to set; others of a row that is there stay, of a new row are null. */
      readonly set?: Readonly<Record<string, ColumnValue>>
      /** Numbers to add; null and a new row count as 0. */
      readonly add?: Readonly<Record<string, number>>
    }
  | {
      readonly kind: 'delete-row'
      readonly table: string
      readonly key: Readonly<Record<string, string | number>>
    }
  /** Empties the table: before a rebuild. */
  | { readonly kind: 'delete-rows'; readonly table: string }

/** What became of an operation; which fields there are depends on its kind. */
export interface OperationResult {
  /** The document's new revision: store, patch, restore. */
  readonly revision?: number
  /** Documents that were changed: patch, patch-where, delete, delete-where, restore-where. */
  readonly count?: number
  /** The stream's version behind the last event: append. */
  readonly version?: number
  /** The position of the last event: append, publish. */
  readonly position?: number
  /** Documents that were changed, for whoever keeps copies of them: patch-where and delete-where on request. */
  readonly changes?: readonly DocumentChange[]
}

/** Results by the operation's index. */
export interface CommitResult {
  readonly results: readonly OperationResult[]
}

/** Choices of {@link Database.prepare}. */
export interface PrepareOptions {
  /** What may be done beyond adding. Default: nothing. */
  readonly allow?: 'destructive'
  /** Do nothing, and fail (STORE_SCHEMA_DIFFERS) if anything is missing: for production. Default: false. */
  readonly checkOnly?: boolean
}

/** A parameter of {@link Database.raw}. */
export type RawValue = string | number | bigint | boolean | Uint8Array | null

/** A piece of a transformation. */
export interface TransformStep {
  readonly collection: string
  readonly tenant?: string
  /**
   * JavaScript source of an expression that is a function: document in, document out; undefined leaves it as it is, null
   * deletes it (for good). It sees nothing of its surroundings, must be synchronous, has a second for each document, and
   * leaves the `id` property alone. It also gets documents that are marked as deleted; they stay marked.
   * `transformedText` says what becomes of its result.
   */
  readonly source: string
  /** Only documents with greater ids. Absent: from the first one. */
  readonly after?: string
  readonly limit: number
}

export interface TransformOutcome {
  readonly seen: number
  readonly changed: number
  readonly deleted: number
  /** The greatest id that was looked at: where the next step begins; undefined if there was none left. */
  readonly last: string | undefined
}
