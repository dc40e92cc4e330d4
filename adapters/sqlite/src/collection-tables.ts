import type { CheckedCollection, IndexSchema } from '@millrace/documents'
import { DeclaredCollection } from './declared-collection.ts'
import { indexFilterSql } from './filter-sql.ts'
import { rankedPlaceAt, typedValueAt } from './json-place.ts'
import { foldedName, indexColumn, numbersTable, wordsTable } from './sql-names.ts'

/**
 * One row a document. Times are milliseconds since 1970. Without rowid: one tree to write instead of two, and every
 * index ends with the id.
 */
export function createDocuments(table: string): string {
  return `CREATE TABLE "${table}" (
  tenant TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL,
  body TEXT NOT NULL CONSTRAINT body_is_json CHECK (json_valid(body)),
  created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, deleted_at INTEGER,
  correlation_id TEXT, causation_id TEXT,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID`
}

/** A column that a table should have. */
export interface WantedColumn {
  readonly name: string
  /** As it stands in the table's statement. */
  readonly definition: string
}

/** An index that a table should have. */
export interface WantedIndex {
  /** What it is called in messages: the declared name, or `>` and a number for one that a reference needs. */
  readonly label: string
  readonly isUnique: boolean
  /** From the opening parenthesis on. */
  readonly definition: string
  /** How many of a million documents share the first columns behind the tenant, for the planner. */
  readonly figures: readonly number[]
}

/** The columns of column indexes. */
export function wantedColumns({ indexes }: CheckedCollection): readonly WantedColumn[] {
  return indexes.flatMap((index) => {
    if (index.kind !== 'column') return []
    const name = indexColumn(index.name)
    const type = { text: 'TEXT', number: 'REAL', boolean: 'INTEGER' }[index.type]
    const value = typedValueAt('body', index.path, index.type)
    return { name, definition: `"${name}" ${type} GENERATED ALWAYS AS (${value}) VIRTUAL` }
  })
}

/** All indexes, those that references need too. */
export function wantedIndexes(schema: CheckedCollection): readonly WantedIndex[] {
  const collection = new DeclaredCollection(schema, schema.softDelete)
  const declared = schema.indexes.flatMap((index) => wantedIndex(index, collection) ?? [])
  const references = schema.references.map(({ path }, place) => ({
    label: `>${place + 1}`,
    isUnique: false,
    definition: `(tenant, ${typedValueAt('body', path, 'text')})`,
    figures: [100],
  }))
  return [...declared, ...references]
}

function wantedIndex(index: IndexSchema, collection: DeclaredCollection): WantedIndex | undefined {
  if (index.kind === 'containment') return undefined
  const isUnique = index.unique === true
  const where = index.kind === 'property' ? index.where : undefined
  // Documents that are marked as deleted are not compared.
  const conditions = [
    ...(isUnique && collection.schema.softDelete ? ['deleted_at IS NULL'] : []),
    ...(where === undefined ? [] : [indexFilterSql(where, collection)]),
  ]
  const columns =
    index.kind === 'column'
      ? [`"${indexColumn(index.name)}"`]
      : index.paths.flatMap((path) => {
          const { rank, key } = rankedPlaceAt('body', path)
          return [rank, key]
        })
  const limit = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
  const definition = `(tenant, ${columns.join(', ')})${limit}`
  return { label: foldedName(index.name), isUnique, definition, figures: figuresOf(index) }
}

function figuresOf(index: Exclude<IndexSchema, { kind: 'containment' }>): readonly number[] {
  if (index.kind === 'column') return [100]
  return index.paths.flatMap((_, place) => [200_000 / 10 ** (4 * place), 100 / 10 ** place].map(atLeastOne))
}

function atLeastOne(figure: number): number {
  return Math.max(1, Math.floor(figure))
}

/** What an index is called in messages: what stands behind the last point of its name. */
export function labelOf(index: string): string {
  return index.slice(index.lastIndexOf('.') + 1)
}

export function createIndex(name: string, table: string, { isUnique, definition }: WantedIndex): string {
  return `CREATE ${isUnique ? 'UNIQUE ' : ''}INDEX "${name}" ON "${table}" ${definition}`
}

/**
 * What the planner is told of a table and an index, made up and always the same: a tenant has very many documents, a
 * type of value has fewer, and a value has few. Without it the planner takes a tenant for as good as a key. Counted
 * statistics would change plans at odd moments.
 */
export function statistics(table: string, index: string, figures: readonly number[]): string {
  const stat = [1_000_000, 1_000_000, ...figures].join(' ')
  return `INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('${table}', '${index}', '${stat}')`
}

/** The statistics of the table's own key. */
export function tableStatistics(table: string): string {
  return statistics(table, table, [1])
}

/**
 * Full text: words that have been cut already, separated by spaces, so that the tokenizer has nothing to decide. The
 * table of numbers says which document a row of words belongs to.
 */
export function createWords(collection: string): string {
  const numbers = numbersTable(collection)
  return `CREATE TABLE "${numbers}" (
  number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, id TEXT NOT NULL, UNIQUE (tenant, id)
) STRICT;
CREATE VIRTUAL TABLE "${wordsTable(collection)}" USING fts5 (
  words, tokenize = 'ascii', content = '', contentless_delete = 1, detail = 'none'
)`
}

export function dropWords(collection: string): string {
  return `DROP TABLE IF EXISTS "${wordsTable(collection)}";\nDROP TABLE IF EXISTS "${numbersTable(collection)}"`
}
