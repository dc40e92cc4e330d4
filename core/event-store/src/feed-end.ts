import type { Database } from '@millrace/documents'
import { abortReason, type Runtime, sleep } from '@millrace/kernel'

/** How long a hint is waited for before the database is asked again, in milliseconds. */
const POLL_MS_DEFAULT = 1_000
/**
 * Shortest and longest pause after a hint behind which nothing was found, in milliseconds: an event that is held back
 * for another one that may still be committed gives hints all the time.
 */
const HELD_BACK_MS_MIN = 1
const HELD_BACK_MS_MAX = 100

/** The wait at the end of a feed. */
export class FeedEnd {
  readonly #source: { readonly database: Database; readonly runtime: Runtime }
  readonly #pollMs: number
  readonly #signal: AbortSignal | undefined
  #vain = 0

  constructor(
    source: { readonly database: Database; readonly runtime: Runtime },
    { pollMs = POLL_MS_DEFAULT, signal }: { readonly pollMs?: number; readonly signal?: AbortSignal },
  ) {
    this.#source = source
    this.#pollMs = pollMs
    this.#signal = signal
  }

  /** Whether the last look has found something. */
  note(hasMoved: boolean): void {
    if (hasMoved) this.#vain = 0
  }

  /** Until there may be more. Hints that lead to nothing are followed more and more slowly. */
  async wait(position: number): Promise<void> {
    const signal = this.#signal
    const pollMs = this.#pollMs
    const { database, runtime } = this.#source
    const startMs = runtime.clock.monotonic()
    await database.eventsBeyond(position, {
      waitMsMax: pollMs,
      ...(signal === undefined ? {} : { signal }),
    })
    if (signal?.aborted) throw abortReason(signal)
    const isHint = runtime.clock.monotonic() - startMs < pollMs
    this.#vain = isHint ? this.#vain + 1 : 0
    if (this.#vain <= 1) return
    const pauseMs = HELD_BACK_MS_MIN * 2 ** (this.#vain - 2)
    await sleep(runtime.scheduler, Math.min(pauseMs, HELD_BACK_MS_MAX), signal)
  }
}
