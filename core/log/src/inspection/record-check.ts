import { TIMESTAMP_MS_MAX } from '../record-codec.ts'

/** What the body of a frame holds. */
export interface RecordCheck {
  /** Whole records from the beginning; as many as the frame has, if it is in order. */
  readonly records: number
  /** The highest timestamp of those. */
  readonly maxTimestampMs: number
}

const RADIX = 128

/**
 * Decodes the records of a body without making anything of them, at several hundred megabytes a second: what
 * `RecordReader` would read, and, if all `count` are whole, that they fill the body and have times that may be.
 */
export function checkRecords(body: Uint8Array, count: number, firstTimestampMs: number): RecordCheck {
  let maxTimestampMs = 0
  let position = 0
  for (let records = 0; records < count; records += 1) {
    let sum = 0
    let timestampMs = 0
    for (let field = 0; field < 3; field += 1) {
      let value = 0
      let scale = 1
      let byte: number
      do {
        byte = position < body.length ? (body[position] as number) : RADIX
        position += 1
        value += (byte & 127) * scale
        scale *= RADIX
      } while (byte >= RADIX && scale <= TIMESTAMP_MS_MAX * RADIX)
      if (field === 0) timestampMs = firstTimestampMs + (value % 2 === 0 ? value / 2 : -(value + 1) / 2)
      else sum += field === 1 && value > 0 ? value - 1 : value
    }
    position += sum
    const isWhole = position <= body.length && (records < count - 1 || position === body.length)
    if (!isWhole || timestampMs < 0 || timestampMs > TIMESTAMP_MS_MAX) return { records, maxTimestampMs }
    if (timestampMs > maxTimestampMs) maxTimestampMs = timestampMs
  }
  return { records: count, maxTimestampMs }
}
