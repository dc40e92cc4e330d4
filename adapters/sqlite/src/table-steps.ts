import type { ColumnType, SchemaStep, TableSchema } from '@millrace/documents'
import { escaped, step } from './collection-steps.ts'
import type { DeclaredSchema } from './declared-schema.ts'
import type { ExistingTables } from './existing-tables.ts'
import { COUNT_DECLARATION } from './store-tables.ts'

const TYPES = { text: 'TEXT', number: 'REAL', boolean: 'INTEGER' } as const satisfies Record<
  ColumnType,
  string
>

/** What it takes to have a table as it is declared. Columns that are gone or of another type, and keys, lose rows. */
export function tableSteps(
  schema: TableSchema,
  existing: ExistingTables,
  declared: DeclaredSchema,
): readonly SchemaStep[] {
  const { name } = schema
  const known = declared.findTable(name)
  const definition = JSON.stringify(schema)
  if (known !== undefined && existing.has(name) && JSON.stringify(known) === definition) return []
  const values = `'table', '${name}', '${escaped(definition)}'`
  const insert = `INSERT INTO _declared (kind, name, definition) VALUES (${values})`
  const update = 'ON CONFLICT DO UPDATE SET definition = excluded.definition'
  return [
    ...changeSteps(schema, known, existing),
    step(`declaration of ${name}`, `${insert} ${update}`, COUNT_DECLARATION),
  ]
}

function changeSteps(
  schema: TableSchema,
  known: TableSchema | undefined,
  existing: ExistingTables,
): readonly SchemaStep[] {
  const { name } = schema
  if (known === undefined || !existing.has(name)) return [step(`table ${name}`, createRows(schema))]
  if (keyText(known) !== keyText(schema)) {
    return [destructive(`key of ${name}: all rows go`, `DROP TABLE "${name}"`, createRows(schema))]
  }
  const lost = Object.keys(known.columns).filter((column) => known.columns[column] !== schema.columns[column])
  const made = Object.keys(schema.columns).filter(
    (column) => known.columns[column] !== schema.columns[column],
  )
  return [
    ...lost.map((column) =>
      destructive(`column ${name}.${column} goes`, `ALTER TABLE "${name}" DROP COLUMN "${column}"`),
    ),
    ...made.map((column) =>
      step(`column ${name}.${column}`, `ALTER TABLE "${name}" ADD COLUMN ${columnSql(schema, column)}`),
    ),
  ]
}

function createRows(schema: TableSchema): string {
  const columns = Object.keys(schema.columns).map((column) => columnSql(schema, column))
  const key = schema.key.map((column) => `"${column}"`).join(', ')
  return `CREATE TABLE "${schema.name}" (
  ${columns.join(', ')},
  PRIMARY KEY (${key})
) STRICT, WITHOUT ROWID`
}

/** Booleans are 1 and 0. */
function columnSql({ columns, key }: TableSchema, column: string): string {
  const type = TYPES[columns[column] as ColumnType]
  return `"${column}" ${type}${key.includes(column) ? ' NOT NULL' : ''}`
}

function keyText({ key, columns }: TableSchema): string {
  return JSON.stringify(key.map((column) => [column, columns[column]]))
}

function destructive(what: string, ...statements: readonly string[]): SchemaStep {
  return { ...step(what, ...statements), hazard: 'destructive' }
}
