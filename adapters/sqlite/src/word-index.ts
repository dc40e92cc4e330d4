import { valueAt, wordsOf } from '@millrace/documents'
import type { DeclaredCollection } from './declared-collection.ts'
import { documentsTable, numbersTable, wordsTable } from './sql-names.ts'
import type { StatementCache } from './statement-cache.ts'

/** Keeps the full-text tables in step with the documents. */
export class WordIndex {
  readonly #statements: StatementCache

  constructor(statements: StatementCache) {
    this.#statements = statements
  }

  put(collection: DeclaredCollection, tenant: string, id: string, text: string): void {
    const number = this.#numberOf(collection.name, tenant, id)
    const words = wordsIn(collection, text).join(' ')
    const put = `INSERT OR REPLACE INTO "${wordsTable(collection.name)}" (rowid, words) VALUES (?, ?)`
    this.#statements.get(put).run(number, words)
  }

  remove(collection: string, tenant: string, id: string): void {
    const gone = this.#statements
      .get(`DELETE FROM "${numbersTable(collection)}" WHERE tenant = ? AND id = ? RETURNING number`)
      .get(tenant, id)
    if (gone === undefined) return
    this.#statements.get(`DELETE FROM "${wordsTable(collection)}" WHERE rowid = ?`).run(Number(gone.number))
  }

  clear(collection: string): void {
    const words = wordsTable(collection)
    this.#statements.get(`INSERT INTO "${words}" ("${words}") VALUES ('delete-all')`).run()
    this.#statements.get(`DELETE FROM "${numbersTable(collection)}"`).run()
  }

  /** Gathers the words of all documents that there are. */
  fill(collection: DeclaredCollection): void {
    const all = `SELECT tenant, id, body FROM "${documentsTable(collection.name)}"`
    this.#statements.each(all, [], ({ tenant, id, body }) => {
      this.put(collection, String(tenant), String(id), String(body))
    })
  }

  #numberOf(collection: string, tenant: string, id: string): number {
    const table = `"${numbersTable(collection)}"`
    const known = this.#statements
      .get(`SELECT number FROM ${table} WHERE tenant = ? AND id = ?`)
      .get(tenant, id)
    if (known !== undefined) return Number(known.number)
    const made = this.#statements
      .get(`INSERT INTO ${table} (tenant, id) VALUES (?, ?) RETURNING number`)
      .get(tenant, id)
    return Number(made?.number)
  }
}

/** The different words of a document's full-text properties. */
function wordsIn({ schema }: DeclaredCollection, text: string): string[] {
  const body: unknown = JSON.parse(text)
  const texts = schema.fullText.flatMap((path) => {
    const value = valueAt(body, path)
    return (Array.isArray(value) ? value : [value]).filter((each) => typeof each === 'string')
  })
  return [...new Set(texts.flatMap(wordsOf))]
}
