import type { PreparedOperation } from '@millrace/documents'
import type { TouchedDocuments } from './touched-documents.ts'

/** A unit on its way to the writing thread. */
export interface CommitUnit {
  readonly operations: readonly PreparedOperation[]
  readonly correlationId: string | undefined
  readonly causationId: string | undefined
}

/** What every part of a unit that is written knows of it. */
export interface WriteUnit {
  readonly atMs: number
  readonly correlationId: string | null
  readonly causationId: string | null
  /** The documents that it changes, to be looked at when all of it is done. */
  readonly touched: TouchedDocuments
}
