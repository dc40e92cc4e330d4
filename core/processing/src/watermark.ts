import type { Position, TopicPartition } from '@millrace/bus'
import { assert } from '@millrace/kernel'
import type { Item } from './item.ts'

interface Mark extends TopicPartition {
  /** In the order of their offsets; the first one is not finished. */
  items: Item[]
  /** Everything below is finished; undefined until something is. */
  next: number | undefined
  /** What the group has committed, as far as this member did it. */
  committed: number | undefined
}

/**
 * How far each partition is finished without a gap. A position never passes an item that is not finished, so a
 * restart repeats items but skips none. Offsets may have holes.
 */
export class Watermarks {
  readonly #marks = new Map<string, Mark>()

  /** Takes an item on; offsets of a partition grow. */
  accept(item: Item): void {
    const { topic, partition, offset } = item.message
    const mark = this.#markOf({ topic, partition })
    assert(offset > (this.lastOffset(item.message) ?? -1), 'offsets of a partition grow')
    mark.items.push(item)
  }

  /** Offset of the newest item accepted and not yet behind the watermark, or the one before the watermark. */
  lastOffset(partition: TopicPartition): number | undefined {
    const mark = this.#marks.get(keyOf(partition))
    return mark?.items.at(-1)?.message.offset ?? (mark?.next === undefined ? undefined : mark.next - 1)
  }

  /** Moves the watermark of the partition of `item`, which has been finished, as far as there is no gap. */
  advance(item: Item): void {
    const mark = this.#marks.get(keyOf(item.message))
    if (mark === undefined) return
    let finished = 0
    while (mark.items[finished]?.state === 'finished') finished += 1
    const last = mark.items[finished - 1]
    if (last === undefined) return
    mark.next = last.message.offset + 1
    mark.items.splice(0, finished)
  }

  /** The positions that have moved since they were committed. */
  moved(): Position[] {
    const positions: Position[] = []
    for (const { topic, partition, next, committed } of this.#marks.values()) {
      if (next !== undefined && next !== committed) positions.push({ topic, partition, offset: next })
    }
    return positions
  }

  /** Notes that these positions are committed. */
  committed(positions: readonly Position[]): void {
    for (const position of positions) {
      const mark = this.#marks.get(keyOf(position))
      if (mark !== undefined) mark.committed = position.offset
    }
  }

  /** Stops following a partition; returns what was accepted and not finished. */
  forget(partition: TopicPartition): Item[] {
    const items = this.#marks.get(keyOf(partition))?.items ?? []
    this.#marks.delete(keyOf(partition))
    return items.filter((item) => item.state === 'held')
  }

  /** How many partitions are followed. */
  get size(): number {
    return this.#marks.size
  }

  follows(partition: TopicPartition): boolean {
    return this.#marks.has(keyOf(partition))
  }

  /** The partitions that are followed. */
  partitions(): TopicPartition[] {
    return [...this.#marks.values()].map(({ topic, partition }) => ({ topic, partition }))
  }

  /** Begins to follow a partition, if that has not happened yet. */
  follow(partition: TopicPartition): void {
    this.#markOf(partition)
  }

  #markOf({ topic, partition }: TopicPartition): Mark {
    const key = keyOf({ topic, partition })
    const known = this.#marks.get(key)
    if (known !== undefined) return known
    const mark: Mark = { topic, partition, items: [], next: undefined, committed: undefined }
    this.#marks.set(key, mark)
    return mark
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
