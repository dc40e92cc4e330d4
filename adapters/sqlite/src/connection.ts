import type { DatabaseSync } from 'node:sqlite'
import { DeclaredSchemaCache } from './declared-schema.ts'
import { StatementCache } from './statement-cache.ts'

/** An open file, with what is kept beside it. */
export class Connection {
  readonly database: DatabaseSync
  readonly statements: StatementCache
  readonly declarations: DeclaredSchemaCache

  constructor(database: DatabaseSync, statementsMax: number) {
    this.database = database
    this.statements = new StatementCache(database, { statementsMax })
    this.declarations = new DeclaredSchemaCache(this.statements)
  }

  /** Writes in one transaction, or not at all. */
  write<Result>(work: () => Result): Result {
    return this.#transaction('BEGIN IMMEDIATE', work)
  }

  /** Reads several times from one state of the file. */
  readTogether<Result>(work: () => Result): Result {
    return this.#transaction('BEGIN', work)
  }

  #transaction<Result>(begin: string, work: () => Result): Result {
    this.statements.get(begin).run()
    try {
      const result = work()
      this.statements.get('COMMIT').run()
      return result
    } catch (error) {
      // The engine may have given up the transaction by itself, as it does when the disk is full.
      if (this.database.isTransaction) this.statements.get('ROLLBACK').run()
      throw error
    }
  }
}
