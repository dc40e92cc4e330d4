import type { LogRecord, NewRecord } from './log.ts'

/** Timestamps are whole milliseconds from 0 up to this, so that every difference fits a safe integer. */
export const TIMESTAMP_MS_MAX = 2 ** 52 - 1

/** More than the numbers before the key and value of any record can take. */
export const RECORD_OVERHEAD_BYTES_MAX = 8 + 8 + 5 + 5

const RADIX = 128

/** Bytes of key and value: what `recordBytesMax` limits. */
export function recordBytes(record: NewRecord): number {
  return record.value.length + (record.key?.length ?? 0)
}

/**
 * Writes one record at `position` of `target`, which has room, and answers the position behind it: the
 * difference of its timestamp to `firstTimestampMs`, the key's length plus one (0: no key), the value's length,
 * key, value.
 */
export function encodeRecord(
  target: Uint8Array,
  position: number,
  record: NewRecord,
  timestampMs: number,
  firstTimestampMs: number,
): number {
  const { key, value } = record
  let next = putNumber(target, position, zigzag(timestampMs - firstTimestampMs))
  next = putNumber(target, next, key === undefined ? 0 : key.length + 1)
  next = putNumber(target, next, value.length)
  if (key !== undefined) {
    target.set(key, next)
    next += key.length
  }
  target.set(value, next)
  return next + value.length
}

/** The records of a frame, as they stand in its body. */
export interface EncodedRecords {
  readonly baseOffset: number
  /** Offsets that the frame stands for. */
  readonly count: number
  readonly firstTimestampMs: number
  /** Each record begins with its number of offsets between it and the one before; the first one, from `baseOffset`. */
  readonly isSparse: boolean
  readonly body: Uint8Array
}

/** Reads the records of one frame, one after another. Keys and values are views of the body. */
export class RecordReader {
  readonly #body: Uint8Array
  readonly #firstTimestampMs: number
  readonly #isSparse: boolean
  readonly #endOffset: number
  #offset: number
  #position = 0
  #isDamaged = false

  constructor(records: EncodedRecords) {
    this.#body = records.body
    this.#firstTimestampMs = records.firstTimestampMs
    this.#isSparse = records.isSparse
    this.#offset = records.baseOffset
    this.#endOffset = records.baseOffset + records.count
  }

  /** The offset of the record that could not be read; undefined if the body is what its frame says. */
  get damagedOffset(): number | undefined {
    return this.#isDamaged ? this.#offset : undefined
  }

  /** The next record; undefined behind the last one, and where the body does not hold a whole one. */
  next(): LogRecord | undefined {
    if (this.#isDamaged || this.#isAtEnd()) return undefined
    const offset = this.#offset + (this.#isSparse ? this.#number() : 0)
    const timestampMs = this.#firstTimestampMs + unzigzag(this.#number())
    const keyLength = this.#number()
    const valueLength = this.#number()
    const key = keyLength === 0 ? undefined : this.#slice(keyLength - 1)
    const value = this.#slice(valueLength)
    this.#isDamaged = this.#position > this.#body.length || offset >= this.#endOffset
    if (this.#isDamaged) return undefined
    this.#offset = offset + 1
    return { offset, timestampMs, key, value }
  }

  #isAtEnd(): boolean {
    return this.#isSparse ? this.#position === this.#body.length : this.#offset === this.#endOffset
  }

  #slice(length: number): Uint8Array {
    const start = this.#position
    this.#position = start + length
    return this.#body.subarray(start, this.#position)
  }

  #number(): number {
    let value = 0
    let scale = 1
    for (;;) {
      // Behind the end this reads 128 for ever, which the scale ends: the position then is behind the body.
      const byte = this.#body[this.#position] ?? RADIX
      this.#position += 1
      value += (byte % RADIX) * scale
      if (byte < RADIX || scale > TIMESTAMP_MS_MAX) return value
      scale *= RADIX
    }
  }
}

/** Like {@link encodeRecord}, for a sparse frame: `skipped` offsets before this record have none. */
export function encodeSparseRecord(
  target: Uint8Array,
  position: number,
  record: LogRecord,
  skipped: number,
  firstTimestampMs: number,
): number {
  const next = putNumber(target, position, skipped)
  const { key, value, timestampMs } = record
  return encodeRecord(
    target,
    next,
    key === undefined ? { value } : { key, value },
    timestampMs,
    firstTimestampMs,
  )
}

/** Little-endian base 128, high bit set on all bytes but the last. */
function putNumber(target: Uint8Array, position: number, value: number): number {
  let rest = value
  let next = position
  while (rest >= RADIX) {
    target[next] = (rest % RADIX) + RADIX
    rest = Math.floor(rest / RADIX)
    next += 1
  }
  target[next] = rest
  return next + 1
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}
