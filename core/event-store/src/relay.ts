import type { Bus } from '@millrace/bus'
import type { Database } from '@millrace/documents'
import type { Runtime } from '@millrace/kernel'
import { RunningRelay } from './running-relay.ts'

/** What a relay needs, and how it goes about it. */
export interface RelayOptions {
  readonly database: Database
  readonly bus: Bus
  readonly runtime: Runtime
  /** Also the name of its lease and of its position. Default: 'relay'. Two names publish everything twice. */
  readonly name?: string
  /** See {@link LeaseOptions.holder}. */
  readonly holder?: string
  /** See {@link LeaseOptions.ttlMs}. */
  readonly leaseTtlMs?: number
  /** Events published at a time; not more are held in memory. Default: 500; at most 10,000. */
  readonly batchEventsMax?: number
  /** Longest wait for a hint before the database is asked again, in milliseconds. Default: 1,000. */
  readonly pollMs?: number
  readonly retry?: RelayRetry
  /** Aborting stops the relay as {@link Relay.stop} does. */
  readonly signal?: AbortSignal
}

/** What happens after a failure of the database or the bus. */
export interface RelayRetry {
  /** Gives up ('failed') at this failure in a row, if nothing was published in between. Default: never. */
  readonly failuresMax?: number
  /** Wait after the first failure, in milliseconds; doubles each time. Default: 100. */
  readonly delayMsMin?: number
  /** Longest wait, in milliseconds. Default: 30,000. */
  readonly delayMsMax?: number
  /** Share of the wait that chance may add, from 0 to 1. Default: 0.5. */
  readonly jitter?: number
}

/** A relay at work. Disposing of it stops it. */
export interface Relay extends AsyncDisposable {
  readonly name: string
  readonly progress: RelayProgress
  /** Resolves when it has stopped or failed; `progress.state` tells. */
  readonly ended: Promise<void>
  /** Finishes the batch at hand within `limitMs` (default 10,000), notes the position, and gives the lease back. */
  stop(options?: { readonly limitMs?: number }): Promise<void>
}

/** How far a relay is. */
export interface RelayProgress {
  /**
   * 'standby': another relay has the lease. 'retrying': something is down; it goes on by itself. 'failed': the bus or the
   * database was closed under it, another relay with the same holder has taken its place, or it has failed too often;
   * nothing is lost, but nothing more will happen.
   */
  readonly state: 'standby' | 'running' | 'retrying' | 'stopping' | 'stopped' | 'failed'
  /** Everything up to this position is on the bus, and noted so. */
  readonly position: number
  /** The end of the store, when it was last looked at. */
  readonly endPosition: number
  /** Age of the oldest event that was read and is not on the bus, in milliseconds; 0 if there is none. */
  readonly lagMs: number
  /** Messages that this relay has brought to the bus. */
  readonly published: number
  /** Those that the bus, or a look into the topics, has recognised as published before. */
  readonly recognised: number
  /** Those that the bus does not take; they are in {@link listRefusals}. */
  readonly refused: number
  /** Failures since the start. */
  readonly failures: number
  /** The last failure, for people. */
  readonly lastError?: { readonly code: string; readonly message: string; readonly atMs: number }
}

/**
 * Starts a relay: what was committed to the store with a topic is published on the bus, in the order of positions in each
 * topic and so in the order of the store for each key, and nothing is lost or doubled:
 *
 * - An event is read only when no earlier one can appear any more, and its position is noted, by compare and swap, when
 *   it is durable on the bus.
 * - After a crash in between it is published again with the same identity (source and id), which the bus recognises; what
 *   the bus may have forgotten is looked for in its topic, from an offset on that was noted before.
 * - One relay at a time, by a lease: every note of a position is refused if the lease has gone to another one. Topics are
 *   shared with other publishers, so the bus cannot fence a relay that is late; what such a one still publishes is the
 *   same, in the same order, and recognised.
 *
 * An event that the bus does not take is noted as refused and holds up nothing. If the bus, the database, or a topic that
 * is needed next is down, the relay waits for it, and for as long publishes nothing else.
 *
 * Published events without a stream are removed from the store. The collections that the relay needs are made.
 */
export function startRelay(options: RelayOptions): Relay {
  return new RunningRelay(options)
}
