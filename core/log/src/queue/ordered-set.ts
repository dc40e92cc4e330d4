import { DueHeap } from '@millrace/kernel'

interface Entry<Item> {
  readonly dueMs: number
  readonly sequence: number
  readonly item: Item
}

/** Entries that are out of date may be this many more than those that count, before they are cleared away. */
const STALE_COUNT_MAX = 64

/** A set whose members have an order: a time, or an offset. Gives the lowest first; each change costs a logarithm. */
export class OrderedSet<Item> {
  readonly #entries = new Map<Item, Entry<Item>>()
  #heap = new DueHeap<Entry<Item>>()
  #sequence = 0

  get size(): number {
    return this.#entries.size
  }

  /** Adds `item`, or gives it another order. */
  set(item: Item, order: number): void {
    this.#sequence += 1
    const entry = { dueMs: order, sequence: this.#sequence, item }
    this.#entries.set(item, entry)
    this.#heap.push(entry)
    if (this.#heap.size > 2 * this.#entries.size + STALE_COUNT_MAX) this.#rebuild()
  }

  delete(item: Item): void {
    this.#entries.delete(item)
  }

  /** The member with the lowest order. */
  get first(): Item | undefined {
    return this.#top()?.item
  }

  /** Its order. */
  get firstOrder(): number | undefined {
    return this.#top()?.dueMs
  }

  /** Takes the first one out, if its order is at most `order`. */
  takeUpTo(order: number): Item | undefined {
    const entry = this.#top()
    if (entry === undefined || entry.dueMs > order) return undefined
    this.#entries.delete(entry.item)
    return entry.item
  }

  #top(): Entry<Item> | undefined {
    for (let entry = this.#heap.peek(); entry !== undefined; entry = this.#heap.peek()) {
      if (this.#entries.get(entry.item) === entry) return entry
      this.#heap.pop()
    }
    return undefined
  }

  #rebuild(): void {
    this.#heap = new DueHeap()
    for (const entry of this.#entries.values()) this.#heap.push(entry)
  }
}
