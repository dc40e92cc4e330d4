import {
  type CheckedSchema,
  type CommitOptions,
  type CommitResult,
  checkReads,
  checkTransform,
  type Database,
  type DatabaseSupports,
  type Explanation,
  KnownSchema,
  type OperationResult,
  type PreparedOperation,
  type PrepareOptions,
  prepareCommit,
  type Read,
  type ReadAnswers,
  type SchemaPlan,
  type StoreSchema,
  type TransformOutcome,
  type TransformStep,
  type WriteOperation,
} from '@millrace/documents'
import { type Clock, millraceError, type Scheduler, unreachable } from '@millrace/kernel'
import { answerRead, type MemoryContent } from './memory-answers.ts'
import { MemoryChanges } from './memory-changes.ts'
import { MemoryDocumentChanges } from './memory-document-changes.ts'
import { MemoryDocuments } from './memory-documents.ts'
import { MemoryPositions } from './memory-positions.ts'
import { type MemoryRow, MemoryRows } from './memory-rows.ts'
import { MemoryStreams } from './memory-streams.ts'
import { transformDocuments } from './memory-transform.ts'
import type { MemoryUnit } from './memory-unit.ts'
import { MemoryWaiters } from './memory-waiters.ts'

/** Options of {@link memoryDatabase}. */
export interface MemoryDatabaseOptions {
  /** Tells when documents change and events are recorded. Default: the clock of the machine. */
  readonly clock?: Pick<Clock, 'now'>
  /** Ends waits for events in time. Default: they end only when events come, or by their signal. */
  readonly scheduler?: Scheduler
}

/** A database whose flat tables can be looked at without SQL. */
export interface MemoryDatabase extends Database {
  /** All rows of a table that has been declared. */
  rows(table: string): readonly MemoryRow[]
}

/** The Database port in memory: the same behaviour as on disk, gone with the process. */
export function memoryDatabase(options: MemoryDatabaseOptions = {}): MemoryDatabase {
  return new DatabaseInMemory(options)
}

class DatabaseInMemory implements MemoryDatabase {
  readonly supports: DatabaseSupports = {
    engine: 'memory',
    durable: false,
    raw: false,
    transforms: true,
    shared: false,
  }
  readonly #known = new KnownSchema()
  readonly #content = {
    documents: new MemoryDocuments(),
    streams: new MemoryStreams(),
    positions: new MemoryPositions(),
  } satisfies MemoryContent
  readonly #rows = new MemoryRows()
  readonly #clock: Pick<Clock, 'now'>
  readonly #waiters: MemoryWaiters
  #isClosed = false

  constructor({ clock = { now: () => Date.now() }, scheduler }: MemoryDatabaseOptions) {
    this.#clock = clock
    this.#waiters = new MemoryWaiters(scheduler)
  }

  async prepare(schema: StoreSchema, options: PrepareOptions = {}): Promise<void> {
    this.#checkOpen()
    const checked = this.#known.check(schema)
    if (options.checkOnly) return this.#checkSame(checked)
    const destroyed = this.#rows.destroyedBy(checked.tables)
    if (destroyed !== undefined && options.allow !== 'destructive') {
      throw millraceError('STORE_SCHEMA_DIFFERS', {
        seen: `columns of the table "${destroyed}" would be lost`,
      })
    }
    this.#content.documents.declare(checked.collections)
    this.#rows.declare(checked.tables)
    this.#known.add(checked)
  }

  /** Nothing has to be made in memory. */
  async plan(schema: StoreSchema): Promise<SchemaPlan> {
    this.#checkOpen()
    this.#known.check(schema)
    return { steps: [] }
  }

  async commit(operations: readonly WriteOperation[], options?: CommitOptions): Promise<CommitResult> {
    this.#checkOpen()
    const {
      operations: prepared,
      correlationId,
      causationId,
    } = prepareCommit(operations, options, this.#known)
    const results = this.#allOrNothing({ correlationId, causationId }, (unit, documents) =>
      prepared.map((operation) => this.#apply(operation, unit, documents)),
    )
    this.#waiters.wake(this.#content.streams.end)
    return { results }
  }

  async read<const Reads extends readonly Read[]>(reads: Reads): Promise<ReadAnswers<Reads>> {
    this.#checkOpen()
    const checked = checkReads(reads, this.#known)
    return checked.map((read) => answerRead(this.#content, read)) as ReadAnswers<Reads>
  }

  async explain(read: Read): Promise<Explanation> {
    this.#checkOpen()
    const [checked] = checkReads([read], this.#known)
    if (checked === undefined || !('collection' in checked))
      return { sql: '', lines: ['looks at what it holds'] }
    const count = this.#content.documents.collection(checked.collection).all().length
    return { sql: '', lines: [`looks at all ${count} documents of "${checked.collection}"`] }
  }

  async raw(): Promise<never> {
    this.#checkOpen()
    throw millraceError('RAW_NOT_SUPPORTED', { engine: this.supports.engine })
  }

  async transform(step: TransformStep): Promise<TransformOutcome> {
    this.#checkOpen()
    const checked = checkTransform(step, this.#known)
    const collection = this.#content.documents.collection(checked.collection)
    return this.#allOrNothing({}, (_, documents) => transformDocuments(checked, collection, documents))
  }

  async eventsBeyond(position: number, options: { waitMsMax: number; signal?: AbortSignal }): Promise<void> {
    this.#checkOpen()
    if (this.#content.streams.end <= position) await this.#waiters.wait(position, options)
  }

  rows(table: string): readonly MemoryRow[] {
    return this.#rows.of(this.#known.table(table).name)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#waiters.wake(Number.POSITIVE_INFINITY)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #checkOpen(): void {
    if (this.#isClosed) throw millraceError('DATABASE_CLOSED', {})
  }

  /** Throws `STORE_SCHEMA_DIFFERS` unless everything is declared as it is already. */
  #checkSame({ collections, tables }: CheckedSchema): void {
    const known = this.#known.schema
    const texts = new Set([...known.collections, ...known.tables].map((each) => JSON.stringify(each)))
    const missing = [...collections, ...tables].find((each) => !texts.has(JSON.stringify(each)))
    if (missing === undefined) return
    throw millraceError('STORE_SCHEMA_DIFFERS', { seen: `"${missing.name}" is not there as it is declared` })
  }

  #allOrNothing<Result>(
    marks: { readonly correlationId?: string | undefined; readonly causationId?: string | undefined },
    work: (unit: MemoryUnit, documents: MemoryDocumentChanges) => Result,
  ): Result {
    const { correlationId, causationId } = marks
    const unit = { changes: new MemoryChanges(), atMs: this.#clock.now(), correlationId, causationId }
    const documents = new MemoryDocumentChanges(this.#content.documents, unit)
    try {
      const result = work(unit, documents)
      documents.check()
      return result
    } catch (error) {
      unit.changes.undo()
      throw error
    }
  }

  #apply(operation: PreparedOperation, unit: MemoryUnit, documents: MemoryDocumentChanges): OperationResult {
    switch (operation.kind) {
      case 'store':
      case 'patch':
      case 'patch-where':
      case 'delete':
      case 'delete-where':
      case 'restore-where':
      case 'replace-all':
      case 'expect':
        return documents.apply(operation)
      case 'append':
      case 'publish':
      case 'archive':
      case 'tombstone':
      case 'forget-published':
        return this.#content.streams.apply(operation, unit)
      case 'position':
        return this.#content.positions.apply(operation, unit)
      case 'put-row':
      case 'delete-row':
      case 'delete-rows':
        return this.#rows.apply(operation, unit)
      default:
        return unreachable(operation)
    }
  }
}
