import { DatabaseSync, type StatementSync } from 'node:sqlite'

/** The part of a statement of `node:sqlite` that is used here. */
export type BindableStatement = Pick<StatementSync, 'get' | 'all' | 'run' | 'iterate'>

/** A statement whose marks, numbered ones too, are bound by their places. */
export function bindableStatement(statement: StatementSync, sql: string): BindableStatement {
  if (BINDS_NUMBERED || !/\?\d/.test(sql)) return statement
  return {
    get: (...values: unknown[]) => statement.get(named(values)),
    all: (...values: unknown[]) => statement.all(named(values)),
    run: (...values: unknown[]) => statement.run(named(values)),
    iterate: (...values: unknown[]) => statement.iterate(named(values)),
  } as BindableStatement
}

type Named = Parameters<StatementSync['get']>[0] & Record<string, never>

/** Values by the names that numbered marks have. */
function named(values: readonly unknown[]): Named {
  return Object.fromEntries(values.map((value, index) => [`?${index + 1}`, value])) as Named
}

/** Some versions of Node 22 and 24 take a numbered mark for a named one. */
const BINDS_NUMBERED = bindsNumbered()

function bindsNumbered(): boolean {
  const database = new DatabaseSync(':memory:')
  try {
    return database.prepare('SELECT ?1').get(1) !== undefined
  } catch {
    return false
  } finally {
    database.close()
  }
}
