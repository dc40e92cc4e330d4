import type { FindingBook } from '../finding.ts'
import { APPEND_RECORDS_MAX, APPENDS_UNDER_WAY_MAX, type LogKind, retentionBytesMax } from './life-plan.ts'
import type { ToldRecord } from './life-report.ts'
import { checkOrder, type LogStory, type Say } from './log-story.ts'
import { isDigestOf, isTombstone, keyOf, parseName, type RecordName, toldName } from './record-name.ts'

interface Known {
  /** As it is told when it is read. */
  readonly text: string
  /** Of a log that is compacted. */
  readonly key: string | undefined
  readonly isTombstone: boolean
  readonly by: 'acknowledgement' | 'reader' | 'story'
}

/** What it means that a record is gone, by how it was known. */
const LOST: Readonly<Record<Known['by'], string>> = {
  acknowledgement: 'what was acknowledged is there',
  reader: 'what a reader has seen stays',
  story: 'what was read once stays',
}

/** Kept outside of the processes that are killed: what was acknowledged, and what was seen once it was there. */
export class LogRecord {
  readonly #kind: LogKind
  readonly #known = new Map<number, Known>()
  readonly #findings: FindingBook
  /** Of each life's producer: the highest number acknowledged or seen. */
  readonly #progress = new Map<string, number>()
  #startOffset = 0
  #endOffset = 0
  /** Behind everything that a story has told: nothing may appear below it any more. */
  #toldEnd = 0
  /** What was asked to be trimmed. */
  #trimmedTo = 0
  #acknowledged = 0

  constructor(kind: LogKind, findings: FindingBook) {
    this.#kind = kind
    this.#findings = findings
  }

  /** Records acknowledged so far. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** An append was acknowledged: `name` is that of its first record. */
  acknowledge(baseOffset: number, name: RecordName): void {
    for (let index = 0; index < name.count; index += 1) {
      const offset = baseOffset + index
      const record = { ...name, number: name.first + index }
      const before = this.#known.get(offset)
      const known = this.#knownOf(record, 'acknowledgement')
      if (before !== undefined && (before.by === 'acknowledgement' || before.text !== known.text))
        this.#findings.add('an offset is used once', `${offset}: ${before.text}, then ${known.text}`)
      this.#known.set(offset, known)
      this.#note(record)
      this.#acknowledged += 1
    }
    this.#endOffset = Math.max(this.#endOffset, baseOffset + name.count)
  }

  /** Everything below `offset` may go. */
  trim(offset: number): void {
    this.#trimmedTo = Math.max(this.#trimmedTo, offset)
  }

  /** A reader in another process has seen this. */
  see({ offset, name, digest }: ToldRecord): void {
    const before = this.#known.get(offset)
    if (!isDigestOf(digest, name))
      this.#findings.add('every byte is as it was written', `a reader: ${offset}, ${name}`)
    if (before !== undefined && before.text !== name)
      this.#findings.add(
        'an offset keeps its record',
        `a reader: ${offset} is ${name}, and was ${before.text}`,
      )
    if (before === undefined && offset >= this.#startOffset)
      this.#known.set(offset, this.#knownAs(name, 'reader'))
  }

  /** Compares what the log says in the given life with what is known, and learns from it. */
  compare(story: LogStory, life: number): void {
    const say: Say = (promise, example) => this.#findings.add(promise, `in life ${life}: ${example}`)
    this.#compareGaps(story, say)
    this.#compareBounds(story, say)
    this.#compareKnown(story, say)
    checkOrder(story, this.#kind, say)
    for (const { offset, name, digest } of story.records) {
      if (!isDigestOf(digest, name)) {
        say('every byte is as it was written', `offset ${offset}, ${name}`)
        continue
      }
      const record = parseName(name)
      if (!this.#known.has(offset)) this.#meet(offset, name, life, say)
      if (record !== undefined) this.#note(record)
    }
    this.#startOffset = Math.max(this.#startOffset, story.startOffset)
    this.#endOffset = Math.max(this.#endOffset, story.endOffset)
    this.#toldEnd = story.endOffset
    for (const offset of this.#known.keys()) if (offset < story.startOffset) this.#known.delete(offset)
  }

  /** A kill damages nothing. But offsets that were set aside for appends that do not wait for the disk are skipped. */
  #compareGaps({ gaps }: LogStory, say: Say): void {
    const isStrict = this.#kind.durabilities.every((durability) => durability === 'disk')
    for (const { from, to, reason } of gaps) {
      const text = `${from} to ${to}, ${reason}`
      if (isStrict) say('no gap is named', text)
      const used = [...this.#known.keys()].find((offset) => from <= offset && offset < to)
      if (used !== undefined) say('no gap is named', `${text}, which had ${this.#known.get(used)?.text}`)
    }
  }

  #compareBounds({ startOffset, endOffset, bytes }: LogStory, say: Say): void {
    const { removal, segmentBytesMax } = this.#kind
    if (endOffset < this.#endOffset)
      say('the end never goes back', `it ends at ${endOffset}, and has ended at ${this.#endOffset}`)
    if (startOffset < this.#startOffset)
      say(
        'what was removed stays away',
        `it starts at ${startOffset}, and has started at ${this.#startOffset}`,
      )
    if (startOffset <= this.#startOffset) return
    const text = `it starts at ${startOffset}, with ${bytes} bytes`
    const mayGoBelow = removal === 'trim' ? this.#trimmedTo : removal === 'retention' ? startOffset : 0
    const gone = [...this.#known.keys()].find((offset) => mayGoBelow <= offset && offset < startOffset)
    if (gone !== undefined) say('nothing is removed that may not go', `${text}; ${gone} is gone`)
    // What is allocated ahead counts as long as it is there, so one segment more may go.
    // An empty log begins behind the offsets that were reserved for records that never came.
    const isAnythingGone = [...this.#known.keys()].some((offset) => offset < startOffset)
    const isTooSmall = bytes < retentionBytesMax(this.#kind) - 2 * segmentBytesMax
    if (removal === 'retention' && isAnythingGone && isTooSmall)
      say('nothing is removed that may not go', text)
  }

  #compareKnown(story: LogStory, say: Say): void {
    const there = new Map(story.records.map(({ offset, name }) => [offset, name]))
    const latest = this.#latestOfKeys()
    for (const [offset, known] of this.#known) {
      if (offset < story.startOffset) continue
      const found = there.get(offset)
      if (found !== undefined && found !== known.text)
        say('an offset keeps its record', `${offset}: ${known.text}, now ${found}`)
      if (found !== undefined) continue
      const isReplaced = known.key !== undefined && (latest.get(known.key) ?? 0) > offset
      if (!isReplaced && !known.isTombstone) say(LOST[known.by], `${offset}: ${known.text}`)
      if (known.isTombstone && !isReplaced) this.#checkRemovedKey(known, offset, there, say)
    }
  }

  #latestOfKeys(): Map<string, number> {
    const latest = new Map<string, number>()
    for (const [offset, { key }] of this.#known)
      if (key !== undefined) latest.set(key, Math.max(offset, latest.get(key) ?? 0))
    return latest
  }

  /** The record that removed a key may go, but only when nothing is left of what it has removed. */
  #checkRemovedKey({ key }: Known, offset: number, there: ReadonlyMap<number, string>, say: Say): void {
    for (const [older, other] of this.#known) {
      if (older < offset && other.key === key && there.has(older))
        say('a removed key stays removed', `${key} was removed at ${offset}, and is there at ${older}`)
    }
  }

  /** A record that nobody was told of: it was under way when its process died. */
  #meet(offset: number, text: string, life: number, say: Say): void {
    const record = parseName(text)
    if (record !== undefined) {
      const progress = this.#progress.get(producerOf(record)) ?? -1
      const reachable = progress + APPEND_RECORDS_MAX * APPENDS_UNDER_WAY_MAX
      if (record.life >= life || record.number > reachable) say('nothing is invented', `${offset}: ${text}`)
    }
    if (offset < this.#toldEnd) say('nothing appears between what was read', `${offset}: ${text}`)
    this.#known.set(offset, this.#knownAs(text, 'story'))
  }

  #note(record: RecordName): void {
    const producer = producerOf(record)
    this.#progress.set(producer, Math.max(this.#progress.get(producer) ?? -1, record.number))
  }

  #knownOf(record: RecordName, by: Known['by']): Known {
    const isKeyed = this.#kind.removal === 'compaction'
    return {
      text: toldName(record, isKeyed),
      key: isKeyed ? keyOf(record) : undefined,
      isTombstone: isKeyed && isTombstone(record),
      by,
    }
  }

  #knownAs(text: string, by: Known['by']): Known {
    const record = parseName(text)
    if (record !== undefined) return this.#knownOf(record, by)
    return { text, key: text.slice(1), isTombstone: true, by }
  }
}

function producerOf({ life, producer }: RecordName): string {
  return `${life}.${producer}`
}
