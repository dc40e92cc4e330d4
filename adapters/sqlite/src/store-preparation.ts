import type {
  CheckedCollection,
  CheckedSchema,
  PrepareOptions,
  SchemaPlan,
  SchemaStep,
} from '@millrace/documents'
import { millraceError } from '@millrace/kernel'
import { collectionSteps, needsWords } from './collection-steps.ts'
import { notUnique } from './collection-writer.ts'
import type { Connection } from './connection.ts'
import { DeclaredCollection } from './declared-collection.ts'
import type { DeclaredSchema } from './declared-schema.ts'
import { ExistingTables } from './existing-tables.ts'
import { documentsTable } from './sql-names.ts'
import { violatedIndex } from './sqlite-failure.ts'
import { COUNT_DECLARATION } from './store-tables.ts'
import { tableSteps } from './table-steps.ts'
import { checkAllReferences } from './touched-documents.ts'
import { WordIndex } from './word-index.ts'

/** The steps from what the file has to what a schema declares. */
export function planSchema(connection: Connection, schema: CheckedSchema): SchemaPlan {
  for (const { name } of schema.tables) checkTableName(name)
  const { statements, declarations } = connection
  return {
    steps: connection.readTogether(() =>
      stepsTo(schema, new ExistingTables(statements), declarations.current),
    ),
  }
}

/**
 * Brings the file to what a schema declares, in one transaction. A file that has it already is not written to.
 *
 * @throws STORE_SCHEMA_DIFFERS, DOCUMENT_NOT_UNIQUE, DOCUMENT_REFERENCE_BROKEN, and errors of the engine
 */
export function prepareSchema(connection: Connection, schema: CheckedSchema, options: PrepareOptions): void {
  const { steps } = planSchema(connection, schema)
  if (steps.length === 0) return
  if (options.checkOnly === true) throw differs(steps)
  try {
    connection.write(() => runSteps(connection, schema, options))
  } catch (error) {
    connection.declarations.forget()
    throw error
  }
}

function runSteps(connection: Connection, schema: CheckedSchema, options: PrepareOptions): void {
  const { statements, declarations } = connection
  // Another process may have prepared the same in the meantime.
  const steps = stepsTo(schema, new ExistingTables(statements), declarations.current)
  const destructive = steps.filter(({ hazard }) => hazard === 'destructive')
  if (destructive.length > 0 && options.allow !== 'destructive') throw differs(destructive)
  for (const step of steps) runStep(connection, schema, step)
  for (const collection of schema.collections) finish(connection, collection)
  statements.runOnce('ANALYZE sqlite_schema')
}

function stepsTo(
  schema: CheckedSchema,
  existing: ExistingTables,
  declared: DeclaredSchema,
): readonly SchemaStep[] {
  return [
    ...schema.collections.flatMap((each) => collectionSteps(each, existing, declared)),
    ...schema.tables.flatMap((each) => tableSteps(each, existing, declared)),
  ]
}

/** @throws SCHEMA_INVALID */
function checkTableName(name: string): void {
  if (!name.startsWith('sqlite_')) return
  const expected = 'a name that does not begin with "sqlite_", which SQLite keeps for itself'
  throw millraceError('SCHEMA_INVALID', { name, seen: 'a name that SQLite does not allow', expected })
}

function differs(steps: readonly SchemaStep[]) {
  return millraceError('STORE_SCHEMA_DIFFERS', { seen: steps.map(({ what }) => what).join(', ') })
}

function runStep({ statements }: Connection, { collections }: CheckedSchema, { sql }: SchemaStep): void {
  try {
    statements.runOnce(sql)
  } catch (error) {
    const violated = violatedIndex(error)
    const collection = collections.find(({ name }) => sql.includes(`ON "${documentsTable(name)}"`))
    if (violated === undefined || collection === undefined) throw error
    throw notUnique(new DeclaredCollection(collection, true), violated, undefined, error)
  }
}

/** What is not done in SQL: words, and whether references hold. */
function finish({ statements, declarations }: Connection, schema: CheckedCollection): void {
  const declared = declarations.current
  if (needsWords(schema, declared)) {
    const words = new WordIndex(statements)
    words.clear(schema.name)
    words.fill(declared.collection(schema.name))
    const filled = `UPDATE _declared SET filled = ? WHERE kind = 'collection' AND name = ?`
    statements.get(filled).run(JSON.stringify(schema.fullText), schema.name)
    statements.runOnce(COUNT_DECLARATION)
  } else if (schema.fullText.length === 0 && declared.filledOf(schema.name) !== undefined) {
    statements
      .get(`UPDATE _declared SET filled = NULL WHERE kind = 'collection' AND name = ?`)
      .run(schema.name)
    statements.runOnce(COUNT_DECLARATION)
  }
  if (schema.references.length > 0) checkAllReferences(statements, declared, schema.name)
}
