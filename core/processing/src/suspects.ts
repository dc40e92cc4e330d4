/** How many keys are remembered; the one that was noted first is forgotten first. */
const SUSPECTS_MAX = 10_000

/**
 * Keys whose last message was given up after all its tries.
 *
 * Why: a device whose every message fails would fill the prefetch with messages that wait for their next try, and so
 * hold up all the others. While the prefetch is under pressure such a key gets one try a message, but only if other
 * keys have succeeded since: if nothing succeeds, it is not the key, and waiting is right.
 */
export class Suspects {
  readonly #successesAt = new Map<string, number>()
  #successes = 0

  /** A message of `key` was given up. */
  gaveUp(key: string | undefined): void {
    if (key === undefined) return
    this.#successesAt.set(key, this.#successesAt.get(key) ?? this.#successes)
    const [oldest] = this.#successesAt.keys()
    if (this.#successesAt.size > SUSPECTS_MAX && oldest !== undefined) this.#successesAt.delete(oldest)
  }

  /** A message of `key` was handled. */
  succeeded(key: string | undefined): void {
    this.#successes += 1
    if (key !== undefined) this.#successesAt.delete(key)
  }

  /** True if `key` was given up, has not succeeded since, and others have. */
  isSuspect(key: string | undefined): boolean {
    const successesAt = key === undefined ? undefined : this.#successesAt.get(key)
    return successesAt !== undefined && this.#successes > successesAt
  }
}
