import { assert } from '@millrace/kernel'
import type { Connection, Submittable } from 'pg'
import type { PreparedNames } from './prepared-names.ts'
import type { Row, Statement, StatementResult } from './statement.ts'

/** Why a batch did not end well. */
export class BatchFailure extends Error {
  override readonly name = 'BatchFailure'
  /** Which statement failed; their number if the end of the transaction did. */
  readonly index: number

  constructor(index: number, cause: unknown) {
    super('a statement failed', { cause })
    this.index = index
  }
}

/** Whether the server refused a statement, and the connection is as good as before. */
export function isRefusal(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return typeof cause === 'object' && cause !== null && 'severity' in cause && cause.severity === 'ERROR'
}

/** A column of a result, as the server describes it. */
export interface ResultField {
  readonly name: string
  readonly dataTypeID: number
}

/** Messages of the server as the client hands them on; its types leave them out. */
interface DataRow {
  readonly fields: Row
}
interface CommandComplete {
  readonly text: string
}
interface RowDescription {
  readonly fields: readonly ResultField[]
}

/** How a batch is run. */
export interface BatchOptions {
  /** Also ask what the columns are. Default: false. */
  readonly describe?: boolean
  /** Characters of all rows; what comes beyond is thrown away, and `isTooLarge` says so. */
  readonly charactersMax?: number
}

/**
 * Statements that go to the server together and are answered together: one round trip. They are one transaction, which
 * ends with the last of them (or where a statement of theirs ends it): after a failure none of them has been done. Source:
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
 */
export class StatementBatch implements Submittable {
  readonly #statements: readonly Statement[]
  readonly #prepared: PreparedNames
  readonly #options: BatchOptions
  readonly #results: StatementResult[] = []
  #rows: Row[] = []
  readonly #described = new Map<number, readonly ResultField[]>()
  #characters = 0
  #settle: ((failure: BatchFailure | undefined) => void) | undefined
  readonly #done: Promise<void>
  /** How many messages have come: somebody is there. */
  messages = 0

  constructor(statements: readonly Statement[], prepared: PreparedNames, options: BatchOptions = {}) {
    this.#statements = statements
    this.#prepared = prepared
    this.#options = options
    this.#done = new Promise((resolve, reject) => {
      this.#settle = (failure) => (failure === undefined ? resolve() : reject(failure))
    })
  }

  /** @throws BatchFailure */
  get done(): Promise<void> {
    return this.#done
  }

  get results(): readonly StatementResult[] {
    return this.#results
  }

  /** What the columns of the last statement are; none if it answers nothing. */
  get fields(): readonly ResultField[] {
    return this.#described.get(this.#statements.length - 1) ?? []
  }

  get isTooLarge(): boolean {
    return this.#characters > (this.#options.charactersMax ?? Number.POSITIVE_INFINITY)
  }

  /** Called by the client when it is this batch's turn. */
  submit(connection: Connection): void {
    connection.stream.cork()
    try {
      for (const { sql, parameters } of this.#statements) this.#send(connection, sql, parameters)
      connection.sync()
    } finally {
      connection.stream.uncork()
    }
  }

  #send(connection: Connection, sql: string, parameters: Statement['parameters']): void {
    const { name, isNew, dropped } = this.#prepared.nameOf(sql)
    if (dropped !== undefined) connection.close({ type: 'S', name: dropped }, true)
    if (isNew) connection.parse({ name, text: sql, types: [] }, true)
    const values = parameters.map((each) => (each instanceof Uint8Array ? Buffer.from(each) : each))
    connection.bind({ portal: '', statement: name, values, binary: false } as never, true)
    if (this.#options.describe) connection.describe({ type: 'P', name: '' }, true)
    connection.execute({ portal: '', rows: '' } as never, true)
  }

  handleRowDescription({ fields }: RowDescription): void {
    this.#described.set(this.#results.length, fields)
  }

  handleDataRow({ fields }: DataRow): void {
    this.messages += 1
    for (const field of fields) this.#characters += field?.length ?? 0
    if (!this.isTooLarge) this.#rows.push(fields)
  }

  handleCommandComplete({ text }: CommandComplete): void {
    this.messages += 1
    this.#results.push({ rows: this.#rows, count: Number(text.slice(text.lastIndexOf(' ') + 1)) || 0 })
    this.#rows = []
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete({ text: '' })
  }

  handlePortalSuspended(): void {
    assert(false, 'rows are asked for without a limit')
  }

  handleCopyInResponse(connection: Connection & { sendCopyFail(reason: string): void }): void {
    connection.sendCopyFail('there is nothing to copy')
  }

  handleCopyData(): void {
    // Nothing of ours copies; what somebody else's statement copies out goes nowhere.
  }

  /**
   * The server refused a statement, or the connection is gone. A refusal is told before the transaction is taken back; it
   * is over when the server is ready again. Until then its locks are held, and the feed would wait for it.
   */
  handleError(error: unknown, connection: Connection): void {
    const failed = this.#statements[this.#results.length]
    // Whether it was prepared before it failed is not known.
    if (failed !== undefined) this.#prepared.forget(failed.sql)
    for (const { sql } of this.#statements.slice(this.#results.length + 1)) this.#prepared.forgetIfNew(sql)
    const failure = new BatchFailure(this.#results.length, error)
    if (!isRefusal(failure)) {
      this.#settle?.(failure)
      return
    }
    const settle = () => {
      connection.off('readyForQuery', settle).off('end', settle)
      this.#settle?.(failure)
    }
    connection.on('readyForQuery', settle).on('end', settle)
  }

  handleReadyForQuery(): void {
    this.#prepared.settle()
    this.#settle?.(undefined)
  }
}
