import { type Random, randomInteger } from '@millrace/kernel'
import type { Death } from './killed-life.ts'

/** Opening takes about as long at first, in milliseconds; then what it takes is measured. */
const OPENING_MS = 15
/** How much the last opening counts in the mean of all. */
const OPENING_WEIGHT = 0.2
/** Closing takes a little less, in milliseconds. */
const CLOSING_MS = 4
/** A kill in step with the reports comes after this many at most. */
const REPORTS_MAX = 150

/** Chooses moments of death. */
export class Deaths {
  readonly #random: Random
  /** How long opening takes as busy as the machine is; kills at the start come before, others may come that much later. */
  #openingMs = OPENING_MS

  constructor(random: Random) {
    this.#random = random
  }

  /** A life took so long to open; undefined if it died before. */
  note(openingMs: number | undefined): void {
    if (openingMs !== undefined) this.#openingMs += OPENING_WEIGHT * (openingMs - this.#openingMs)
  }

  /** Most moments are as likely as any other; some are in the opening or the closing, some right behind a report. */
  choose(workMs: number): Death {
    const kind = this.#random.next()
    if (kind < 0.15) return { kind: 'time', ms: this.#random.next() * this.#openingMs }
    if (kind < 0.25) return { kind: 'closing', ms: randomInteger(this.#random, 0, CLOSING_MS) }
    if (kind < 0.45) return { kind: 'reports', count: randomInteger(this.#random, 0, REPORTS_MAX) }
    return { kind: 'time', ms: this.#random.next() * (this.#openingMs + workMs) }
  }
}
