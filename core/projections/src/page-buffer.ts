import type { StoredEvent } from '@millrace/documents'
import { assert } from '@millrace/kernel'

/** Some events that follow one another, and the position up to which nothing else is left. */
export interface Page {
  readonly events: readonly StoredEvent[]
  readonly through: number
}

/** When to fetch: not any more at `pauseAt` events staged, again at `resumeAt`. */
export interface StagingLimits {
  readonly pauseAt: number
  readonly resumeAt: number
}

/** Texts of staged events, in UTF-16 units: fetching also pauses here, whatever the count, and goes on at half of it. */
export const STAGED_CHARACTERS_MAX = 32 * 1024 * 1024

/**
 * Events between their fetch and their commit, in order and without gaps: each page begins behind the `through` of the
 * one before. Never holds more than `pauseAt` events.
 */
export class PageBuffer {
  readonly #limits: StagingLimits
  #events: StoredEvent[] = []
  /** Events before this index are done with. */
  #start = 0
  #characters = 0
  #through: number
  #isOpen = true

  constructor(limits: StagingLimits, after: number) {
    this.#limits = limits
    this.#through = after
  }

  /** Events that are held. */
  get staged(): number {
    return this.#events.length - this.#start
  }

  /** Where to fetch on. */
  get through(): number {
    return this.#through
  }

  /** How many more may be fetched now; 0 while fetching is paused. */
  get room(): number {
    const { pauseAt, resumeAt } = this.#limits
    if (this.staged >= pauseAt || this.#characters >= STAGED_CHARACTERS_MAX) this.#isOpen = false
    else if (this.staged <= resumeAt && this.#characters <= STAGED_CHARACTERS_MAX / 2) this.#isOpen = true
    return this.#isOpen ? pauseAt - this.staged : 0
  }

  /** Takes what was fetched behind {@link through}. */
  add({ events, through }: Page): void {
    assert(through >= this.#through, 'a feed does not go back')
    assert(events.length <= this.#limits.pauseAt - this.staged, 'no more is fetched than there is room for')
    for (const event of events) {
      assert(event.position > this.#through, 'the events of a feed are in order')
      this.#through = event.position
      this.#characters += event.text.length
      this.#events.push(event)
    }
    this.#through = through
  }

  /** The first events behind `skip` others, at most `countMax`; they stay staged until they are dropped. */
  peek(countMax: number, skip = 0): readonly StoredEvent[] {
    const start = this.#start + skip
    return this.#events.slice(start, start + countMax)
  }

  /** The position up to which everything is done with when the first `count` events are. */
  throughOf(count: number): number {
    assert(count <= this.staged, 'only staged events can be taken')
    const next = this.#events[this.#start + count]
    // All that is staged makes the feed's own end; less than that ends before the next event.
    return next === undefined ? this.#through : next.position - 1
  }

  /** The first `count` events are done with. */
  drop(count: number): void {
    assert(count <= this.staged, 'only staged events can be dropped')
    for (let index = this.#start; index < this.#start + count; index += 1) {
      this.#characters -= this.#events[index]?.text.length ?? 0
    }
    this.#start += count
    if (this.#start * 2 >= this.#events.length) {
      this.#events = this.#events.slice(this.#start)
      this.#start = 0
    }
  }
}
