import type { LogGap, LogRecord } from './log.ts'
import { RecordReader } from './record-codec.ts'
import type { CachedFrame } from './tail-cache.ts'

/** Collects the records of one read, up to its limits. */
export class ReadBatch {
  readonly records: LogRecord[] = []
  readonly #bytesMax: number
  readonly #countMax: number
  #next: number
  #bytes = 0
  #damage: LogGap | undefined

  constructor(offset: number, bytesMax: number, countMax: number) {
    this.#next = offset
    this.#bytesMax = bytesMax
    this.#countMax = countMax
  }

  /** The offset that comes next. */
  get next(): number {
    return this.#next
  }

  /** A frame that could not be taken apart; the batch ends before it. */
  get damage(): LogGap | undefined {
    return this.#damage
  }

  /** Takes what fits of a frame, which starts at or before, or behind a gap after, `next`; false when full. */
  take(frame: CachedFrame): boolean {
    const reader = new RecordReader(frame)
    const end = frame.baseOffset + frame.count
    for (let record = reader.next(); record !== undefined; record = reader.next()) {
      if (record.offset < this.#next) continue
      const bytes = record.value.length + (record.key?.length ?? 0)
      if (
        this.records.length > 0 &&
        (this.#bytes + bytes > this.#bytesMax || this.records.length >= this.#countMax)
      )
        return false
      this.records.push(record)
      this.#bytes += bytes
      this.#next = record.offset + 1
    }
    const { damagedOffset } = reader
    if (damagedOffset !== undefined) {
      // The checksums fit but the records do not: no disk does that, only another program.
      this.#damage = { from: damagedOffset, to: end, reason: 'the records of a frame do not fill it' }
      return false
    }
    this.#next = Math.max(this.#next, end)
    return this.#bytes < this.#bytesMax && this.records.length < this.#countMax
  }
}
