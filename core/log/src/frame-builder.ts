import { FRAME_HEADER_BYTES, frameBytes, sealFrame } from './frame.ts'
import type { FrameMemory, FrameRoom } from './frame-memory.ts'
import type { AppendResult, Durability, NewRecord } from './log.ts'
import { encodeRecord, RECORD_OVERHEAD_BYTES_MAX, recordBytes } from './record-codec.ts'

/** Somebody who waits for an append to become durable. */
export interface AppendWaiter {
  resolve(result: AppendResult): void
  reject(error: unknown): void
}

/** What the records of an append have in common. */
export interface AppendTerms {
  /** The timestamp of those that have none. */
  readonly nowMs: number
  readonly durability: Durability
  readonly waiter: AppendWaiter
}

interface Share {
  readonly waiter: AppendWaiter
  readonly index: number
  readonly count: number
}

/** Where a frame is to stand; known only when it is written. */
export interface FramePlace {
  readonly baseOffset: number
  readonly salt: number
  readonly unsyncedBefore: number
}

const STRENGTH: Readonly<Record<Durability, number>> = { os: 0, interval: 1, disk: 2 }

/** Collects appends, encoded on arrival, into one frame. */
export class FrameBuilder {
  readonly #shares: Share[] = []
  readonly #memory: FrameMemory
  readonly #room: FrameRoom
  /** Behind the last record, from the start of the frame. */
  #end = FRAME_HEADER_BYTES
  #count = 0
  #firstTimestampMs = 0
  #maxTimestampMs = 0
  #durability: Durability = 'os'

  constructor(memory: FrameMemory) {
    this.#memory = memory
    this.#room = memory.begin()
  }

  get count(): number {
    return this.#count
  }

  get bodyBytes(): number {
    return this.#end - FRAME_HEADER_BYTES
  }

  /** Size of the whole frame in the file. */
  get bytes(): number {
    return frameBytes(this.bodyBytes)
  }

  get firstTimestampMs(): number {
    return this.#firstTimestampMs
  }

  get maxTimestampMs(): number {
    return this.#maxTimestampMs
  }

  /** The strongest that one of its appends asks for. */
  get durability(): Durability {
    return this.#durability
  }

  /** Copies `records` into the frame; the waiter hears of their fate. */
  add(records: readonly NewRecord[], encodedBytesMax: number, terms: AppendTerms): void {
    const { nowMs, durability, waiter } = terms
    this.#memory.reserve(this.#room, frameBytes(this.bodyBytes + encodedBytesMax))
    if (STRENGTH[durability] > STRENGTH[this.#durability]) this.#durability = durability
    this.#shares.push({ waiter, index: this.#count, count: records.length })
    const { slab, start } = this.#room
    let end = start + this.#end
    for (const record of records) {
      const timestampMs = record.timestampMs ?? nowMs
      if (this.#count === 0) this.#firstTimestampMs = timestampMs
      if (timestampMs > this.#maxTimestampMs) this.#maxTimestampMs = timestampMs
      end = encodeRecord(slab, end, record, timestampMs, this.#firstTimestampMs)
      this.#count += 1
    }
    this.#end = end - start
    this.#room.bytes = this.bytes
  }

  /** The bytes of the whole frame at its place. Calling it again makes them anew in the same memory. */
  seal(place: FramePlace): Uint8Array {
    const { slab, start } = this.#room
    const bytes = slab.subarray(start, start + this.bytes)
    sealFrame(bytes, {
      ...place,
      isSparse: false,
      bodyBytes: this.bodyBytes,
      count: this.#count,
      firstTimestampMs: this.#firstTimestampMs,
      maxTimestampMs: this.#maxTimestampMs,
    })
    return bytes
  }

  acknowledge(baseOffset: number): void {
    for (const { waiter, index, count } of this.#shares)
      waiter.resolve({ baseOffset: baseOffset + index, count })
  }

  reject(error: unknown): void {
    for (const { waiter } of this.#shares) waiter.reject(error)
  }
}

/** No fewer bytes than `records` take in a frame. */
export function encodedBytesMax(records: readonly NewRecord[]): number {
  let bytes = 0
  for (const record of records) bytes += recordBytes(record) + RECORD_OVERHEAD_BYTES_MAX
  return bytes
}
