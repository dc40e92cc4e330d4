import type { OperationResult } from '@millrace/documents'
import type { Statement, StatementResult } from './statement.ts'

/** A unit on its way: when it is done, and what it leaves on each document and event that it writes. */
export interface UnitMarks {
  readonly atMs: number
  readonly correlationId: string | undefined
  readonly causationId: string | undefined
}

/** A statement of a unit. Several operations that are alike may share one. */
export interface UnitStatement extends Statement {
  /** What it is for, so that a failure can be told. */
  readonly about: StatementSubject
  /** Answers the operations that it does, by their index in the unit. */
  answer(result: StatementResult, results: OperationResult[]): void
}

/** What a statement is about, for errors. */
export type StatementSubject =
  | { readonly kind: 'documents'; readonly collection: string; readonly texts?: readonly string[] }
  | { readonly kind: 'stream' }
  | {
      readonly kind: 'position'
      readonly processor: string
      readonly topic: string
      readonly partition: number
    }
  | { readonly kind: 'row'; readonly table: string }
  | { readonly kind: 'other' }
