import type { LogRecord, NewRecord } from './log.ts'

/** Timestamps are whole milliseconds from 0 up to this, so that every difference fits a safe integer. */
export const TIMESTAMP_MS_MAX = 2 ** 52 - 1

/** More than the three numbers before the key and value of any record can take. */
export const RECORD_OVERHEAD_BYTES_MAX = 8 + 5 + 5

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

/** Reads the records of one body, one after another. Keys and values are views of the body. */
export class RecordReader {
  readonly #body: Uint8Array
  readonly #firstTimestampMs: number
  #position = 0

  constructor(body: Uint8Array, firstTimestampMs: number) {
    this.#body = body
    this.#firstTimestampMs = firstTimestampMs
  }

  /** The next record, as the one with `offset`; undefined if the body does not hold a whole one. */
  next(offset: number): LogRecord | undefined {
    const timestampMs = this.#firstTimestampMs + unzigzag(this.#number())
    const keyLength = this.#number()
    const valueLength = this.#number()
    const key = keyLength === 0 ? undefined : this.#slice(keyLength - 1)
    const value = this.#slice(valueLength)
    return this.#position > this.#body.length ? undefined : { offset, timestampMs, key, value }
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
