/** Bytes of message values held: fetching pauses here, whatever the count, and goes on at half of it. */
export const HELD_BYTES_MAX = 32 * 1024 * 1024

/** When to fetch: closes at `pauseAt` items held, opens again at `resumeAt`. */
export class PrefetchGate {
  readonly #pauseAt: number
  readonly #resumeAt: number
  #isOpen = true

  constructor({ pauseAt, resumeAt }: { readonly pauseAt: number; readonly resumeAt: number }) {
    this.#pauseAt = pauseAt
    this.#resumeAt = resumeAt
  }

  /** Takes note of what is held now; true if more may be fetched. */
  update(count: number, bytes: number): boolean {
    if (count >= this.#pauseAt || bytes >= HELD_BYTES_MAX) this.#isOpen = false
    else if (count <= this.#resumeAt && bytes <= HELD_BYTES_MAX / 2) this.#isOpen = true
    return this.#isOpen
  }

  /** How many more may be fetched at once. */
  room(count: number): number {
    return this.#pauseAt - count
  }

  /** True when so much is held that a key that only fails must not take its time. */
  isPressed(count: number): boolean {
    return !this.#isOpen || count >= this.#resumeAt
  }
}
