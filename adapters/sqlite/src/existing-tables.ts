import { labelOf } from './collection-tables.ts'
import type { StatementCache } from './statement-cache.ts'

/** An index that a table has. */
export interface ExistingIndex {
  readonly name: string
  /** What it is called in messages; see `labelOf`. */
  readonly label: string
  readonly isUnique: boolean
  /** From the opening parenthesis on. */
  readonly definition: string
}

/** What the file's own schema says. */
export class ExistingTables {
  readonly #statements: StatementCache
  readonly #tables: ReadonlyMap<string, string>
  readonly #names: Set<string>

  constructor(statements: StatementCache) {
    this.#statements = statements
    const rows = statements.get('SELECT type, name, sql FROM sqlite_schema').all()
    this.#names = new Set(rows.map(({ name }) => String(name)))
    this.#tables = new Map(
      rows.flatMap(({ type, name, sql }) => (type === 'table' ? [[String(name), String(sql)]] : [])),
    )
  }

  has(table: string): boolean {
    return this.#tables.has(table)
  }

  /** The statement that would make the table as it is now. */
  sqlOf(table: string): string {
    return this.#tables.get(table) ?? ''
  }

  /** Indexes that were made by a statement, not those of keys. */
  indexesOf(table: string): readonly ExistingIndex[] {
    const sql = `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL`
    return this.#statements
      .get(sql)
      .all(table)
      .map((row) => {
        const [name, text] = [String(row.name), String(row.sql)]
        const definition = text.slice(text.indexOf('('))
        return { name, label: labelOf(name), isUnique: text.startsWith('CREATE UNIQUE'), definition }
      })
  }

  /** Columns in their order, generated ones too, with whether they are generated. */
  columnsOf(table: string): readonly { readonly name: string; readonly isGenerated: boolean }[] {
    const sql = 'SELECT name, hidden FROM pragma_table_xinfo(?)'
    return this.#statements
      .get(sql)
      .all(table)
      .map(({ name, hidden }) => ({ name: String(name), isGenerated: hidden !== 0 }))
  }

  /** A name for an index that nothing has: after an exchange of tables the plain one may be another table's. */
  freeName(table: string, label: string): string {
    for (let number = 1; ; number += 1) {
      const name = number === 1 ? `${table}.${label}` : `${table}~${number}.${label}`
      if (this.#names.has(name)) continue
      this.#names.add(name)
      return name
    }
  }
}
