import type { CheckedCollection, TableSchema } from '@millrace/documents'
import { assert } from '@millrace/kernel'
import { DeclaredCollection } from './declared-collection.ts'
import type { StatementCache } from './statement-cache.ts'

/** What has been declared in the file, by whichever process. */
export class DeclaredSchema {
  readonly #collections = new Map<string, DeclaredCollection>()
  readonly #tables = new Map<string, TableSchema>()
  readonly #referrers = new Map<string, DeclaredCollection[]>()
  /** The full-text properties whose words have been gathered, as JSON, by collection. */
  readonly #filled = new Map<string, string>()

  private constructor(rows: readonly Record<string, unknown>[]) {
    for (const { kind, name, definition, has_marks, filled } of rows) {
      const schema = JSON.parse(String(definition))
      if (kind === 'table') this.#tables.set(String(name), schema as TableSchema)
      else this.#add(new DeclaredCollection(schema as CheckedCollection, has_marks === 1), filled)
    }
  }

  /** Reads what the file holds now. */
  static read(statements: StatementCache): DeclaredSchema {
    return new DeclaredSchema(
      statements.get('SELECT kind, name, definition, has_marks, filled FROM _declared').all(),
    )
  }

  #add(collection: DeclaredCollection, filled: unknown): void {
    this.#collections.set(collection.name, collection)
    if (typeof filled === 'string') this.#filled.set(collection.name, filled)
    for (const target of new Set(collection.schema.references.map((each) => each.collection))) {
      this.#referrers.set(target, [...(this.#referrers.get(target) ?? []), collection])
    }
  }

  find(collection: string): DeclaredCollection | undefined {
    return this.#collections.get(collection)
  }

  collection(name: string): DeclaredCollection {
    const known = this.#collections.get(name)
    assert(known !== undefined, 'what has been declared stays declared')
    return known
  }

  findTable(name: string): TableSchema | undefined {
    return this.#tables.get(name)
  }

  table(name: string): TableSchema {
    const known = this.#tables.get(name)
    assert(known !== undefined, 'what has been declared stays declared')
    return known
  }

  /** Collections that refer to this one. */
  referrersOf(collection: string): readonly DeclaredCollection[] {
    return this.#referrers.get(collection) ?? []
  }

  filledOf(collection: string): string | undefined {
    return this.#filled.get(collection)
  }
}

/** The declarations, read again when they have changed. Another process may have changed them. */
export class DeclaredSchemaCache {
  readonly #statements: StatementCache
  #count = -1
  #schema: DeclaredSchema | undefined

  constructor(statements: StatementCache) {
    this.#statements = statements
  }

  /** A transaction that changed declarations was rolled back: what was read in it has never been. */
  forget(): void {
    this.#schema = undefined
  }

  /** To be asked inside the transaction that relies on it. */
  get current(): DeclaredSchema {
    const row = this.#statements.get(`SELECT value FROM _numbers WHERE name = 'declarations'`).get()
    const count = Number(row?.value)
    if (this.#schema === undefined || count !== this.#count) {
      this.#schema = DeclaredSchema.read(this.#statements)
      this.#count = count
    }
    return this.#schema
  }
}
