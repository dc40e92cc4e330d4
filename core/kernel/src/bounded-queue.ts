import { millraceError } from './errors/millrace-error.ts'

/** Limits of a {@link BoundedQueue}. */
export interface BoundedQueueOptions<Item> {
  /** What the queue holds, for the error message: "messages to device bench-1". */
  readonly name: string
  readonly itemsMax: number
  /** Default: no limit by size. */
  readonly bytesMax?: number
  /** Size of an item in bytes; needed with `bytesMax`. */
  readonly sizeOf?: (item: Item) => number
}

/** A first-in-first-out queue that refuses to grow past its limits; it never drops anything by itself. */
export class BoundedQueue<Item> {
  readonly #options: BoundedQueueOptions<Item>
  #items: (Item | undefined)[] = []
  #head = 0
  #bytes = 0

  constructor(options: BoundedQueueOptions<Item>) {
    this.#options = options
  }

  get size(): number {
    return this.#items.length - this.#head
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Adds `item` and answers true, or answers false and leaves the queue as it was if it would pass a limit. */
  offer(item: Item): boolean {
    const bytes = this.#sizeOf(item)
    if (this.size + 1 > this.#options.itemsMax) return false
    if (this.#bytes + bytes > (this.#options.bytesMax ?? Number.POSITIVE_INFINITY)) return false
    this.#items.push(item)
    this.#bytes += bytes
    return true
  }

  /** Adds `item`; throws `QUEUE_FULL` if it would pass a limit. */
  push(item: Item): void {
    if (this.offer(item)) return
    const { name, itemsMax, bytesMax } = this.#options
    throw millraceError('QUEUE_FULL', {
      queue: name,
      seen: `${this.size} items, ${this.#bytes} bytes`,
      limit: bytesMax === undefined ? `${itemsMax} items` : `${itemsMax} items and ${bytesMax} bytes`,
    })
  }

  peek(): Item | undefined {
    return this.#items[this.#head]
  }

  shift(): Item | undefined {
    const item = this.#items[this.#head]
    if (item === undefined) return undefined
    this.#items[this.#head] = undefined
    this.#head += 1
    this.#bytes -= this.#sizeOf(item)
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) this.#compact()
    return item
  }

  /** Takes everything out, in order. */
  drain(): Item[] {
    const items = this.#items.slice(this.#head) as Item[]
    this.#items = []
    this.#head = 0
    this.#bytes = 0
    return items
  }

  #compact(): void {
    this.#items = this.#items.slice(this.#head)
    this.#head = 0
  }

  #sizeOf(item: Item): number {
    return this.#options.sizeOf?.(item) ?? 0
  }
}
