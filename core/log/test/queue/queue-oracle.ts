import type { DeadLetter, ItemPlace, NewItem, Queue, QueueItem, RecordedDrop } from '@millrace/log'
import { expect } from 'vitest'

const decoder = new TextDecoder()

interface Known {
  readonly text: string
  readonly lane: string
  readonly key: string | undefined
  /** Known when its put was acknowledged. */
  offset: number | undefined
}

interface Seen {
  /** Acknowledgements that were asked for, whatever came of them. */
  readonly asked: Set<string>
  /** Acknowledgements that were durable. */
  readonly done: Set<string>
  /** Deliveries that count. */
  readonly deliveries: Map<string, number>
  /** Under lease in this life. */
  readonly leased: Map<string, Known>
}

/** Knows, outside of the queue, what was promised: what was put, handed out and acknowledged. */
export class QueueOracle {
  readonly #items = new Map<string, Known>()
  readonly #consumers = new Map<string, Seen>()
  readonly #places = new Set<string>()
  #drops: readonly RecordedDrop[] = []
  #letters: readonly DeadLetter[] = []
  /** A full disk lets deliveries go uncounted. */
  countsAreExact = true

  attempt(text: string, { lane = 'normal', key }: Partial<NewItem>): void {
    this.#items.set(text, { text, lane, key, offset: undefined })
  }

  stored(text: string, { lane, offset }: ItemPlace): void {
    const known = this.#known(text)
    expect(known.lane).toBe(lane)
    expect(this.#places, 'an offset is given once').not.toContain(`${lane}/${offset}`)
    this.#places.add(`${lane}/${offset}`)
    known.offset = offset
  }

  /** What the queue has recorded up to now. */
  async note(queue: Queue): Promise<void> {
    this.#drops = await allPages(
      (from) => queue.drops.read(from),
      ({ offset }) => offset,
    )
    this.#letters = await allPages(
      (from) => queue.deadLetters.read(from),
      ({ letter }) => letter,
    )
  }

  async delivered(consumer: string, item: QueueItem, queue: Queue, deliveriesMax: number): Promise<void> {
    const text = decoder.decode(item.value)
    const known = this.#known(text)
    const seen = this.#seen(consumer)
    expect([item.lane, item.key], 'an item is what was put').toEqual([known.lane, known.key])
    expect(seen.done, 'nothing comes after its acknowledgement was durable').not.toContain(text)
    expect(item.deliveries).toBeLessThanOrEqual(deliveriesMax)
    const counted = seen.deliveries.get(text) ?? 0
    if (this.countsAreExact)
      expect(item.deliveries, `deliveries of ${text} are counted`).toBeGreaterThan(counted)
    seen.deliveries.set(text, counted + 1)
    known.offset ??= item.offset
    expect(known.offset, 'an item keeps its place').toBe(item.offset)
    for (const other of seen.leased.values())
      if (known.key !== undefined) expect(other.key, 'one item of a key at a time').not.toBe(known.key)
    await this.#checkOrder(consumer, known, item.offset, queue)
    seen.leased.set(text, known)
  }

  asked(consumer: string, items: readonly QueueItem[]): void {
    for (const { value } of items) this.#seen(consumer).asked.add(decoder.decode(value))
  }

  done(consumer: string, items: readonly QueueItem[]): void {
    for (const { value } of items) {
      this.#seen(consumer).done.add(decoder.decode(value))
      this.#seen(consumer).leased.delete(decoder.decode(value))
    }
  }

  /** They may come again, and their delivery counts. */
  returned(consumer: string, items: readonly QueueItem[]): void {
    for (const { value } of items) this.#seen(consumer).leased.delete(decoder.decode(value))
  }

  /** They may come again, and their delivery does not count. */
  uncounted(consumer: string, items: readonly QueueItem[]): void {
    const { deliveries } = this.#seen(consumer)
    for (const { value } of items) {
      const text = decoder.decode(value)
      deliveries.set(text, Math.max(0, (deliveries.get(text) ?? 0) - 1))
    }
    this.returned(consumer, items)
  }

  /** Counts of deliveries survive the end of the process, but not that of the machine. */
  powerFailed(): void {
    for (const { deliveries } of this.#consumers.values()) deliveries.clear()
  }

  /** Leases are volatile. */
  leasesEnded(uncount: boolean): void {
    for (const seen of this.#consumers.values()) {
      if (uncount)
        for (const text of seen.leased.keys())
          seen.deliveries.set(text, Math.max(0, (seen.deliveries.get(text) ?? 0) - 1))
      seen.leased.clear()
    }
  }

  /** After everything was drained: what was put is acknowledged, dropped and recorded, or a dead letter. */
  async finish(consumers: readonly string[], queue: Queue): Promise<void> {
    await this.note(queue)
    for (const consumer of consumers)
      for (const known of this.#items.values())
        if (known.offset !== undefined)
          expect(
            this.#isFinished(consumer, known),
            `${known.text} at ${known.lane}/${known.offset} for ${consumer}`,
          ).toBe(true)
  }

  async #checkOrder(consumer: string, { lane, key }: Known, offset: number, queue: Queue): Promise<void> {
    if (key === undefined) return
    const earlier = [...this.#items.values()].filter(
      (other) =>
        other.key === key && other.lane === lane && other.offset !== undefined && other.offset < offset,
    )
    if (earlier.every((other) => this.#isFinished(consumer, other))) return
    await this.note(queue)
    for (const other of earlier)
      expect(this.#isFinished(consumer, other), `${other.text} comes before another item of its key`).toBe(
        true,
      )
  }

  #isFinished(consumer: string, { text, lane, offset = -1 }: Known): boolean {
    const isDropped = this.#drops.some(
      (drop) =>
        drop.lane === lane &&
        drop.from <= offset &&
        offset < drop.to &&
        (drop.consumer === undefined || drop.consumer === consumer),
    )
    const isLetter = this.#letters.some(
      (letter) => letter.lane === lane && letter.offset === offset && letter.consumer === consumer,
    )
    return this.#seen(consumer).asked.has(text) || isDropped || isLetter
  }

  #known(text: string): Known {
    const known = this.#items.get(text)
    expect(known, `${text} was put`).toBeDefined()
    return known as Known
  }

  #seen(consumer: string): Seen {
    const seen = this.#consumers.get(consumer) ?? {
      asked: new Set<string>(),
      done: new Set<string>(),
      deliveries: new Map<string, number>(),
      leased: new Map<string, Known>(),
    }
    this.#consumers.set(consumer, seen)
    return seen
  }
}

async function allPages<Entry>(
  read: (from: number) => Promise<readonly Entry[]>,
  numberOf: (entry: Entry) => number,
): Promise<readonly Entry[]> {
  const all: Entry[] = []
  for (let next = 0; ; ) {
    const page = await read(next)
    const last = page.at(-1)
    if (last === undefined) return all
    all.push(...page)
    next = numberOf(last) + 1
  }
}
