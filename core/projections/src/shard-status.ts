import { errorText, isMillraceError, type Runtime } from '@millrace/kernel'

/**
 * How a shard is. `waiting`: for its lease, which another node holds. `retrying`: something failed and is tried again
 * soon. `paused`: it failed often, and waits longer. `stopped`: it does nothing any more.
 */
export type ShardState = 'waiting' | 'running' | 'retrying' | 'paused' | 'stopped'

/** The last failure, for people. */
export interface LastError {
  readonly code: string
  readonly message: string
  readonly atMs: number
}

/** Time over which a rate is taken, in milliseconds. */
const RATE_MS = 10_000

/** The counters of a shard at work here. */
export class ShardStatus {
  state: ShardState = 'waiting'
  /** Everything up to here is committed; undefined before it has been looked up. */
  through: number | undefined
  /** Looks how many events are fetched and not committed. */
  stagedNow: () => number = () => 0
  applied = 0
  skipped = 0
  lastError: LastError | undefined
  readonly #runtime: Runtime
  #startMs: number
  #noteMs: number
  /** Events, the older the less they count. */
  #recent = 0

  constructor(runtime: Runtime) {
    this.#runtime = runtime
    this.#startMs = runtime.clock.monotonic()
    this.#noteMs = this.#startMs
  }

  get staged(): number {
    return this.stagedNow()
  }

  /** Events a second over the last ten seconds or so. */
  get eventsPerSecond(): number {
    const nowMs = this.#runtime.clock.monotonic()
    // Right after the start there are less than ten seconds to speak of.
    const seenMs = RATE_MS * (1 - Math.exp(-(nowMs - this.#startMs) / RATE_MS))
    return seenMs === 0 ? 0 : (1_000 * this.#faded(nowMs)) / seenMs
  }

  /** Some events are committed. */
  committed(events: { readonly applied: number; readonly skipped: number; readonly through: number }): void {
    const nowMs = this.#runtime.clock.monotonic()
    this.#recent = this.#faded(nowMs) + events.applied
    this.#noteMs = nowMs
    this.applied += events.applied
    this.skipped += events.skipped
    this.through = events.through
    this.state = 'running'
  }

  /** Something failed. */
  failed(error: unknown): void {
    this.lastError = lastErrorOf(error, this.#runtime)
  }

  #faded(nowMs: number): number {
    return this.#recent * Math.exp(-(nowMs - this.#noteMs) / RATE_MS)
  }
}

/** A failure that has just happened, for people. */
export function lastErrorOf(error: unknown, { clock }: Runtime): LastError {
  const code = isMillraceError(error) ? error.code : 'UNKNOWN'
  return { code, message: errorText(error), atMs: clock.now() }
}
