import type { Runtime } from '@millrace/kernel'
import type { Files } from '../files.ts'
import type { Log, LogRecord, ReadLimits } from '../log.ts'
import { openLog } from '../open-log.ts'
import type { SpaceReserve } from './space-reserve.ts'

/**
 * Why items ended without an acknowledgement: `expired` and `age` (too old), `quota` (made room), `dead-letter`,
 * `damaged` (the disk lost them), `skipped` (by a seek), `dead-letters-full` (letters that made room for newer ones).
 */
export type DropReason =
  | 'expired'
  | 'age'
  | 'quota'
  | 'dead-letter'
  | 'damaged'
  | 'skipped'
  | 'dead-letters-full'

/** Items that were dropped: of one lane, next to each other. */
export interface Drop {
  readonly why: DropReason
  readonly lane: string
  /** The consumer for which they were dropped; absent: for all. */
  readonly consumer?: string
  readonly from: number
  /** Not included. */
  readonly to: number
  /** Items in between that were not done. */
  readonly count: number
  readonly bytes: number
}

/** A drop as it was recorded. */
export interface RecordedDrop extends Drop {
  readonly offset: number
  readonly atMs: number
}

export type DropTotals = Readonly<
  Partial<Record<DropReason, { readonly count: number; readonly bytes: number }>>
>

interface StoredDrop extends Drop {
  readonly totals: DropTotals
}

const SEGMENT_BYTES = 64 * 1024
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Every drop, recorded before it takes effect. Old records go; each one holds the totals since the beginning. */
export class DropLog {
  readonly #log: Log
  readonly #reserve: SpaceReserve
  #totals: DropTotals
  #recording: Promise<unknown> = Promise.resolve()

  private constructor(log: Log, reserve: SpaceReserve, totals: DropTotals) {
    this.#log = log
    this.#reserve = reserve
    this.#totals = totals
  }

  static async open(options: {
    readonly files: Files
    readonly runtime: Runtime
    readonly directory: string
    readonly bytesMax: number
    readonly reserve: SpaceReserve
  }): Promise<DropLog> {
    const { bytesMax, reserve, ...place } = options
    const limits = { segmentBytesMax: SEGMENT_BYTES, recordBytesMax: SEGMENT_BYTES / 4, announce: false }
    const log = await openLog({ ...place, ...limits, retention: { bytesMax } })
    try {
      return new DropLog(log, reserve, await lastTotals(log))
    } catch (error) {
      await log.close()
      throw error
    }
  }

  /** Items and bytes since the queue was made, by reason. */
  get totals(): DropTotals {
    return this.#totals
  }

  /** A page of the records that are still there, from `offset` (default: the oldest) on, oldest first; empty at the end. */
  async read(offset = 0, limits?: ReadLimits): Promise<readonly RecordedDrop[]> {
    const from = Math.min(Math.max(offset, this.#log.startOffset), this.#log.endOffset)
    return (await this.#log.read(from, limits)).map(toDrop)
  }

  /** Durable on return. Nobody may act on a drop before. */
  record(drops: readonly Drop[]): Promise<void> {
    const run = this.#recording.then(() => this.#record(drops))
    this.#recording = run.catch(() => undefined)
    return run
  }

  async close(): Promise<void> {
    await this.#recording
    await this.#log.close()
  }

  async #record(drops: readonly Drop[]): Promise<void> {
    for (let start = 0; start < drops.length; start += DROPS_AT_ONCE_MAX) {
      let totals = this.#totals
      const records = drops.slice(start, start + DROPS_AT_ONCE_MAX).map((drop) => {
        totals = addTo(totals, drop)
        const stored: StoredDrop = { ...drop, totals }
        return { value: encoder.encode(JSON.stringify(stored)) }
      })
      await this.#reserve.write(() => this.#log.append(records))
      this.#totals = totals
    }
  }
}

/** Records of one append: they must fit a segment. */
const DROPS_AT_ONCE_MAX = 50

function addTo(totals: DropTotals, { why, count, bytes }: Drop): DropTotals {
  const before = totals[why] ?? { count: 0, bytes: 0 }
  return { ...totals, [why]: { count: before.count + count, bytes: before.bytes + bytes } }
}

async function lastTotals(log: Log): Promise<DropTotals> {
  for (let offset = log.endOffset - 1; offset >= log.startOffset; offset -= 1) {
    const record = (await log.read(offset, { countMax: 1 }))[0]
    if (record?.offset === offset) return storedOf(record).totals
  }
  return {}
}

function toDrop(record: LogRecord): RecordedDrop {
  const { totals: _, ...drop } = storedOf(record)
  return { ...drop, offset: record.offset, atMs: record.timestampMs }
}

function storedOf({ value }: LogRecord): StoredDrop {
  return JSON.parse(decoder.decode(value)) as StoredDrop
}
