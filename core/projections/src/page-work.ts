import type { OperationResult, StoredEvent, WriteOperation } from '@millrace/documents'
import type { Fault } from './fault.ts'

/**
 * Decides about an event that cannot be taken: `skip`, leave it out and go on; `wait`, nothing behind it may be done
 * before it. Asked again for the same event when a unit has to be made again, so it must answer by what it knows of the
 * event, and count nothing.
 */
export type Judge = (fault: Fault) => 'skip' | 'wait'

/** What some events come to, ready to be committed. */
export interface PreparedUnit {
  readonly operations: readonly WriteOperation[]
  /** How many events, from the first on, are part of it: applied, left out, or no concern of this shard. */
  readonly taken: number
  /** Events of these that changed something, or might have. */
  readonly applied: number
  /** Events that are left out. */
  readonly skipped: readonly Fault[]
  /** What the event behind those taken met, if it has to be waited for. */
  readonly fault: Fault | undefined
  /** The unit is on its way: the next one may be made as if it were committed. */
  assume?(): void
  /** The unit is committed; `results` are those of its operations. */
  confirm?(results: readonly OperationResult[]): void
}

/** What a kind of projection makes of events, a unit at a time, in order. */
export interface PageWork {
  /** Types to ask the database for, as they are stored. */
  readonly storedTypes: readonly string[]
  /** True if a unit can be made while the one before it is on its way, and may still come to nothing. */
  readonly looksAhead: boolean
  /**
   * Makes a unit of the events, or of the first of them. Throws what the database throws when it is asked for
   * documents, and what a function over several events throws ({@link PreparedUnit.fault} names single ones).
   */
  prepare(events: readonly StoredEvent[], judge: Judge): Promise<PreparedUnit>
  /** A unit came to nothing, or nobody knows: what was remembered of the database may be out of date. */
  forget(): void
}
