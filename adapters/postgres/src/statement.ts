import type { Parameter } from './sql-values.ts'

/** A statement and what is bound to it. The text holds fixed words, checked names and declared paths; no caller's value. */
export interface Statement {
  readonly sql: string
  readonly parameters: readonly Parameter[]
}

/** A row as it comes: texts, or null. */
export type Row = readonly (string | null)[]

/** What became of a statement. */
export interface StatementResult {
  readonly rows: readonly Row[]
  /** How many rows it changed or found, from the word that the server ends it with. */
  readonly count: number
}
