import {
  type CommitResult,
  checkCollectionKnown,
  checkCollectionName,
  checkLoad,
  checkQuery,
  type Database,
  type DocumentQuery,
  prepareCommit,
  type StoredDocument,
  type StoredPosition,
  type WriteOperation,
} from '@millrace/documents'
import { type Clock, millraceError } from '@millrace/kernel'
import { WorkerLink, type WorkerLinkOptions } from './worker-link.ts'
import type { DocumentRow } from './worker-protocol.ts'

/** Choices of {@link openSqlite}. */
export interface SqliteOptions {
  /** The database file; made if it is missing, its directory must exist. */
  readonly file: string
  /** Labels rows with the times of their changes. Default: the machine's clock. */
  readonly clock?: Pick<Clock, 'now'>
  /** How long to wait for another process that writes, in milliseconds. Default: 5,000. */
  readonly busyTimeoutMs?: number
  /** Requests that may wait; more are refused with QUEUE_FULL. Default: 10,000. */
  readonly requestsMax?: number
  /** Bytes of documents that may wait to be written, roughly. Default: 64 MiB. */
  readonly requestBytesMax?: number
  /** Commits that share one transaction. Default: 1,000. */
  readonly groupUnitsMax?: number
  /** Prepared statements that are kept. Default: 200. */
  readonly statementsMax?: number
  /** The file grows no further; writing answers DISK_FULL. Default: no limit but the disk's. */
  readonly fileBytesMax?: number
}

const SCRIPT = new URL('./sqlite-worker.ts', import.meta.url)

/** Reads that are answered together: few, because their results are held in memory until then. */
const READS_BATCH_MAX = 16

/**
 * Opens a database in one SQLite file. Commits are durable when they resolve (WAL, synchronous=FULL). Two threads work
 * on it: one writes, one reads, so that a slow disk holds up neither the caller nor the readers.
 *
 * @throws DATABASE_TOO_NEW, DATABASE_FOREIGN, DISK_FULL, DATABASE_FAILED (the file cannot be opened or is damaged)
 */
export async function openSqlite(options: SqliteOptions): Promise<Database> {
  const links = [
    WorkerLink.open(linkOptions(options, 'writer')),
    WorkerLink.open(linkOptions(options, 'reader')),
  ] as const
  try {
    const [{ link: writer, collections }, { link: reader }] = await Promise.all(links)
    return new SqliteDatabase(writer, reader, collections)
  } catch (error) {
    for (const opened of await Promise.allSettled(links)) {
      if (opened.status === 'fulfilled') await opened.value.link.close()
    }
    throw error
  }
}

function linkOptions(options: SqliteOptions, role: 'writer' | 'reader'): WorkerLinkOptions {
  const { file, clock, busyTimeoutMs = 5_000, statementsMax = 200, fileBytesMax } = options
  return {
    script: SCRIPT,
    settings: { role, file, busyTimeoutMs, statementsMax, fileBytesMax },
    now: clock === undefined ? Date.now : () => clock.now(),
    requestsMax: options.requestsMax ?? 10_000,
    requestBytesMax: options.requestBytesMax ?? 67_108_864,
    batchMax: role === 'writer' ? (options.groupUnitsMax ?? 1_000) : READS_BATCH_MAX,
  }
}

class SqliteDatabase implements Database {
  readonly supports = { engine: 'sqlite', durable: true }
  readonly #writer: WorkerLink
  readonly #reader: WorkerLink
  readonly #collections: Set<string>
  #closing: Promise<void> | undefined

  constructor(writer: WorkerLink, reader: WorkerLink, collections: readonly string[]) {
    this.#writer = writer
    this.#reader = reader
    this.#collections = new Set(collections)
  }

  async prepare(collections: readonly string[]): Promise<void> {
    this.#checkOpen()
    for (const name of collections) checkCollectionName(name)
    const missing = collections.filter((name) => !this.#collections.has(name))
    if (missing.length > 0) await this.#writer.send({ kind: 'prepare', collections: missing })
    for (const name of missing) this.#collections.add(name)
  }

  async commit(operations: readonly WriteOperation[]): Promise<CommitResult> {
    this.#checkOpen()
    const commit = prepareCommit(operations, (name) => this.#collections.has(name))
    const revisions = await this.#writer.send(
      { kind: 'commit', operations: commit.operations },
      commit.characters,
    )
    return { revisions: revisions as number[] }
  }

  async load(collection: string, ids: readonly string[]): Promise<readonly StoredDocument[]> {
    this.#checkReadable(collection)
    checkLoad(collection, ids)
    return documentsOf(await this.#reader.send({ kind: 'load', collection, ids }))
  }

  async query(query: DocumentQuery): Promise<readonly StoredDocument[]> {
    this.#checkReadable(query.collection)
    return documentsOf(await this.#reader.send({ kind: 'query', query: checkQuery(query) }))
  }

  async count(query: Pick<DocumentQuery, 'collection' | 'where'>): Promise<number> {
    this.#checkReadable(query.collection)
    return (await this.#reader.send({ kind: 'count', query: checkQuery(query) })) as number
  }

  async positions(processor: string): Promise<readonly StoredPosition[]> {
    this.#checkOpen()
    return (await this.#reader.send({ kind: 'positions', processor })) as StoredPosition[]
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeLinks()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The reader first: only the last connection to close removes the write-ahead log. */
  async #closeLinks(): Promise<void> {
    await this.#reader.close()
    await this.#writer.close()
  }

  #checkReadable(collection: string): void {
    this.#checkOpen()
    checkCollectionKnown(collection, (name) => this.#collections.has(name))
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw millraceError('DATABASE_CLOSED', {})
  }
}

function documentsOf(rows: unknown): StoredDocument[] {
  return (rows as DocumentRow[]).map(({ id, revision, text }) => ({ id, revision, body: JSON.parse(text) }))
}
