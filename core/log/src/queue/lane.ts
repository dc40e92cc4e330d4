import { errorText, type Runtime } from '@millrace/kernel'
import type { Files } from '../files.ts'
import type { Durability, Log, LogRecord, ReadLimits } from '../log.ts'
import { openLog } from '../open-log.ts'
import { decodeItem, encodeItem, type ItemDraft, type LaneItem } from './item-codec.ts'
import { PutTimes } from './put-times.ts'
import { RangeSet } from './range-set.ts'

/** A place in a lane, and the bytes of the lane before it. */
export interface LaneMark {
  readonly offset: number
  readonly at: number
}

/** An item that was checked, and what it counts. */
export interface SizedDraft {
  readonly item: ItemDraft
  readonly key: Uint8Array | undefined
  readonly bytes: number
}

export interface LaneOptions {
  readonly files: Files
  readonly runtime: Runtime
  readonly directory: string
  readonly name: string
  readonly isListed: boolean
  readonly segmentBytesMax: number
  readonly recordBytesMax: number
  readonly ageMsMax: number
}

/** Room in a record for what the queue adds to key and value. */
export const RECORD_EXTRA_BYTES = 256

/** A log of items, and how much of it is still needed. */
export class Lane {
  readonly name: string
  readonly isListed: boolean
  readonly log: Log
  readonly times: PutTimes
  /** Offsets that hold nothing, of which the records of drops know already. */
  readonly holes = new RangeSet()
  readonly #segmentBytesMax: number
  /** The oldest item that somebody needs; all before it may go. */
  head: LaneMark = { offset: 0, at: 0 }
  /** Everything before it has been dropped, for every consumer. */
  floor: LaneMark = { offset: 0, at: 0 }
  /** Why space was not given back the last time. */
  trimFailure: string | undefined
  #endAt: number
  #nextAt: number
  #inFlight = { calls: 0, count: 0, bytes: 0 }
  #trimmedAt = 0
  #trimming: Promise<void> | undefined

  private constructor(options: LaneOptions, log: Log, endAt: number) {
    this.name = options.name
    this.isListed = options.isListed
    this.log = log
    this.times = new PutTimes(options.runtime.clock, options.ageMsMax, log.endOffset)
    this.#segmentBytesMax = options.segmentBytesMax
    this.#endAt = endAt
    this.#nextAt = endAt
  }

  static async open(options: LaneOptions): Promise<Lane> {
    const { files, runtime, directory, segmentBytesMax, recordBytesMax } = options
    const log = await openLog({ files, runtime, directory, segmentBytesMax, recordBytesMax, announce: false })
    try {
      return new Lane(options, log, await endOfItems(log))
    } catch (error) {
      await log.close()
      throw error
    }
  }

  /** Items from the head on, those that are being written included. */
  get count(): number {
    const { offset } = this.head
    return Math.max(0, this.countBetween(offset, this.log.endOffset)) + this.#inFlight.count
  }

  /** Bytes from the head on. */
  get bytes(): number {
    return Math.max(0, this.#endAt - this.head.at) + this.#inFlight.bytes
  }

  /** Items that are being written. */
  get inFlightCount(): number {
    return this.#inFlight.count
  }

  get end(): LaneMark {
    return { offset: this.log.endOffset, at: this.#endAt }
  }

  /** Offsets that hold an item, as far as damage is known. */
  countBetween(from: number, to: number): number {
    let count = to - from
    for (const gap of this.log.gaps) count -= Math.max(0, Math.min(to, gap.to) - Math.max(from, gap.from))
    return count
  }

  /** As durable as asked on return, all or none. Calls keep their order. */
  async append(drafts: readonly SizedDraft[], durability: Durability = 'disk'): Promise<number> {
    const flight = this.#inFlight
    let at = this.#nextAt
    const records = drafts.map(({ item, key, bytes }) => {
      const record = encodeItem(item, key, at)
      at += bytes
      return record
    })
    const bytes = at - this.#nextAt
    this.#nextAt = at
    this.#inFlight = {
      calls: flight.calls + 1,
      count: flight.count + drafts.length,
      bytes: flight.bytes + bytes,
    }
    try {
      const { baseOffset } = await this.log.append(records, { durability })
      this.#endAt = at
      this.times.note(baseOffset)
      return baseOffset
    } finally {
      const { calls, count, bytes: all } = this.#inFlight
      this.#inFlight = { calls: calls - 1, count: count - drafts.length, bytes: all - bytes }
      // What was refused is not there: its bytes must not be counted for ever.
      if (this.#inFlight.calls === 0) this.#nextAt = this.#endAt
    }
  }

  read(offset: number, limits: ReadLimits): Promise<readonly LogRecord[]> {
    return this.log.read(Math.max(offset, this.log.startOffset), limits)
  }

  /** Items from `offset` up to the end, a page at a time; what cannot be decoded is left out. */
  async *pages(offset: number, limits: ReadLimits): AsyncGenerator<readonly LaneItem[]> {
    const { endOffset } = this.log
    for (let next = offset; next < endOffset; ) {
      const records = await this.read(next, limits)
      const last = records.at(-1)
      if (last === undefined) return
      yield records.map(decodeItem).filter((item) => item !== undefined)
      next = last.offset + 1
    }
  }

  /** `offset`, brought into the lane, with the bytes before it. */
  async markAt(offset: number): Promise<LaneMark> {
    const place = Math.min(Math.max(offset, this.log.startOffset), this.log.endOffset)
    for await (const [first] of this.pages(place, { countMax: 1 })) {
      if (first !== undefined) return { offset: place, at: first.at }
    }
    return { offset: place, at: this.#endAt }
  }

  /** Gives back whole segments before the head, when it is worth it. Failures are told by `trimFailure`. */
  trim(): Promise<void> {
    const isWorthIt = this.head.at - this.#trimmedAt >= this.#segmentBytesMax / 4
    if (isWorthIt) this.#trimming ??= this.#trim()
    return this.#trimming ?? Promise.resolve()
  }

  async close(): Promise<void> {
    await this.#trimming
    await this.log.close()
  }

  async #trim(): Promise<void> {
    const { head } = this
    try {
      await this.log.trimBefore(Math.min(head.offset, this.log.endOffset))
      this.#trimmedAt = head.at
      this.trimFailure = undefined
    } catch (error) {
      this.trimFailure = errorText(error)
    } finally {
      this.#trimming = undefined
    }
  }
}

/** The bytes of a lane up to its end, from the last item that can be read. */
async function endOfItems(log: Log): Promise<number> {
  for (let offset = log.endOffset - 1; offset >= log.startOffset; offset -= 1) {
    const gap = log.gaps.find(({ from, to }) => from <= offset && offset < to)
    if (gap !== undefined) {
      offset = gap.from
      continue
    }
    const [record] = await log.read(offset, { countMax: 1 })
    const item = record?.offset === offset ? decodeItem(record) : undefined
    if (item !== undefined) return item.at + item.bytes
  }
  return 0
}
