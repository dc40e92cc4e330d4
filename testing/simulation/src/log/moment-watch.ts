import type { CrashStates, DiskCall, MemoryFiles } from '@millrace/memory'

/** A moment at which the power might fail, or the process be killed. */
export interface Moment {
  /** What had just happened on the disk. */
  readonly label: string
  /** How many facts were known. */
  readonly facts: number
  readonly states: CrashStates
  /** What the next process would see; only of some moments. */
  readonly killed: MemoryFiles | undefined
}

/** Calls that leave the disk as it is. */
const HARMLESS = new Set(['read', 'list', 'sync', 'syncDirectory'])

/** Watches a disk, and keeps each moment at which something is different than before. */
export class MomentWatch {
  readonly #disk: MemoryFiles
  readonly #factCount: () => number
  readonly #wantsKilled: () => boolean
  readonly #onMoment: (number: number) => void
  readonly #onCall: (call: DiskCall) => void
  #moments: Moment[] = []
  #number = 0
  #seenFacts = -1
  #isChanged = true

  /** `onMoment` is told how many moments there were so far, at each of them; `onCall` of every call. */
  constructor(
    disk: MemoryFiles,
    factCount: () => number,
    wantsKilled: () => boolean,
    onMoment: (number: number) => void = () => {},
    onCall: (call: DiskCall) => void = () => {},
  ) {
    this.#disk = disk
    this.#factCount = factCount
    this.#wantsKilled = wantsKilled
    this.#onMoment = onMoment
    this.#onCall = onCall
    disk.onCall = (call) => this.#see(call)
  }

  /** What was kept since the last time, and the moment that is now. */
  take(): readonly Moment[] {
    if (this.#isChanged || this.#factCount() !== this.#seenFacts) this.#keep('nothing under way')
    const moments = this.#moments
    this.#moments = []
    return moments
  }

  stop(): void {
    this.#disk.onCall = undefined
  }

  #see(call: DiskCall): void {
    const { number, operation, path, moment } = call
    this.#onCall(call)
    // Between two calls, what matters is what has been promised since.
    if (moment === 'begun' && (this.#isChanged || this.#factCount() !== this.#seenFacts))
      this.#keep(`before call ${number}, ${operation} ${path}`)
    if (moment === 'answered' || moment === 'refused')
      this.#isChanged ||= operation !== 'read' && operation !== 'list'
    if (moment === 'acted' && !HARMLESS.has(operation))
      this.#keep(`within call ${number}, ${operation} ${path}`)
  }

  #keep(label: string): void {
    this.#seenFacts = this.#factCount()
    this.#isChanged = false
    this.#number += 1
    this.#moments.push({
      label,
      facts: this.#seenFacts,
      states: this.#disk.crashStates({}),
      killed: this.#wantsKilled() ? this.#disk.afterKill() : undefined,
    })
    this.#onMoment(this.#number)
  }
}
