/** Something that waits in a {@link TimerWheel}; `slot` belongs to the wheel. */
export interface WheelItem {
  /** When it is due, in milliseconds of the monotonic clock. Change it only through the wheel. */
  dueMs: number
  slot: number
  fire(nowMs: number): void
}

/** The value of `slot` while an item is in no wheel. */
export const NOT_WAITING = -1

const SLOTS = 512

/**
 * Many coarse time limits at the cost of one timer: an item fires at the first tick after it is due. Adding and
 * removing take constant time, so a hundred thousand keep-alives cost nothing until they pass.
 *
 * Source: G. Varghese and T. Lauck, Hashed and Hierarchical Timing Wheels, 1987, scheme 6.
 */
export class TimerWheel {
  readonly #tickMs: number
  readonly #slots: Set<WheelItem>[] = Array.from({ length: SLOTS }, () => new Set())
  #tick: number

  constructor(tickMs: number, nowMs: number) {
    this.#tickMs = tickMs
    this.#tick = Math.floor(nowMs / tickMs)
  }

  /** Puts `item` in, or moves it, to be fired at `dueMs`. */
  set(item: WheelItem, dueMs: number): void {
    this.delete(item)
    item.dueMs = dueMs
    const tick = Math.max(this.#tick + 1, Math.ceil(dueMs / this.#tickMs))
    item.slot = tick % SLOTS
    this.#slots[item.slot]?.add(item)
  }

  delete(item: WheelItem): void {
    if (item.slot === NOT_WAITING) return
    this.#slots[item.slot]?.delete(item)
    item.slot = NOT_WAITING
  }

  /** Fires everything that is due at `nowMs`. After a long sleep each slot is visited once, not once a lap. */
  advance(nowMs: number): void {
    const target = Math.floor(nowMs / this.#tickMs)
    this.#tick = Math.max(this.#tick, target - SLOTS)
    while (this.#tick < target) {
      this.#tick += 1
      this.#fireSlot(this.#tick % SLOTS, nowMs)
    }
  }

  #fireSlot(slot: number, nowMs: number): void {
    for (const item of [...(this.#slots[slot] ?? [])]) {
      if (item.slot !== slot || item.dueMs > nowMs) continue
      this.delete(item)
      item.fire(nowMs)
    }
  }
}
