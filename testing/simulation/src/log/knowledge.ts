import type { LogGap, Retention } from '@millrace/log'
import type { RecordBook } from './record-book.ts'

/** Something that was learnt from outside of the log. */
export type Fact =
  /** The log has said that these records stand from `baseOffset` on; `isDurable`: on the disk, not only written. */
  | {
      readonly kind: 'acknowledged'
      readonly baseOffset: number
      readonly numbers: readonly number[]
      readonly isDurable: boolean
    }
  /** The log has said that these were not written, and will not be. */
  | { readonly kind: 'refused'; readonly numbers: readonly number[] }
  /** A reader was shown this record. */
  | { readonly kind: 'seen'; readonly offset: number; readonly number: number; readonly isDurable: boolean }
  /** Everything before `offset` is on the disk, but for what the log has named as lost. */
  | { readonly kind: 'durable'; readonly offset: number; readonly lost: readonly LogGap[] }
  /** Somebody asked the log to remove what is below `offset`. */
  | { readonly kind: 'trimmed'; readonly offset: number }
  /** The log has said that what is below `offset` is gone for good. */
  | { readonly kind: 'removed'; readonly offset: number }
  /** The wall clock has shown this. */
  | { readonly kind: 'clock'; readonly nowMs: number }
  /** A fault was let loose, or the disk was full. */
  | { readonly kind: 'trouble' }
  /** The log was closed in order, and its mark is written. */
  | { readonly kind: 'closed' }
  /** The process was killed, or the power failed: then what was not durable may be lost. */
  | { readonly kind: 'crashed'; readonly isWarm: boolean }

/** What the log may do by itself. */
export interface Policy {
  readonly retention: Retention | undefined
  readonly segmentBytesMax: number
  readonly isCompacted: boolean
  /** Appends need not wait for the disk; then offsets are left out after a crash, so that none is given twice. */
  readonly isWeak: boolean
}

/** `durable`: survives a power cut; `written`: survives a kill; `doubtful`: was written when the power failed. */
type Strength = 'durable' | 'written' | 'doubtful'

interface Known {
  readonly number: number
  strength: Strength
}

/** What is known at one moment about what must, may and must not stand in the log. */
export class Knowledge {
  readonly book: RecordBook
  readonly policy: Policy
  readonly #known: Map<number, Known>
  readonly #refused: Set<number>
  /** Records below this offset may have been removed because somebody asked for it. */
  trimmedBelow = 0
  /** Records below this offset are gone for good. */
  removedBelow = 0
  /** The latest time that the wall clock has shown. */
  nowMsMax = 0
  /** How many faults and crashes there were. */
  troubles = 0
  /** How many faults there were. */
  faults = 0
  /** The log's mark says that everything below this offset was durable. */
  markedEnd = 0
  /** The offset behind the last record that must be there. */
  durableEnd = 0
  /** The offset behind the last one that was ever shown or acknowledged: none below it may be given again. */
  usedEnd = 0

  constructor(
    book: RecordBook,
    policy: Policy,
    known: ReadonlyMap<number, Known> = new Map(),
    refused: ReadonlySet<number> = new Set(),
  ) {
    this.book = book
    this.policy = policy
    this.#known = new Map([...known].map(([offset, value]) => [offset, { ...value }]))
    this.#refused = new Set(refused)
  }

  /** What is known of each offset; iterates in the order in which it was learnt. */
  get known(): ReadonlyMap<number, Readonly<Known>> {
    return this.#known
  }

  isRefused(number: number): boolean {
    return this.#refused.has(number)
  }

  copy(): Knowledge {
    const copy = new Knowledge(this.book, this.policy, this.#known, this.#refused)
    copy.trimmedBelow = this.trimmedBelow
    copy.removedBelow = this.removedBelow
    copy.nowMsMax = this.nowMsMax
    copy.troubles = this.troubles
    copy.faults = this.faults
    copy.markedEnd = this.markedEnd
    copy.durableEnd = this.durableEnd
    copy.usedEnd = this.usedEnd
    return copy
  }

  /** Takes in a fact; answers what is wrong with it in the light of what was known. */
  learn(fact: Fact): string | undefined {
    switch (fact.kind) {
      case 'acknowledged':
        return firstOf(fact.numbers, (number, index) =>
          this.#know(fact.baseOffset + index, number, fact.isDurable),
        )
      case 'seen':
        return this.#know(fact.offset, fact.number, fact.isDurable)
      case 'refused':
        for (const number of fact.numbers) this.#refused.add(number)
        return undefined
      case 'durable':
        return this.#makeDurable(fact.offset, fact.lost)
      case 'trimmed':
        this.trimmedBelow = Math.max(this.trimmedBelow, fact.offset)
        return undefined
      case 'removed':
        // An empty log begins behind what was reserved: nothing that ever was there is gone by that.
        this.removedBelow = Math.max(this.removedBelow, Math.min(fact.offset, this.usedEnd))
        return undefined
      case 'clock':
        this.nowMsMax = Math.max(this.nowMsMax, fact.nowMs)
        return undefined
      case 'trouble':
        this.troubles += 1
        this.faults += 1
        return undefined
      case 'closed':
        this.markedEnd = this.durableEnd
        return undefined
      case 'crashed':
        // What was under way may have left a segment with nothing in it.
        this.troubles += 1
        if (fact.isWarm) return undefined
        for (const known of this.#known.values())
          if (known.strength === 'written') known.strength = 'doubtful'
        return undefined
    }
  }

  #know(offset: number, number: number, isDurable: boolean): string | undefined {
    const known = this.#known.get(offset)
    if (known !== undefined && known.number !== number)
      return `offset ${offset} shows record ${number}, and has shown record ${known.number} before`
    if (this.#refused.has(number)) return `offset ${offset} shows record ${number}, which was refused`
    this.usedEnd = Math.max(this.usedEnd, offset + 1)
    const strength = isDurable || known?.strength === 'durable' ? 'durable' : 'written'
    this.#known.set(offset, { number, strength })
    if (isDurable) this.durableEnd = Math.max(this.durableEnd, offset + 1)
    return undefined
  }

  #makeDurable(end: number, lost: readonly LogGap[]): undefined {
    // Named before anybody was told that more is durable: only a sync and a read that fail can do that.
    const isLost = (offset: number) => lost.some(({ from, to }) => from <= offset && offset < to)
    // What was lost before is not there again because the log goes on behind it.
    for (const [offset, known] of this.#known)
      if (offset < end && known.strength === 'written')
        known.strength = isLost(offset) ? 'doubtful' : 'durable'
    this.durableEnd = Math.max(this.durableEnd, Math.min(end, this.usedEnd))
  }
}

function firstOf<Item>(
  items: readonly Item[],
  check: (item: Item, index: number) => string | undefined,
): string | undefined {
  let found: string | undefined
  items.forEach((item, index) => {
    const wrong = check(item, index)
    found ??= wrong
  })
  return found
}
