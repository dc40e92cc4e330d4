import type { FindingBook } from '../finding.ts'
import { APPEND_RECORDS_MAX, APPENDS_UNDER_WAY_MAX } from './life-plan.ts'
import { digestOf, nameText, parseName, type RecordName, recordValue } from './record-name.ts'

/** What a log says of itself after it was opened. */
export interface LogStory {
  readonly startOffset: number
  readonly endOffset: number
  readonly bytes: number
  readonly gaps: readonly { readonly from: number; readonly to: number; readonly reason: string }[]
  readonly records: readonly { readonly offset: number; readonly name: string; readonly digest: string }[]
}

/** What may be missing at the beginning of a log. */
export interface Removal {
  /** Undefined: nothing. */
  readonly retentionBytesMax: number | undefined
  readonly segmentBytesMax: number
}

interface Known {
  readonly name: string
  readonly isAcknowledged: boolean
}

/** Kept outside of the processes that are killed: what was acknowledged, and what was seen once it was there. */
export class LogRecord {
  readonly #known = new Map<number, Known>()
  readonly #findings: FindingBook
  /** Of each life's producer: the highest number acknowledged or seen. */
  readonly #progress = new Map<string, number>()
  #startOffset = 0
  #endOffset = 0
  /** Behind everything that a story has told: nothing may appear below it any more. */
  #toldEnd = 0
  #acknowledged = 0

  constructor(findings: FindingBook) {
    this.#findings = findings
  }

  /** Records acknowledged so far. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** The highest acknowledged offset and one. */
  get endOffset(): number {
    return this.#endOffset
  }

  /** An append was acknowledged: `name` is that of its first record. */
  acknowledge(baseOffset: number, name: RecordName): void {
    for (let index = 0; index < name.count; index += 1) {
      const offset = baseOffset + index
      const record = { ...name, number: name.first + index }
      const text = nameText(record)
      const before = this.#known.get(offset)
      if (before !== undefined)
        this.#findings.add('an offset is used once', `${offset}: ${before.name}, then ${text}`)
      this.#known.set(offset, { name: text, isAcknowledged: true })
      this.#note(record)
      this.#acknowledged += 1
    }
    this.#endOffset = Math.max(this.#endOffset, baseOffset + name.count)
  }

  /** Compares what the log says in the given life with what is known, and learns from it. */
  compare(story: LogStory, removal: Removal, life: number): void {
    const say = (promise: string, example: string) =>
      this.#findings.add(promise, `in life ${life}: ${example}`)
    for (const { from, to, reason } of story.gaps) say('no gap is named', `${from} to ${to}, ${reason}`)
    this.#compareBounds(story, removal, say)
    this.#compareKnown(story, say)
    checkOrder(story, say)
    for (const { offset, name, digest } of story.records) {
      const record = parseName(name)
      if (record === undefined || digestOf(recordValue(record)) !== digest) {
        say('every byte is as it was written', `offset ${offset}, ${name}`)
        continue
      }
      if (!this.#known.has(offset)) this.#meet(offset, record, life, say)
      this.#note(record)
    }
    this.#startOffset = Math.max(this.#startOffset, story.startOffset)
    this.#endOffset = Math.max(this.#endOffset, story.endOffset)
    this.#toldEnd = story.endOffset
    for (const offset of this.#known.keys()) if (offset < story.startOffset) this.#known.delete(offset)
  }

  #compareBounds(story: LogStory, { retentionBytesMax, segmentBytesMax }: Removal, say: Say): void {
    const { startOffset, endOffset, bytes } = story
    if (endOffset < this.#endOffset)
      say('the end never goes back', `it ends at ${endOffset}, and has ended at ${this.#endOffset}`)
    if (startOffset < this.#startOffset)
      say(
        'what was removed stays away',
        `it starts at ${startOffset}, and has started at ${this.#startOffset}`,
      )
    if (startOffset <= this.#startOffset) return
    // What is allocated ahead counts as long as it is there, so one segment more may go.
    const bytesMin = (retentionBytesMax ?? Number.POSITIVE_INFINITY) - 2 * segmentBytesMax
    if (bytes < bytesMin)
      say('retention takes no more than it may', `${bytes} bytes are left from ${startOffset} on`)
  }

  #compareKnown(story: LogStory, say: Say): void {
    const there = new Map(story.records.map(({ offset, name }) => [offset, name]))
    for (const [offset, { name, isAcknowledged }] of this.#known) {
      if (offset < story.startOffset) continue
      const found = there.get(offset)
      if (found === undefined)
        say(
          isAcknowledged ? 'what was acknowledged is there' : 'what was read once stays',
          `${offset}: ${name}`,
        )
      else if (found !== name) say('an offset keeps its record', `${offset}: ${name}, now ${found}`)
    }
  }

  /** A record that nobody was told of: it was under way when its process died. */
  #meet(offset: number, record: RecordName, life: number, say: Say): void {
    const text = nameText(record)
    const reachable =
      (this.#progress.get(producerOf(record)) ?? -1) + APPEND_RECORDS_MAX * APPENDS_UNDER_WAY_MAX
    if (record.life >= life || record.number > reachable) say('nothing is invented', `${offset}: ${text}`)
    if (offset < this.#toldEnd) say('nothing appears between what was read', `${offset}: ${text}`)
    this.#known.set(offset, { name: text, isAcknowledged: false })
  }

  #note(record: RecordName): void {
    const producer = producerOf(record)
    this.#progress.set(producer, Math.max(this.#progress.get(producer) ?? -1, record.number))
  }
}

type Say = (promise: string, example: string) => void

function producerOf({ life, producer }: RecordName): string {
  return `${life}.${producer}`
}

/** Offsets without holes, every producer in its order and without a hole, every append whole. */
function checkOrder({ startOffset, endOffset, records }: LogStory, say: Say): void {
  const numbers = new Map<string, number>()
  let expected = startOffset
  let before: RecordName | undefined
  for (const { offset, name } of records) {
    if (offset !== expected) say('offsets have no holes', `${expected} is missing before ${offset}`)
    expected = offset + 1
    const record = parseName(name)
    if (record === undefined) continue
    const last = numbers.get(producerOf(record))
    if (last === undefined ? record.number !== record.first : record.number !== last + 1)
      say('a producer keeps its order', `${name} at ${offset} behind number ${last}`)
    numbers.set(producerOf(record), record.number)
    if (before !== undefined && !isComplete(before) && !isNext(before, record))
      say('an append is all or none', `${nameText(before)} is not followed by its rest`)
    before = record
  }
  if (before !== undefined && !isComplete(before))
    say('an append is all or none', `${nameText(before)} is the last, and not the last of its append`)
  if (expected !== endOffset && records.length > 0)
    say('offsets have no holes', `${expected} is behind the last record, and the log ends at ${endOffset}`)
}

function isComplete({ number, first, count }: RecordName): boolean {
  return number === first + count - 1
}

function isNext(before: RecordName, record: RecordName): boolean {
  return producerOf(before) === producerOf(record) && record.number === before.number + 1
}
