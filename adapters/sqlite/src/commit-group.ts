import type { OperationResult, PreparedOperation } from '@millrace/documents'
import { unreachable } from '@millrace/kernel'
import type { Connection } from './connection.ts'
import type { DeclaredSchema } from './declared-schema.ts'
import { DocumentWriter } from './document-writer.ts'
import { PatchFunction } from './patch-function.ts'
import { writePosition } from './position-writer.ts'
import { RowWriter } from './row-writer.ts'
import { StreamWriter } from './stream-writer.ts'
import { TouchedDocuments } from './touched-documents.ts'
import { WordIndex } from './word-index.ts'
import type { CommitUnit, WriteUnit } from './write-unit.ts'

/**
 * From the first group of so many documents and events on, the write-ahead log may grow to so many pages, 64 MiB, before
 * they are moved into the main file: pages that are written again and again are moved once, which makes many scattered
 * documents half as quick again. Until then it stays small, since a sync takes longer while the log grows.
 */
const LARGE_GROUP_WRITES = 200
const LARGE_LOG_PAGES = 16_000

/** What is declared, looked at when a group first needs it. */
type Declared = () => DeclaredSchema

/** What became of one unit. */
export type UnitOutcome = { readonly results: readonly OperationResult[] } | { readonly error: unknown }

/**
 * Writes units in one transaction, synced once for all of them. Each is all or nothing: one that is refused is taken
 * back to its savepoint, and the others stay. If the transaction itself fails, all of them fail.
 */
export class CommitGroup {
  readonly #connection: Connection
  readonly #documents: DocumentWriter
  readonly #streams: StreamWriter
  readonly #rows: RowWriter
  #hasLargeLog = false

  constructor(connection: Connection) {
    const { database, statements } = connection
    this.#connection = connection
    const tools = { statements, patching: new PatchFunction(database), words: new WordIndex(statements) }
    this.#documents = new DocumentWriter(tools)
    this.#streams = new StreamWriter(statements)
    this.#rows = new RowWriter(statements)
  }

  get documents(): DocumentWriter {
    return this.#documents
  }

  commit(units: readonly CommitUnit[], atMs: number): readonly UnitOutcome[] {
    try {
      if (!this.#hasLargeLog && writesOf(units) >= LARGE_GROUP_WRITES) this.#enlargeLog()
      return this.#connection.write(() => {
        const { declarations } = this.#connection
        let known: DeclaredSchema | undefined
        const declared = () => {
          known ??= declarations.current
          return known
        }
        this.#streams.begin()
        const [only] = units
        // One unit needs no savepoint: the transaction is its own.
        if (units.length === 1 && only !== undefined) return [{ results: this.#run(only, declared, atMs) }]
        return units.map((unit) => this.#attempt(unit, declared, atMs))
      })
    } catch (error) {
      return units.map(() => ({ error }))
    }
  }

  #enlargeLog(): void {
    this.#connection.statements.runOnce(`PRAGMA wal_autocheckpoint = ${LARGE_LOG_PAGES}`)
    this.#hasLargeLog = true
  }

  /** Throws if the engine has given up the whole transaction, as it may when the disk is full. */
  #attempt(unit: CommitUnit, declared: Declared, atMs: number): UnitOutcome {
    const { database, statements } = this.#connection
    const { mark } = this.#streams
    statements.get('SAVEPOINT unit').run()
    try {
      const results = this.#run(unit, declared, atMs)
      statements.get('RELEASE unit').run()
      return { results }
    } catch (error) {
      if (!database.isTransaction) throw error
      statements.get('ROLLBACK TO unit').run()
      statements.get('RELEASE unit').run()
      this.#streams.goBackTo(mark)
      return { error }
    }
  }

  #run({ operations, correlationId, causationId }: CommitUnit, declared: Declared, atMs: number) {
    const touched = new TouchedDocuments()
    const unit = { atMs, correlationId: correlationId ?? null, causationId: causationId ?? null, touched }
    const results = operations.map((operation) => this.#apply(operation, declared, unit))
    if (!touched.isEmpty) touched.check(this.#connection.statements, declared())
    return results
  }

  #apply(operation: PreparedOperation, declared: Declared, unit: WriteUnit): OperationResult {
    switch (operation.kind) {
      case 'store':
      case 'patch':
      case 'patch-where':
      case 'delete':
      case 'delete-where':
      case 'restore-where':
      case 'replace-all':
      case 'expect':
        return this.#documents.apply(operation, declared(), unit)
      case 'append':
      case 'publish':
      case 'archive':
      case 'tombstone':
      case 'forget-published':
        return this.#streams.apply(operation, unit)
      case 'position':
        return writePosition(this.#connection.statements, operation, unit.atMs)
      case 'put-row':
      case 'delete-row':
      case 'delete-rows':
        return this.#rows.apply(operation, declared().table(operation.table))
      default:
        return unreachable(operation)
    }
  }
}

function writesOf(units: readonly CommitUnit[]): number {
  return units.reduce(
    (sum, { operations }) =>
      operations.reduce((count, each) => count + ('events' in each ? each.events.length : 1), sum),
    0,
  )
}
