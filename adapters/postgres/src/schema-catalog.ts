import { BoundValues } from './sql-values.ts'
import type { Statement, StatementResult } from './statement.ts'

/** What a schema of the database holds, as far as it matters. */
export interface SchemaCatalog {
  readonly hasSchema: boolean
  /** Version of the adapter's own tables; undefined if there are none. */
  readonly version: number | undefined
  readonly tables: ReadonlyMap<string, PresentTable>
}

export interface PresentTable {
  /** Comments of columns by their names. */
  readonly columns: ReadonlyMap<string, string | undefined>
  /** Columns of the primary key, in its order. */
  readonly key: readonly string[]
  /** Indexes beside those of keys; false for one that was never completed. */
  readonly indexes: ReadonlyMap<string, boolean>
  readonly references: ReadonlySet<string>
}

/** Statements that ask the catalogs of the server; {@link catalogOf} reads their answers. */
export function catalogStatements(schema: string): readonly Statement[] {
  const of = (sql: string): Statement => {
    const values = new BoundValues()
    return { sql: sql.replaceAll('SCHEMA', values.text(schema)), parameters: values.parameters }
  }
  return [
    of(`SELECT c.relname, a.attname, col_description(c.oid, a.attnum) FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
      WHERE n.nspname = SCHEMA AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped`),
    of(`SELECT t.relname, i.relname, x.indisvalid FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
      JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
      WHERE n.nspname = SCHEMA AND NOT x.indisprimary`),
    of(`SELECT t.relname, k.conname FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid
      JOIN pg_namespace n ON n.oid = t.relnamespace WHERE n.nspname = SCHEMA AND k.contype = 'f'`),
    of(`SELECT t.relname, a.attname FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid
      JOIN pg_namespace n ON n.oid = t.relnamespace
      JOIN unnest(k.conkey) WITH ORDINALITY AS listed(attnum, nth) ON true
      JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = listed.attnum
      WHERE n.nspname = SCHEMA AND k.contype = 'p' ORDER BY t.relname, listed.nth`),
  ]
}

/** @param own what is known before: whether the schema is there, and what `_store` says */
export function catalogOf(
  results: readonly StatementResult[],
  own: Pick<SchemaCatalog, 'hasSchema' | 'version'>,
): SchemaCatalog {
  const [columns, indexes, references, keys] = results.map(({ rows }) => rows)
  const tables = new Map<string, Writable>()
  const table = (name: string | null | undefined): Writable => {
    const known = tables.get(String(name))
    if (known !== undefined) return known
    const made = { columns: new Map(), key: [], indexes: new Map(), references: new Set<string>() }
    tables.set(String(name), made)
    return made
  }
  for (const [name, column, comment] of columns ?? [])
    table(name).columns.set(String(column), comment ?? undefined)
  for (const [name, index, isValid] of indexes ?? []) table(name).indexes.set(String(index), isValid === 't')
  for (const [name, reference] of references ?? []) table(name).references.add(String(reference))
  for (const [name, column] of keys ?? []) table(name).key.push(String(column))
  return { ...own, tables }
}

interface Writable {
  readonly columns: Map<string, string | undefined>
  readonly key: string[]
  readonly indexes: Map<string, boolean>
  readonly references: Set<string>
}
