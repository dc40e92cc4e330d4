import type { Clock } from '@millrace/kernel'

/** Jumps forward up to this are taken as they come, in milliseconds: a time server's small corrections. */
const SMALL_JUMP_MS_MAX = 60_000
/** A larger jump forward is believed when it has stood for so long, in milliseconds. */
const BELIEVED_AFTER_MS = 3_600_000

/**
 * The wall clock for those who remove what is old: a clock that is set ten years ahead, and back a minute later, must
 * not cost ten years of records. It follows the wall clock backwards at once, since that removes less; a large jump
 * forward is believed when two looks, an hour of the monotonic clock apart, agree on it. What the clock says when a log
 * is opened has to be believed.
 */
export class SteadyClock implements Clock {
  readonly #clock: Clock
  /** Wall-clock time at 0 of the monotonic clock, as far as it is believed. */
  #startMs: number
  #doubted: { readonly startMs: number; readonly sinceMs: number } | undefined

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startMs = clock.now() - clock.monotonic()
  }

  now(): number {
    const monotonicMs = this.monotonic()
    const startMs = this.#clock.now() - monotonicMs
    if (this.#isBelieved(startMs, monotonicMs)) {
      this.#startMs = startMs
      this.#doubted = undefined
    }
    return this.#startMs + monotonicMs
  }

  monotonic(): number {
    return this.#clock.monotonic()
  }

  #isBelieved(startMs: number, monotonicMs: number): boolean {
    if (startMs <= this.#startMs + SMALL_JUMP_MS_MAX) return true
    const doubted = this.#doubted
    if (doubted !== undefined && Math.abs(doubted.startMs - startMs) <= SMALL_JUMP_MS_MAX)
      return monotonicMs - doubted.sinceMs >= BELIEVED_AFTER_MS
    this.#doubted = { startMs, sinceMs: monotonicMs }
    return false
  }
}
