import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { type BindableStatement, bindableStatement } from './bindable-statement.ts'
import type { SqlValue } from './sql-values.ts'

/** Choices of a {@link StatementCache}. */
export interface StatementCacheOptions {
  readonly statementsMax: number
  /** Rows come as lists of their columns instead of objects. */
  readonly isListing?: boolean
}

/** Prepared statements by their text, the least recently used one dropped first. */
export class StatementCache {
  readonly #database: DatabaseSync
  readonly #options: StatementCacheOptions
  readonly #statements = new Map<string, BindableStatement>()

  constructor(database: DatabaseSync, options: StatementCacheOptions) {
    this.#database = database
    this.#options = options
  }

  get size(): number {
    return this.#statements.size
  }

  get(sql: string): BindableStatement {
    const known = this.#statements.get(sql)
    const statement = known ?? this.#prepare(sql)
    if (known !== undefined) this.#statements.delete(sql)
    this.#statements.set(sql, statement)
    if (this.#statements.size > this.#options.statementsMax) this.#dropOldest()
    return statement
  }

  /**
   * Visits rows one by one, for results that may be too large to hold. A statement that fails on the way is dropped:
   * `node:sqlite` would tell its error again to whoever used it next.
   */
  each(
    sql: string,
    parameters: readonly SqlValue[],
    visit: (row: Record<string, SQLOutputValue>) => void,
  ): void {
    try {
      for (const row of this.get(sql).iterate(...parameters)) visit(row)
    } catch (error) {
      this.#statements.delete(sql)
      throw error
    }
  }

  /** Runs a statement that is not worth keeping. */
  runOnce(sql: string): void {
    this.#database.exec(sql)
  }

  #prepare(sql: string): BindableStatement {
    const statement = this.#database.prepare(sql)
    if (this.#options.isListing === true) statement.setReturnArrays(true)
    // A numbered mark that a statement has no use for is unknown where marks are bound by their names.
    statement.setAllowUnknownNamedParameters(true)
    return bindableStatement(statement, sql)
  }

  #dropOldest(): void {
    const [oldest] = this.#statements.keys()
    if (oldest !== undefined) this.#statements.delete(oldest)
  }
}
