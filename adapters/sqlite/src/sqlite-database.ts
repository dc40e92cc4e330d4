import {
  type CommitOptions,
  type CommitResult,
  checkRead,
  checkReads,
  checkTransform,
  type Database,
  type DatabaseSupports,
  type Explanation,
  KnownSchema,
  type OperationResult,
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
import { decodeAnswer } from './decoded-answer.ts'
import { EventWaiters } from './event-waiters.ts'
import type { RawRow } from './raw-statement.ts'
import type { RowAnswer } from './read-answers.ts'
import type { WorkerLink } from './worker-link.ts'
import type { WorkerRole } from './worker-protocol.ts'

/** Length of a statement of somebody's own. */
const RAW_CHARACTERS_MAX = 1_000_000

/** The Database port on the threads of one file. */
export class SqliteDatabase implements Database {
  readonly supports: DatabaseSupports = {
    engine: 'sqlite',
    durable: true,
    raw: true,
    transforms: true,
    shared: true,
  }
  readonly #links: Readonly<Record<WorkerRole, WorkerLink>>
  readonly #known = new KnownSchema()
  readonly #waiters = new EventWaiters(async () => {
    const [end] = await this.#ask([{ kind: 'feed-end' }])
    return end
  })
  #closing: Promise<void> | undefined

  constructor(links: Readonly<Record<WorkerRole, WorkerLink>>) {
    this.#links = links
  }

  async prepare(schema: StoreSchema, options: PrepareOptions = {}): Promise<void> {
    this.#checkOpen()
    const checked = this.#known.check(schema)
    await this.#links.writer.send({ kind: 'prepare', schema: checked, options })
    this.#known.add(checked)
  }

  async plan(schema: StoreSchema): Promise<SchemaPlan> {
    this.#checkOpen()
    return (await this.#links.reader.send({ kind: 'plan', schema: this.#known.check(schema) })) as SchemaPlan
  }

  async commit(operations: readonly WriteOperation[], options?: CommitOptions): Promise<CommitResult> {
    this.#checkOpen()
    const { characters, ...unit } = prepareCommit(operations, options, this.#known)
    const results = (await this.#links.writer.send({ kind: 'commit', unit }, characters)) as OperationResult[]
    const end = results.reduce((last, { position = 0 }) => Math.max(last, position), 0)
    if (end > 0) this.#waiters.wake(end)
    return { results }
  }

  async read<const Reads extends readonly Read[]>(reads: Reads): Promise<ReadAnswers<Reads>> {
    this.#checkOpen()
    return this.#ask(reads)
  }

  async explain(read: Read): Promise<Explanation> {
    this.#checkOpen()
    return (await this.#links.reader.send({
      kind: 'explain',
      read: checkRead(read, this.#known),
    })) as Explanation
  }

  async raw(sql: string, parameters: readonly RawValue[] = []): Promise<readonly RawRow[]> {
    this.#checkOpen()
    if (typeof sql !== 'string' || sql.length > RAW_CHARACTERS_MAX) {
      const expected = `a statement of at most ${RAW_CHARACTERS_MAX} characters`
      throw millraceError('QUERY_INVALID', { collection: 'raw SQL', seen: 'more, or no text', expected })
    }
    return (await this.#links.raw.send({ kind: 'raw', sql, parameters })) as RawRow[]
  }

  async transform(step: TransformStep): Promise<TransformOutcome> {
    this.#checkOpen()
    const checked = checkTransform(step, this.#known)
    return (await this.#links.writer.send({ kind: 'transform', step: checked })) as TransformOutcome
  }

  async eventsBeyond(position: number, options: { waitMsMax: number; signal?: AbortSignal }): Promise<void> {
    this.#checkOpen()
    await this.#waiters.wait(position, options)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The writer last: only the last connection to close removes the write-ahead log. */
  async #close(): Promise<void> {
    this.#waiters.end()
    await this.#links.raw.close()
    await this.#links.reader.close()
    await this.#links.writer.close()
  }

  async #ask<const Reads extends readonly Read[]>(reads: Reads): Promise<ReadAnswers<Reads>> {
    const checked = checkReads(reads, this.#known)
    const answers = (await this.#links.reader.send({ kind: 'read', reads: checked })) as RowAnswer[]
    return answers.map(decodeAnswer) as ReadAnswers<Reads>
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw millraceError('DATABASE_CLOSED', {})
  }
}
