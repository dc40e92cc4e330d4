/** Where a remembered publication is; `offset` is -1 while it waits for its time. */
export interface KnownPlace {
  readonly partition: number
  readonly offset: number
}

/**
 * The newest idempotency keys of a topic, at most `keysMax`; the oldest makes room. A ring beside the map keeps
 * forgetting cheap: a Map asked for its first key walks over everything that was deleted before it.
 */
export class IdempotencyWindow {
  readonly #places = new Map<string, KnownPlace>()
  readonly #ring: string[] = []
  readonly #keysMax: number
  #oldest = 0

  constructor(keysMax: number) {
    this.#keysMax = keysMax
  }

  get size(): number {
    return this.#places.size
  }

  get(key: string): KnownPlace | undefined {
    return this.#places.get(key)
  }

  /** Remembers `key`; a key that is known keeps its age and gets the new place. */
  set(key: string, place: KnownPlace): void {
    if (this.#keysMax === 0) return
    if (!this.#places.has(key)) this.#makeRoomFor(key)
    this.#places.set(key, place)
  }

  #makeRoomFor(key: string): void {
    if (this.#ring.length < this.#keysMax) {
      this.#ring.push(key)
      return
    }
    this.#places.delete(this.#ring[this.#oldest] as string)
    this.#ring[this.#oldest] = key
    this.#oldest = (this.#oldest + 1) % this.#keysMax
  }
}
