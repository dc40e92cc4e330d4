import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** Prepared statements by their text, the least recently used one dropped first. */
export class StatementCache {
  readonly #database: DatabaseSync
  readonly #statementsMax: number
  readonly #statements = new Map<string, StatementSync>()

  constructor(database: DatabaseSync, statementsMax: number) {
    this.#database = database
    this.#statementsMax = statementsMax
  }

  get size(): number {
    return this.#statements.size
  }

  get(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    const statement = known ?? this.#database.prepare(sql)
    if (known !== undefined) this.#statements.delete(sql)
    this.#statements.set(sql, statement)
    if (this.#statements.size > this.#statementsMax) this.#dropOldest()
    return statement
  }

  #dropOldest(): void {
    const [oldest] = this.#statements.keys()
    if (oldest !== undefined) this.#statements.delete(oldest)
  }
}
