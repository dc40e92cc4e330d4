import type { CheckedCollection, SchemaStep } from '@millrace/documents'
import {
  createDocuments,
  createIndex,
  createWords,
  dropWords,
  statistics,
  tableStatistics,
  type WantedColumn,
  wantedColumns,
  wantedIndexes,
} from './collection-tables.ts'
import type { DeclaredSchema } from './declared-schema.ts'
import type { ExistingIndex, ExistingTables } from './existing-tables.ts'
import { documentsTable, wordsTable } from './sql-names.ts'
import { COUNT_DECLARATION } from './store-tables.ts'

/** What it takes to have a collection as it is declared. Nothing of it loses anything: the documents stay. */
export function collectionSteps(
  schema: CheckedCollection,
  existing: ExistingTables,
  declared: DeclaredSchema,
): readonly SchemaStep[] {
  const { name } = schema
  const table = documentsTable(name)
  const isNew = !existing.has(table)
  return [
    ...(isNew ? [step(`collection ${name}`, createDocuments(table), tableStatistics(table))] : []),
    ...indexSteps(schema, existing),
    ...wordSteps(schema, existing, declared),
    ...declarationSteps(schema, declared),
  ]
}

/** Whether the words of the documents still have to be gathered, which is not done in SQL. */
export function needsWords({ name, fullText }: CheckedCollection, declared: DeclaredSchema): boolean {
  return fullText.length > 0 && declared.filledOf(name) !== JSON.stringify(fullText)
}

/** Indexes go before the columns that they need, and come after them. */
function indexSteps(schema: CheckedCollection, existing: ExistingTables): readonly SchemaStep[] {
  const { name } = schema
  const table = documentsTable(name)
  const wanted = wantedIndexes(schema)
  const columns = wantedColumns(schema)
  const tableSql = existing.sqlOf(table)
  const hasColumn = ({ definition }: WantedColumn) => tableSql.includes(definition)
  const kept = new Set(columns.filter(hasColumn).map((each) => each.name))
  const lost = existing.columnsOf(table).filter((each) => each.isGenerated && !kept.has(each.name))
  const isKept = (index: ExistingIndex) =>
    wanted.some((each) => isSame(each, index)) &&
    !lost.some((column) => index.definition.includes(`"${column.name}"`))
  const indexes = existing.indexesOf(table)
  const keptIndexes = indexes.filter(isKept)
  return [
    ...indexes
      .filter((index) => !keptIndexes.includes(index))
      .map((index) =>
        step(`index ${name}.${index.label} goes`, `DROP INDEX "${index.name}"`, forget(index.name)),
      ),
    ...lost.map((column) =>
      step(`column ${name}.${column.name} goes`, `ALTER TABLE "${table}" DROP COLUMN "${column.name}"`),
    ),
    ...columns
      .filter((column) => !hasColumn(column))
      .map((column) =>
        step(`column ${name}.${column.name}`, `ALTER TABLE "${table}" ADD COLUMN ${column.definition}`),
      ),
    ...wanted
      .filter((each) => !keptIndexes.some((index) => isSame(each, index)))
      .map((each) => {
        const index = existing.freeName(table, each.label)
        const made = createIndex(index, table, each)
        return step(`index ${name}.${each.label}`, made, statistics(table, index, each.figures))
      }),
  ]
}

type Comparable = Pick<ExistingIndex, 'label' | 'isUnique' | 'definition'>

function isSame(one: Comparable, other: Comparable): boolean {
  return one.label === other.label && one.isUnique === other.isUnique && one.definition === other.definition
}

function forget(index: string): string {
  return `DELETE FROM sqlite_stat1 WHERE idx = '${index}'`
}

function wordSteps(
  schema: CheckedCollection,
  existing: ExistingTables,
  declared: DeclaredSchema,
): readonly SchemaStep[] {
  const { name, fullText } = schema
  const isThere = existing.has(wordsTable(name))
  if (fullText.length === 0) return isThere ? [step(`full text of ${name} goes`, dropWords(name))] : []
  const note = `-- The words of "${name}" are gathered by Millrace itself when it prepares the store.`
  if (!isThere) return [step(`full text of ${name}`, note, createWords(name))]
  return needsWords(schema, declared) ? [step(`words of ${name}`, note)] : []
}

function declarationSteps(schema: CheckedCollection, declared: DeclaredSchema): readonly SchemaStep[] {
  const known = declared.find(schema.name)
  const definition = JSON.stringify(schema)
  if (known !== undefined && JSON.stringify(known.schema) === definition) return []
  const hasMarks = schema.softDelete || known?.hasMarks === true
  const values = `'collection', '${schema.name}', '${escaped(definition)}', ${Number(hasMarks)}`
  const insert = `INSERT INTO _declared (kind, name, definition, has_marks) VALUES (${values})`
  const update = 'ON CONFLICT DO UPDATE SET definition = excluded.definition, has_marks = excluded.has_marks'
  return [step(`declaration of ${schema.name}`, `${insert} ${update}`, COUNT_DECLARATION)]
}

/** A text between single quotes. */
export function escaped(text: string): string {
  return text.replaceAll("'", "''")
}

/** A step that loses nothing. */
export function step(what: string, ...statements: readonly string[]): SchemaStep {
  return { what, sql: statements.map(finished).join('\n'), hazard: 'none' }
}

function finished(statement: string): string {
  return statement.startsWith('--') ? statement : `${statement};`
}
