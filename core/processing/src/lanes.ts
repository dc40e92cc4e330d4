import { assert } from '@millrace/kernel'
import type { Item } from './item.ts'

/** Items of one key, oldest first. Modes: ready (in the queue) → busy (its head is out) → ready or gone. */
interface Lane {
  /** Undefined for a message without a key, which has a lane of its own. */
  readonly key: string | undefined
  readonly items: Item[]
}

/**
 * Order per key: hands out the oldest item of a key only when the one before it is finished, however often that is
 * tried; different keys take turns. Bounded by what the prefetch lets in.
 */
export class Lanes {
  readonly #byKey = new Map<string, Lane>()
  readonly #busy = new Map<Item, Lane>()
  #ready: Lane[] = []

  add(item: Item): void {
    const { key } = item.message
    const lane = key === undefined ? undefined : this.#byKey.get(key)
    if (lane !== undefined) {
      lane.items.push(item)
      return
    }
    const newLane: Lane = { key, items: [item] }
    if (key !== undefined) this.#byKey.set(key, newLane)
    this.#ready.push(newLane)
  }

  /** The next item to work on, if there is one; its key rests until `finish` or `again`. */
  next(): Item | undefined {
    const lane = this.#ready.shift()
    const item = lane?.items[0]
    if (lane === undefined || item === undefined) return undefined
    this.#busy.set(item, lane)
    return item
  }

  /** The item is done with; the next one of its key may come, after the other keys had their turn. */
  finish(item: Item): void {
    const lane = this.#release(item)
    lane.items.shift()
    if (lane.items.length > 0) this.#ready.push(lane)
    else if (lane.key !== undefined) this.#byKey.delete(lane.key)
  }

  /** The item is to be handed out once more, before the others of its key. */
  again(item: Item): void {
    this.#ready.push(this.#release(item))
  }

  /** Leaves out waiting items that were forgotten. Those handed out stay until `finish` or `again`. */
  dropForgotten(): void {
    for (const lane of [...this.#ready, ...this.#busy.values()]) {
      const kept = lane.items.filter((item) => item.state !== 'forgotten' || this.#busy.has(item))
      lane.items.splice(0, lane.items.length, ...kept)
      if (kept.length === 0 && lane.key !== undefined) this.#byKey.delete(lane.key)
    }
    this.#ready = this.#ready.filter((lane) => lane.items.length > 0)
  }

  #release(item: Item): Lane {
    const lane = this.#busy.get(item)
    assert(lane !== undefined, 'an item is released once, after it was handed out')
    this.#busy.delete(item)
    return lane
  }
}
