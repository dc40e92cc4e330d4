import {
  type CheckedRead,
  type CommitOptions,
  type CommitResult,
  checkReads,
  type Database,
  type DatabaseSupports,
  type Explanation,
  KnownSchema,
  type PrepareOptions,
  prepareCommit,
  type RawValue,
  type Read,
  type ReadAnswers,
  type SchemaPlan,
  type StoreSchema,
  type TransformOutcome,
  type TransformStep,
  type WriteOperation,
} from '@millrace/documents'
import { millraceError } from '@millrace/kernel'
import { CommitQueue } from './commit-queue.ts'
import type { Dialect } from './compiled-read.ts'
import type { Connections } from './connections.ts'
import { EventSignal } from './event-signal.ts'
import { FeedReader } from './feed-reader.ts'
import { failureOf } from './postgres-failure.ts'
import type { PostgresSettings } from './postgres-options.ts'
import { readRaw } from './raw-read.ts'
import { firstStatement, ReadQueue } from './read-queue.ts'
import { SchemaPreparation } from './schema-preparation.ts'
import type { ServerFindings } from './server-check.ts'
import { BoundValues } from './sql-values.ts'
import { TableNames } from './table-names.ts'
import { statementsOf } from './unit-statements.ts'

/** The connections of a database. */
export interface DatabaseLinks {
  readonly commits: Connections
  readonly reads: Connections
}

/** The Database port on PostgreSQL; made by `openPostgres`. */
export class PostgresDatabase implements Database {
  readonly supports: DatabaseSupports
  /** What the settings of the server can lose, a sentence each; empty if nothing can be lost. */
  readonly settingsWarnings: readonly string[]
  readonly #links: DatabaseLinks
  readonly #settings: PostgresSettings
  readonly #dialect: Dialect
  readonly #preparation: SchemaPreparation
  readonly #commits: CommitQueue
  readonly #reads: ReadQueue
  readonly #feed: FeedReader
  readonly #signal: EventSignal
  readonly #underWay = new Set<Promise<unknown>>()
  #ownTables: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(links: DatabaseLinks, settings: PostgresSettings, { durable, lines }: ServerFindings) {
    this.#links = links
    this.#settings = settings
    this.settingsWarnings = lines
    this.supports = { engine: 'PostgreSQL', durable, raw: true, transforms: false, shared: true }
    const names = new TableNames(settings.schema)
    this.#dialect = { names, known: new KnownSchema() }
    this.#preparation = new SchemaPreparation(links.reads, settings, names)
    this.#commits = new CommitQueue(links.commits, settings, { ...this.#dialect, database: settings.name })
    this.#feed = new FeedReader(links.reads, this.#dialect)
    this.#reads = new ReadQueue(links.reads, this.#dialect, this.#feed)
    this.#signal = new EventSignal(settings, {
      lastGiven: () => this.#lastGiven(),
      notify: (channel) => this.#notify(channel),
    })
  }

  async prepare(schema: StoreSchema, options: PrepareOptions = {}): Promise<void> {
    this.#checkOpen()
    const checked = this.#dialect.known.check(schema)
    await this.#call(() => this.#preparation.prepare(checked, options))
    this.#dialect.known.add(checked)
  }

  async plan(schema: StoreSchema): Promise<SchemaPlan> {
    this.#checkOpen()
    const checked = this.#dialect.known.check(schema)
    return this.#call(() => this.#preparation.plan(checked))
  }

  async commit(operations: readonly WriteOperation[], options?: CommitOptions): Promise<CommitResult> {
    this.#checkOpen()
    const prepared = prepareCommit(operations, options, this.#dialect.known)
    const result = await this.#call(async () => {
      await this.#haveOwnTables()
      return this.#commits.add({
        characters: prepared.characters,
        operations: prepared.operations.length,
        statements: (atMs) => statementsOf(this.#dialect, prepared, atMs),
      })
    })
    const last = Math.max(0, ...result.results.map(({ position = 0 }) => position))
    if (last > 0) this.#signal.committed(last)
    return result
  }

  async read<const Reads extends readonly Read[]>(reads: Reads): Promise<ReadAnswers<Reads>> {
    this.#checkOpen()
    const checked = checkReads(reads, this.#dialect.known)
    return this.#call(async () => {
      await this.#haveOwnTables()
      return (await this.#reads.answer(checked)) as ReadAnswers<Reads>
    })
  }

  async explain(read: Read): Promise<Explanation> {
    this.#checkOpen()
    const [checked] = checkReads([read], this.#dialect.known) as [CheckedRead]
    return this.#call(async () => {
      await this.#haveOwnTables()
      const { sql, parameters } = firstStatement(this.#dialect, this.#feed, checked)
      const [result] = await this.#links.reads.run([{ sql: `EXPLAIN ${sql}`, parameters }])
      return { sql, lines: (result?.rows ?? []).map(([line]) => line ?? '') }
    })
  }

  async raw(sql: string, parameters: readonly RawValue[] = []) {
    this.#checkOpen()
    return this.#call(() => readRaw(this.#links.reads, this.#settings, sql, parameters))
  }

  /** Functions do not run inside of this engine; whoever transforms does it from outside, in batches. */
  async transform(step: TransformStep): Promise<TransformOutcome> {
    this.#checkOpen()
    const { collection } = step
    const reason = 'functions do not run inside of this engine'
    throw millraceError('TRANSFORM_FAILED', { collection, id: '', reason })
  }

  async eventsBeyond(position: number, options: { waitMsMax: number; signal?: AbortSignal }): Promise<void> {
    this.#checkOpen()
    await this.#signal.wait(position, options)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    await this.#signal.close()
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay)
    await Promise.all([this.#links.commits.close(), this.#links.reads.close()])
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw millraceError('DATABASE_CLOSED', {})
  }

  /** Makes what every store has, before it is used for the first time. A failure is tried again by the next. */
  #haveOwnTables(): Promise<void> {
    this.#ownTables ??= this.#preparation
      .prepare({ collections: [], tables: [] }, {})
      .catch((error: unknown) => {
        this.#ownTables = undefined
        throw error
      })
    return this.#ownTables
  }

  /** Does what was called, which closing waits for, and says in the words of the catalogue why it failed. */
  async #call<Result>(work: () => Promise<Result>): Promise<Result> {
    const called = work()
    this.#underWay.add(called)
    try {
      return await called
    } catch (error) {
      throw failureOf(error, this.#settings.name)
    } finally {
      this.#underWay.delete(called)
    }
  }

  async #lastGiven(): Promise<number> {
    const last = `SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM ${this.#dialect.names.eventPositions}`
    const [result] = await this.#links.reads.run([{ sql: last, parameters: [] }])
    return Number(result?.rows[0]?.[0])
  }

  async #notify(channel: string): Promise<void> {
    const values = new BoundValues()
    const sql = `SELECT pg_notify(${values.text(channel)}, '')`
    await this.#links.reads.run([{ sql, parameters: values.parameters }])
  }
}
