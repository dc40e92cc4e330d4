import { BoundedQueue } from '@millrace/kernel'
import { Client } from 'pg'
import type { PostgresSettings } from './postgres-options.ts'
import { PreparedNames } from './prepared-names.ts'
import type { Statement, StatementResult } from './statement.ts'
import { type BatchOptions, isRefusal, StatementBatch } from './statement-batch.ts'

/** A batch that has been answered. */
export type AnsweredBatch = Pick<StatementBatch, 'results' | 'fields' | 'isTooLarge'>

/** What the types of the client leave out. */
type NodeClient = Client & {
  ref(): void
  unref(): void
  readonly connection: { readonly stream: { destroy(error: Error): void } }
}

/** A connection, and what is known of it. */
interface Link {
  readonly client: NodeClient
  readonly prepared: PreparedNames
  /** When it was last given back. */
  freeSinceMs: number
  /** What it is at work on, how much of the answer had come when somebody looked last, and when that was. */
  work: { readonly batch: StatementBatch; messages: number; sinceMs: number } | undefined
}

/**
 * Some connections to the server, each used by one at a time; who comes when all are in use waits. A connection that is
 * lost, used or not, is replaced by the next that is needed; it never ends the process.
 */
export class Connections {
  readonly #settings: PostgresSettings
  readonly #waiting: BoundedQueue<() => void>
  readonly #connectionsMax: number
  readonly #links = new Map<Client, Link>()
  readonly #free: Link[] = []
  readonly #watch: NodeJS.Timeout
  #inUse = 0
  #isIdle: (() => void) | undefined

  constructor(purpose: string, connectionsMax: number, settings: PostgresSettings) {
    this.#settings = settings
    this.#connectionsMax = connectionsMax
    const { requestsMax: itemsMax, statementMsMax, silentMsMax, idleMsMax } = settings.limits
    this.#waiting = new BoundedQueue({ name: `${purpose} of the database ${settings.name}`, itemsMax })
    const lookMs = Math.min(statementMsMax + silentMsMax, idleMsMax) / LOOKS
    this.#watch = setInterval(() => this.#look(), lookMs).unref()
  }

  /** Runs statements in one transaction and one round trip. @throws BatchFailure, QUEUE_FULL, what connecting throws */
  async run(statements: readonly Statement[], options?: BatchOptions): Promise<readonly StatementResult[]> {
    return (await this.use((client) => this.submit(client, statements, options))).results
  }

  /** Has one connection for itself. */
  async use<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
    if (this.#inUse >= this.#connectionsMax) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#inUse += 1
    try {
      const link = this.#free.pop() ?? (await this.#connect())
      return await this.#useLink(link, work)
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#inUse -= 1
      else next()
      if (this.#inUse === 0) this.#isIdle?.()
    }
  }

  /** A batch on a connection that the caller has for itself. @throws BatchFailure */
  async submit(
    client: Client,
    statements: readonly Statement[],
    options?: BatchOptions & { readonly isUnlimited?: boolean },
  ): Promise<AnsweredBatch> {
    const link = this.#links.get(client)
    const batch = new StatementBatch(statements, link?.prepared ?? new PreparedNames(0), options)
    client.query(batch)
    if (link !== undefined && !options?.isUnlimited)
      link.work = { batch, messages: 0, sinceMs: performance.now() }
    try {
      await batch.done
    } finally {
      if (link !== undefined) link.work = undefined
    }
    return batch
  }

  /** Waits for those in use, then ends all. */
  async close(): Promise<void> {
    if (this.#inUse > 0) {
      await new Promise<void>((resolve) => {
        this.#isIdle = resolve
      })
    }
    clearInterval(this.#watch)
    await Promise.all(this.#free.splice(0).map((link) => this.#end(link)))
  }

  async #useLink<Result>(link: Link, work: (client: Client) => Promise<Result>): Promise<Result> {
    link.client.ref()
    let isSound = false
    try {
      const result = await work(link.client)
      isSound = true
      return result
    } catch (error) {
      // A statement that was refused leaves the connection as it was; whoever began a transaction ends it.
      isSound = isRefusal(error)
      throw error
    } finally {
      if (isSound && this.#links.has(link.client)) this.#giveBack(link)
      else void this.#end(link)
    }
  }

  #giveBack(link: Link): void {
    link.freeSinceMs = performance.now()
    // A database that waits for work does not keep the process alive.
    link.client.unref()
    this.#free.push(link)
  }

  async #connect(): Promise<Link> {
    const { client: config, isPooled, limits } = this.#settings
    const client = new Client(config) as NodeClient
    // Whoever uses it hears of a failure by its own means; without anybody who listens it would end the process.
    client.on('error', (error) => this.#lost(client, error.message))
    client.on('end', () => this.#lost(client, 'the server has ended it'))
    await client.connect()
    const prepared = new PreparedNames(isPooled ? 0 : limits.statementsMax)
    const link = { client, prepared, freeSinceMs: 0, work: undefined }
    this.#links.set(client, link)
    return link
  }

  #lost(client: NodeClient, reason: string): void {
    const link = this.#links.get(client)
    if (link === undefined) return
    this.#links.delete(client)
    const at = this.#free.indexOf(link)
    if (at < 0) return
    this.#free.splice(at, 1)
    this.#settings.report(`An idle connection to ${this.#settings.name} was lost: ${reason}`)
    void this.#end(link)
  }

  async #end({ client }: Link): Promise<void> {
    this.#links.delete(client)
    await client.end().catch(() => undefined)
  }

  /**
   * Gives up connections on which nothing comes any more, since the system would notice a broken way after a quarter of
   * an hour only; and ends those that nobody needs.
   */
  #look(): void {
    const now = performance.now()
    const { statementMsMax, silentMsMax, idleMsMax } = this.#settings.limits
    for (const { client, work } of this.#links.values()) {
      if (work === undefined) continue
      const { messages } = work.batch
      if (messages !== work.messages) Object.assign(work, { messages, sinceMs: now })
      else if (now - work.sinceMs >= statementMsMax + silentMsMax) {
        client.connection.stream.destroy(new Error(`no answer for ${statementMsMax + silentMsMax} ms`))
      }
    }
    for (const link of this.#free.filter(({ freeSinceMs }) => now - freeSinceMs >= idleMsMax)) {
      this.#free.splice(this.#free.indexOf(link), 1)
      void this.#end(link)
    }
  }
}

/** How many times within a limit somebody looks whether it is over. */
const LOOKS = 8
