/** How many keys are remembered; the one that began to fail first is forgotten first. */
const SUSPECTS_MAX = 10_000

/** Failures of one key without a success between them. */
interface Streak {
  /** Successes of all keys when it began. */
  readonly since: number
  /** True once a message of the key had all its tries. */
  hasGivenUp: boolean
}

/**
 * Keys that do nothing but fail.
 *
 * Why: a device whose every message fails would fill the prefetch with messages that wait for their next try, and so
 * hold up all the others. While the prefetch is under pressure such a key gets one try a message, but only if other
 * keys have succeeded since its failures began: if nothing succeeds, it is not the key, and waiting is right.
 */
export class Suspects {
  readonly #streaks = new Map<string, Streak>()
  #successes = 0

  /** A try of a message of `key` failed. */
  failed(key: string | undefined): void {
    if (key === undefined || this.#streaks.has(key)) return
    this.#streaks.set(key, { since: this.#successes, hasGivenUp: false })
    const [oldest] = this.#streaks.keys()
    if (this.#streaks.size > SUSPECTS_MAX && oldest !== undefined) this.#streaks.delete(oldest)
  }

  /** A message of `key` had all its tries. */
  gaveUp(key: string | undefined): void {
    const streak = key === undefined ? undefined : this.#streaks.get(key)
    if (streak !== undefined) streak.hasGivenUp = true
  }

  /** A message of `key` was handled. */
  succeeded(key: string | undefined): void {
    this.#successes += 1
    if (key !== undefined) this.#streaks.delete(key)
  }

  /** True if `key` was given up and has not succeeded since, while others have. */
  isSuspect(key: string | undefined): boolean {
    const streak = key === undefined ? undefined : this.#streaks.get(key)
    return streak?.hasGivenUp === true && this.#successes > streak.since
  }
}
