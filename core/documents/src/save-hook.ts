import type { CommitOptions, Database, WriteOperation } from './database.ts'
import type { Reader } from './reader.ts'
import type { SessionEvents } from './session-events.ts'

/**
 * Adds to a unit when it is saved: inline projections, for instance. What it returns is committed together with what the
 * session has gathered, behind it. Called again, with the same unit and a fresh view of the database, when a document
 * that only hooks write has changed since (DOCUMENT_CONFLICT), at most `saveAttemptsMax` times. It must not keep anything
 * of a unit whose commit it has not seen, and what it throws is thrown by `saveChanges`.
 */
export type SaveHook = (unit: SaveUnit) => Promise<readonly WriteOperation[]>

/** What a session is about to save. */
export interface SaveUnit {
  /** Tenant, correlation and causation of everything in it. */
  readonly options: CommitOptions
  /** Events that are appended and published, in the order of the operations. */
  readonly events: readonly SessionEvents[]
  /** What the session has gathered, and what hooks before this one have added. */
  readonly operations: readonly WriteOperation[]
  /** Typed reads of the session's tenant; they do not see what is about to be saved. */
  readonly reader: Reader
  /** Reads of the port, for all tenants. */
  readonly database: Pick<Database, 'read'>
  /** 1 at first. */
  readonly attempt: number
}

/** How often a unit is tried while documents that its hooks write are changed by others. */
export const saveAttemptsMax = 10
