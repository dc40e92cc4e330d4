import type { Fault } from './fault.ts'
import type { Judge } from './page-work.ts'

/**
 * How much of the events at hand becomes part of a unit: all, until one of them has to be waited for. Events may be
 * looked at in several rounds (read, folded), each in order.
 */
export class UnitProgress {
  readonly #judge: Judge
  #taken: number
  #fault: Fault | undefined
  #skipped: { readonly index: number; readonly fault: Fault }[] = []

  constructor(events: number, judge: Judge) {
    this.#taken = events
    this.#judge = judge
  }

  /** Events from the first on that are part of it. */
  get taken(): number {
    return this.#taken
  }

  /** What the event behind those taken met. */
  get fault(): Fault | undefined {
    return this.#fault
  }

  /** Events that are left out, in order. */
  get skipped(): readonly Fault[] {
    return this.#skipped
      .filter(({ index }) => index < this.#taken)
      .sort((left, right) => left.index - right.index)
      .map(({ fault }) => fault)
  }

  /** The event at `index` cannot be taken: it is left out, or the unit ends before it. */
  note(index: number, fault: Fault): void {
    if (this.#judge(fault) === 'skip') {
      this.#skipped.push({ index, fault })
    } else if (index < this.#taken) {
      this.#taken = index
      this.#fault = fault
    }
  }

  /** The event at `index` and those behind it are left for another unit; nothing is wrong with them. */
  endBefore(index: number): void {
    if (index >= this.#taken) return
    this.#taken = index
    this.#fault = undefined
  }

  /** For another try of the rounds that follow. */
  copy(): UnitProgress {
    const copy = new UnitProgress(this.#taken, this.#judge)
    copy.#fault = this.#fault
    copy.#skipped = [...this.#skipped]
    return copy
  }
}
