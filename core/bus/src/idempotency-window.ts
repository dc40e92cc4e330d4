/** Where a remembered publication is; `offset` is -1 while it waits for its time. */
export interface KnownPlace {
  readonly partition: number
  readonly offset: number
}

/** A key with its place, and when its message was accepted. */
export interface RememberedKey {
  readonly key: string
  readonly place: KnownPlace
  readonly timestampMs: number
}

/**
 * The newest idempotency keys of a topic, at most `keysMax`; the oldest makes room. A ring beside the map keeps
 * forgetting cheap: a Map asked for its first key walks over everything that was deleted before it.
 */
export class IdempotencyWindow {
  readonly #places = new Map<string, KnownPlace>()
  readonly #ring: string[] = []
  /** When the message of each key in the ring was accepted. */
  readonly #timesMs: number[] = []
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
  set(key: string, place: KnownPlace, timestampMs: number): void {
    if (this.#keysMax === 0) return
    if (!this.#places.has(key)) this.#makeRoomFor(key, timestampMs)
    this.#places.set(key, place)
  }

  /** Takes in keys that were found late, oldest first, among the others by their age: the newest of all stay. */
  merge(late: readonly RememberedKey[]): void {
    const keys = late.filter(({ key }) => !this.#places.has(key))
    // A message that was taken to be waiting for its time is in its partition already.
    for (const { key, place } of late) if (this.#places.get(key)?.offset === -1) this.#places.set(key, place)
    for (let age = 0; age < this.#ring.length; age += 1) {
      const index = (this.#oldest + age) % this.#ring.length
      const key = this.#ring[index] as string
      const place = this.#places.get(key) as KnownPlace
      keys.push({ key, place, timestampMs: this.#timesMs[index] as number })
    }
    keys.sort((a, b) => a.timestampMs - b.timestampMs)
    this.#places.clear()
    this.#ring.length = 0
    this.#timesMs.length = 0
    this.#oldest = 0
    for (const { key, place, timestampMs } of keys.slice(-this.#keysMax)) this.set(key, place, timestampMs)
  }

  #makeRoomFor(key: string, timestampMs: number): void {
    if (this.#ring.length < this.#keysMax) {
      this.#ring.push(key)
      this.#timesMs.push(timestampMs)
      return
    }
    this.#places.delete(this.#ring[this.#oldest] as string)
    this.#ring[this.#oldest] = key
    this.#timesMs[this.#oldest] = timestampMs
    this.#oldest = (this.#oldest + 1) % this.#keysMax
  }
}
