import { BoundedQueue } from '@millrace/kernel'
import { type ClientBase, Pool, type PoolClient } from 'pg'
import type { PostgresSettings } from './postgres-options.ts'
import { PreparedNames } from './prepared-names.ts'
import type { Statement, StatementResult } from './statement.ts'
import { type BatchOptions, StatementBatch } from './statement-batch.ts'

/** A batch that has been answered. */
export type AnsweredBatch = Pick<StatementBatch, 'results' | 'fields' | 'isTooLarge'>

/**
 * Some connections to the server, each used by one at a time; who comes when all are in use waits. A connection that is
 * lost, used or not, is replaced by the next that is needed; it never ends the process.
 */
export class Connections {
  readonly #pool: Pool
  readonly #settings: PostgresSettings
  readonly #prepared = new WeakMap<ClientBase, PreparedNames>()
  readonly #waiting: BoundedQueue<() => void>
  readonly #connectionsMax: number
  #inUse = 0

  constructor(purpose: string, connectionsMax: number, settings: PostgresSettings) {
    this.#settings = settings
    this.#connectionsMax = connectionsMax
    this.#waiting = new BoundedQueue({
      name: `${purpose} of the database ${settings.name}`,
      itemsMax: settings.limits.requestsMax,
    })
    this.#pool = new Pool({
      ...settings.client,
      max: connectionsMax,
      idleTimeoutMillis: settings.limits.idleMsMax,
      // A database that waits for work does not keep the process alive.
      allowExitOnIdle: true,
    })
    this.#pool.on('error', (error) =>
      settings.report(`An idle connection to ${settings.name} was lost: ${error.message}`),
    )
    // While it is in use, whoever uses it hears of the loss by its own means.
    this.#pool.on('connect', (client) => client.on('error', () => undefined))
  }

  /** Runs statements in one transaction and one round trip. @throws BatchFailure, QUEUE_FULL, what connecting throws */
  async run(statements: readonly Statement[], options?: BatchOptions): Promise<readonly StatementResult[]> {
    return (await this.use((client) => this.submit(client, statements, options))).results
  }

  /** Has one connection for itself. */
  async use<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    await this.#enter()
    try {
      const client = await this.#pool.connect()
      let isSound = false
      try {
        const result = await work(client)
        isSound = true
        return result
      } catch (error) {
        // A statement that was refused leaves the connection as it was; whoever began a transaction ends it.
        isSound = isRefusal(error)
        throw error
      } finally {
        client.release(!isSound)
      }
    } finally {
      this.#leave()
    }
  }

  /** A batch on a connection that the caller has for itself. @throws BatchFailure */
  async submit(
    client: ClientBase,
    statements: readonly Statement[],
    options?: BatchOptions & { readonly isUnlimited?: boolean },
  ): Promise<AnsweredBatch> {
    const batch = new StatementBatch(statements, this.#preparedOf(client), options)
    client.query(batch)
    const { statementMsMax, silentMsMax } = this.#settings.limits
    if (options?.isUnlimited) await batch.done
    else await answered(batch, client, statementMsMax + silentMsMax)
    return batch
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  #preparedOf(client: ClientBase): PreparedNames {
    const known = this.#prepared.get(client)
    if (known !== undefined) return known
    const made = new PreparedNames(this.#settings.isPooled ? 0 : this.#settings.limits.statementsMax)
    this.#prepared.set(client, made)
    return made
  }

  #enter(): Promise<void> {
    if (this.#inUse < this.#connectionsMax) {
      this.#inUse += 1
      return Promise.resolve()
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#inUse -= 1
    else next()
  }
}

function isRefusal(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return typeof cause === 'object' && cause !== null && 'severity' in cause && cause.severity === 'ERROR'
}

/**
 * Resolves with the batch. A server that says nothing for too long is given up: the system would notice a broken way
 * after a quarter of an hour only.
 */
async function answered(batch: StatementBatch, client: ClientBase, silentMsMax: number): Promise<void> {
  let seen = 0
  const timer = setInterval(() => {
    if (batch.messages !== seen) {
      seen = batch.messages
      return
    }
    const { stream } = (client as unknown as { connection: { stream: { destroy(error: Error): void } } })
      .connection
    stream.destroy(new Error(`no answer for ${silentMsMax} ms`))
  }, silentMsMax)
  try {
    await batch.done
  } finally {
    clearInterval(timer)
  }
}
