/** What a follower shows: the newest items, newest first, and how many it had to let go. */
export interface LogView<Item> {
  readonly items: readonly Item[]
  /** Came while paused and is shown after `resume`. */
  readonly waiting: number
  /** No longer held: neither shown nor waiting. */
  readonly forgotten: number
}

/** A bounded list that can be held still. Whatever comes, at most `itemsMax` are shown and as many wait. */
export class MessageLog<Item> {
  readonly #itemsMax: number
  #items: Item[] = []
  #waiting: Item[] = []
  #forgotten = 0
  #paused = false

  constructor(itemsMax: number) {
    this.#itemsMax = itemsMax
  }

  get paused(): boolean {
    return this.#paused
  }

  /** `items` in the order in which they came. */
  add(items: readonly Item[]): void {
    if (this.#paused) this.#waiting = this.#bounded([...this.#waiting, ...items])
    else this.#items = this.#bounded([...this.#items, ...items])
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    const waiting = this.#waiting
    this.#waiting = []
    this.add(waiting)
  }

  clear(): void {
    this.#items = []
    this.#waiting = []
    this.#forgotten = 0
  }

  view(): LogView<Item> {
    return { items: this.#items.toReversed(), waiting: this.#waiting.length, forgotten: this.#forgotten }
  }

  #bounded(items: Item[]): Item[] {
    const over = items.length - this.#itemsMax
    if (over <= 0) return items
    this.#forgotten += over
    return items.slice(over)
  }
}
