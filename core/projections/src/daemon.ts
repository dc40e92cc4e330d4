import type { Database } from '@millrace/documents'
import type { Upcasters } from '@millrace/event-store'
import type { Runtime } from '@millrace/kernel'
import type { AnyProjection } from './any-projection.ts'
import type { DeadLetter } from './dead-letter.ts'
import type { ProjectionProgress } from './progress.ts'
import type { ProjectionSettings } from './projection-settings.ts'

/** A projection and how it runs. */
export interface DaemonProjection extends ProjectionSettings {
  readonly projection: AnyProjection
}

/** What a daemon needs. */
export interface DaemonOptions {
  readonly database: Database
  readonly runtime: Runtime
  /** All that run in the background, on this node or another one. Names, collections and tables are each one's own. */
  readonly projections: readonly (AnyProjection | DaemonProjection)[]
  /**
   * The name of this node, which no other one has: a node that comes back under its name need not wait for its own
   * leases. Default: on an engine of one process, that process; else one that is made up.
   */
  readonly node?: string
  /** Applied to every event that is read. Default: none. */
  readonly upcasters?: Upcasters
  /** How often records are looked at for what other nodes have changed, in milliseconds. Default: 1,000. */
  readonly lookMs?: number
  /** Aborting stops it as `stop` does. */
  readonly signal?: AbortSignal
}

/** Which letters. */
export interface DeadLetterQuery {
  /** Default: of all. */
  readonly projection?: string
  /** Default: 100; at most 10,000. */
  readonly limit?: number
  readonly offset?: number
}

/** How long to wait for what. */
export interface StalenessOptions {
  /** Documents must hold every event up to here. Default: the end of the feed, as it is at the call. */
  readonly position?: number
  /** Default: 10,000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/**
 * Projections that run in the background, fed from the store. Several daemons share the work by shards: each shard is
 * one daemon's at a time, and the database itself refuses what a former owner sends (promise OnlyTheFencedWriterWrites).
 * Documents and positions commit together (EffectAndCheckpointTogether); what one projection meets stops no other one
 * (PoisonStopsNothing).
 *
 * All functions that name a projection throw PROJECTION_UNKNOWN for one that the daemon does not have, and what the
 * database throws. What they change is durable, and holds for all nodes.
 */
export interface Daemon extends AsyncDisposable {
  /** How all projections are, on every node. */
  progress(): Promise<readonly ProjectionProgress[]>
  /**
   * Resolves when the documents of these projections (default: of all) hold the events up to a position.
   *
   * @throws PROJECTION_STALE (in time they do not), PROJECTION_STOPPED (they will not before somebody resumes it), the
   * signal's reason
   */
  waitForNonStale(projections?: readonly string[], options?: StalenessOptions): Promise<void>
  /** Nothing is written any more when it resolves, by no node; a rebuild rests, too. Idempotent. */
  pause(projection: string): Promise<void>
  /** Goes on after a pause or an error, or at once instead of after a wait. Idempotent. */
  resume(projection: string): Promise<void>
  /**
   * Begins to make the documents again, and resolves when that is on record; `progress` shows how far it is. Documents
   * are made side by side: those that are there are served, and kept up to date, until the others take their place at
   * once. The rows of a table, and what a custom projection writes, are removed and made again in place. If a rebuild is
   * going on it begins anew.
   *
   * @throws PROJECTION_NOT_REBUILDABLE
   */
  rebuild(projection: string): Promise<void>
  /** Gives up a rebuild side by side; the served documents stay. False if there is none. */
  cancelRebuild(projection: string): Promise<boolean>
  /**
   * Makes one stream's document again, from its events up to where the projection stands. Where streams of several
   * tenants share a document (a collection without tenancy, and streams of one name) rebuild all instead.
   *
   * @throws PROJECTION_NOT_REBUILDABLE (its documents are not those of streams, or its functions have changed), STREAM_ENDED,
   * HANDLER_FAILED (its function threw) and whatever else is wrong with an event
   */
  rebuildStream(projection: string, stream: string, options?: { readonly tenant?: string }): Promise<void>
  /** Events that were left out, by projection and position. */
  deadLetters(
    query?: DeadLetterQuery,
  ): Promise<{ readonly letters: readonly DeadLetter[]; readonly total: number }>
  /**
   * Applies an event that was left out to the documents as they are now, after all that came behind it, and removes its
   * letter in the same unit. Where the order matters rebuild the stream instead, or all.
   *
   * @throws DEAD_LETTER_UNKNOWN, PROJECTION_NOT_REBUILDABLE (the documents are made by another version of the functions),
   * and what is wrong with the event still
   */
  replayDeadLetter(id: string): Promise<void>
  /** Removes a letter; its event stays left out. False if there is none. */
  discardDeadLetter(id: string): Promise<boolean>
  /**
   * Stops fetching, commits what is staged, within `limitMs` (default 10,000), and gives the leases back; what is not
   * committed by then is done again by whoever comes next. With 0 at once. Idempotent.
   */
  stop(options?: { readonly limitMs?: number }): Promise<void>
}
