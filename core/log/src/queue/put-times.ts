import type { Clock } from '@millrace/kernel'

/** How much older than asked for an item may become, as a part of the age. */
const SAMPLES_PER_AGE = 16

interface Sample {
  readonly offset: number
  readonly monotonicMs: number
}

/**
 * How old the items of a lane are. A wall clock that is set must not make old what was put a minute ago, so the age of
 * what was put since the lane was opened is measured, and of the rest it is what the wall clock said when it was opened.
 */
export class PutTimes {
  readonly #clock: Clock
  readonly #sampleMs: number
  readonly #openedMs: number
  readonly #openedMonotonicMs: number
  readonly #firstOffset: number
  #samples: Sample[] = []

  constructor(clock: Clock, ageMsMax: number, firstOffset: number) {
    this.#clock = clock
    this.#sampleMs = ageMsMax / SAMPLES_PER_AGE
    this.#openedMs = clock.now()
    this.#openedMonotonicMs = clock.monotonic()
    this.#firstOffset = firstOffset
  }

  /** `offset` has just been put. */
  note(offset: number): void {
    const monotonicMs = this.#clock.monotonic()
    if (monotonicMs - (this.#samples.at(-1)?.monotonicMs ?? Number.NEGATIVE_INFINITY) < this.#sampleMs) return
    this.#samples.push({ offset, monotonicMs })
  }

  /** At least so old is the item. Offsets below it are not asked for any more. */
  ageMs(offset: number, putAtMs: number): number {
    const nowMs = this.#clock.monotonic()
    if (offset < this.#firstOffset)
      return Math.max(0, this.#openedMs - putAtMs) + nowMs - this.#openedMonotonicMs
    const next = this.#samples.findIndex((sample) => sample.offset > offset)
    const index = next === -1 ? this.#samples.length - 1 : next - 1
    const sample = this.#samples[index]
    if (sample === undefined) return 0
    this.#samples.splice(0, index)
    // It was put before the next sample was due.
    const lateMs = sample.offset === offset ? 0 : this.#sampleMs
    return Math.max(0, nowMs - sample.monotonicMs - lateMs)
  }
}
