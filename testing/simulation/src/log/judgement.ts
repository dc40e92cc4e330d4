import type { Log, LogGap, LogRecord } from '@millrace/log'
import type { Circumstances, Damage } from './circumstances.ts'
import type { Knowledge } from './knowledge.ts'
import { fail } from './violation.ts'

/** Bytes that a record takes in a file beside key and value, at most: its share of a frame of its own. */
const RECORD_OVERHEAD_BYTES_MAX = 96

/** A record that must be there, and is not. */
interface Lost {
  readonly offset: number
  readonly number: number
}

/** Compares a log that was read completely with what is known of it. */
export class Judgement {
  /** The numbers of the records, in the order of their offsets. */
  readonly numbers: readonly number[]
  readonly #records: readonly LogRecord[]
  readonly #knowledge: Knowledge
  readonly #damage: Damage | undefined
  /** Only the process has ended: what was written is there, synced or not; unless a fault has dropped it. */
  readonly #mustHaveWritten: boolean
  readonly #start: number
  readonly #end: number
  readonly #gaps: readonly LogGap[]
  readonly #found = new Map<number, number>()

  constructor(log: Log, records: readonly LogRecord[], knowledge: Knowledge, circumstances: Circumstances) {
    this.#records = records
    this.#knowledge = knowledge
    this.#damage = circumstances.damage
    this.#mustHaveWritten = circumstances.isWarm === true && knowledge.faults === 0
    this.#start = log.startOffset
    this.#end = log.endOffset
    this.#gaps = log.gaps
    this.numbers = records.map((record) => this.#identify(record))
    for (const [index, { offset }] of records.entries()) this.#found.set(offset, this.numbers[index] ?? -1)
  }

  /** Throws what is wrong. */
  pronounce(): void {
    this.#order()
    this.#places()
    this.#calls()
    this.#presence()
    if (this.#start < this.#knowledge.removedBelow)
      fail(
        `the log starts at ${this.#start}, and what was below ${this.#knowledge.removedBelow} was gone for good`,
      )
  }

  /** Nothing that nobody appended, and nothing that was refused. */
  #identify(record: LogRecord): number {
    const { book } = this.#knowledge
    const number = book.identify(record)
    if (number === undefined) fail(`offset ${record.offset} shows what nobody appended: ${describe(record)}`)
    if (this.#knowledge.isRefused(number))
      fail(`offset ${record.offset} shows record ${number}, which was refused`)
    return number
  }

  /** Offsets go up, and records stand in the order in which they were handed over; so none stands twice. */
  #order(): void {
    let last = -1
    let lastOffset = this.#start - 1
    this.#records.forEach(({ offset }, index) => {
      const number = this.numbers[index] ?? -1
      if (offset <= lastOffset) fail(`offset ${offset} comes behind offset ${lastOffset}`)
      if (number <= last) fail(`record ${number} at offset ${offset} comes behind record ${last}`)
      last = number
      lastOffset = offset
    })
    if (lastOffset >= this.#end) fail(`offset ${lastOffset} can be read, and the log ends at ${this.#end}`)
  }

  /** Every offset has a record, or is named as lost; lost is only what was damaged, or was never on the disk. */
  #places(): void {
    const { policy } = this.#knowledge
    if (this.#damage === undefined && !policy.isWeak && this.#gaps.length > 0)
      fail(`nothing was damaged, and there are gaps: ${JSON.stringify(this.#gaps)}`)
    let next = this.#start
    for (const { from, to } of [...this.#gaps, ...placesOf(this.#records)].sort((a, b) => a.from - b.from)) {
      if (to <= this.#start) continue
      if (from < next && from >= this.#start) fail(`offset ${from} can be read, and is named as lost, too`)
      if (from > next && !policy.isCompacted) fail(`offset ${next} is neither there nor named as lost`)
      next = to
    }
    if (next < this.#end && !policy.isCompacted) fail(`offset ${next} is neither there nor named as lost`)
  }

  /** The records of one call are there, or none is. */
  #calls(): void {
    const { book, policy } = this.#knowledge
    if (policy.isCompacted) return
    let previous: number | undefined
    for (const number of this.numbers) {
      const { call } = book.get(number)
      const isFirst = number === 0 || book.get(number - 1).call !== call
      if (!isFirst && previous !== number - 1)
        fail(`record ${number} is there without record ${number - 1} of its call`)
      if (previous !== undefined) this.#requireWhole(previous, number)
      previous = number
    }
    if (previous !== undefined) this.#requireWhole(previous, undefined)
  }

  #requireWhole(number: number, next: number | undefined): void {
    const { book } = this.#knowledge
    if (number + 1 >= book.count || next === number + 1) return
    if (book.get(number + 1).call === book.get(number).call)
      fail(`record ${number} is there without record ${number + 1} of its call`)
  }

  /** What must be there is. */
  #presence(): void {
    const { known, usedEnd } = this.#knowledge
    const lost: Lost[] = []
    const unnamed: number[] = []
    for (const [offset, { number, strength }] of known) {
      const found = this.#found.get(offset)
      if (found === number) continue
      if (found !== undefined && this.#damage === undefined)
        fail(`offset ${offset} shows record ${found}, and has shown record ${number} before`)
      if (strength === 'doubtful' || (strength === 'written' && !this.#mustHaveWritten)) continue
      const isNamed = this.#gaps.some(({ from, to }) => from <= offset && offset < to)
      if (offset < this.#start && this.#mayBeRemoved(offset)) continue
      // Also below the start: compacted for a later one with its key, which then was removed for its own age.
      if (!isNamed && this.#mayBeCompacted(number)) continue
      if (this.#damage === undefined)
        fail(
          `record ${number} at offset ${offset} (of ${this.#start} to ${this.#end}) was acknowledged, and is not there`,
        )
      lost.push({ offset, number })
      if (!isNamed) unnamed.push(offset)
    }
    if (this.#damage !== undefined) this.#damages(this.#damage, lost, unnamed)
    if (this.#damage === undefined && this.#end < usedEnd)
      fail(`the log ends at ${this.#end}, and offset ${usedEnd - 1} had been used`)
  }

  /** One place costs one frame, and what is lost is named: but for an end that nothing vouches for. */
  #damages(
    { what, isOnePlace, isMark, vouchedEnd }: Damage,
    lost: readonly Lost[],
    unnamed: readonly number[],
  ): void {
    const { book, markedEnd, durableEnd, policy } = this.#knowledge
    const lastFound = this.#records.at(-1)?.offset ?? -1
    // What was synced together, and last, may all be taken for a torn end.
    const isCounted = isOnePlace && !policy.isCompacted
    const counted = policy.isWeak ? lost.filter(({ offset }) => offset < lastFound) : lost
    if (isCounted && new Set(counted.map(({ number }) => book.get(number).turn)).size > 1)
      fail(
        `${what} cost records ${counted.map(({ number }) => number).join()}, which were not appended together`,
      )
    const vouched = Math.max(isMark ? 0 : markedEnd, vouchedEnd)
    const wrong = unnamed.filter(
      (offset) => (offset < this.#end || offset < vouched) && offset >= this.#start,
    )
    if (wrong.length > 0) fail(`${what} cost offsets ${wrong.join()}, and no gap names them`)
    if (this.#end < Math.min(vouched, durableEnd))
      fail(`${what}: the log ends at ${this.#end}, and everything below ${vouched} was durable`)
  }

  /** Old records go when the retention says so, or somebody asked for it. */
  #mayBeRemoved(offset: number): boolean {
    const { known, book, policy, trimmedBelow, nowMsMax } = this.#knowledge
    if (offset < trimmedBelow) return true
    const { ageMsMax } = policy.retention ?? {}
    const number = known.get(offset)?.number ?? -1
    if (ageMsMax !== undefined && book.get(number).timestampMs < nowMsMax - ageMsMax) return true
    return this.#isLargeEnough()
  }

  /** True if what is left is so much that what is missing may have been too much. */
  #isLargeEnough(): boolean {
    const { policy, troubles } = this.#knowledge
    const { bytesMax } = policy.retention ?? {}
    if (bytesMax === undefined) return false
    if (policy.isCompacted) return true
    const left = this.#records.reduce(
      (sum, { key, value }) => sum + (key?.length ?? 0) + value.length + RECORD_OVERHEAD_BYTES_MAX,
      0,
    )
    // One segment goes that may be whole, another may be nearly empty; one that a fault has spoilt counts, too.
    return left >= bytesMax - (3 + troubles) * policy.segmentBytesMax || this.#damage !== undefined
  }

  /** A record with a key may go when a later one has the same key, and then no earlier one may stay; or if it is a tombstone. */
  #mayBeCompacted(number: number): boolean {
    const { policy, book, known } = this.#knowledge
    const { key, record } = book.get(number)
    if (!policy.isCompacted || key === undefined) return false
    const sameKey = (other: number) => book.get(other).key === key
    const latest = this.numbers.findLast(sameKey) ?? -1
    if (latest > number) return true
    if (latest >= 0 && this.#damage === undefined)
      fail(`key ${key} has record ${number}, and shows record ${latest}, which is older`)
    if (record.value.length === 0) return true
    // What took its place may have been damaged since; without damage it has to be there.
    for (const { number: other, strength } of known.values())
      if (other > number && (strength === 'durable' || this.#damage !== undefined) && sameKey(other))
        return true
    return false
  }
}

/** Runs of offsets that have a record. */
function placesOf(records: readonly LogRecord[]): { readonly from: number; readonly to: number }[] {
  const runs: { from: number; to: number }[] = []
  for (const { offset } of records) {
    const last = runs.at(-1)
    if (last?.to === offset) last.to += 1
    else runs.push({ from: offset, to: offset + 1 })
  }
  return runs
}

function describe({ key, value, timestampMs }: LogRecord): string {
  return `${value.length} bytes of value, ${key?.length ?? 'no'} bytes of key, dated ${timestampMs}`
}
