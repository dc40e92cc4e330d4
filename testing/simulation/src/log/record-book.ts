import type { LogRecord, NewRecord } from '@millrace/log'

/** What a record is to be like. */
export interface RecordShape {
  /** Bytes of the value; 0 for a tombstone, which must have a key. */
  readonly bytes: number
  /** Records with the same key number have the same key; absent: none. */
  readonly key?: number
}

/** A record that was handed to the log. */
export interface BookedRecord {
  readonly record: NewRecord
  /** What it is dated, or the clock when it was handed over. */
  readonly timestampMs: number
  /** Records of one call, which is all or none. */
  readonly call: number
  /** Calls made at the same time, which may share a frame. */
  readonly turn: number
  readonly key: number | undefined
}

/** A value says which record it is: its number, then bytes that follow from it. */
const NUMBER_BYTES = 4
/** Tombstones have no value: the time tells their number. */
const TOMBSTONE_MS = 1_000_000_000_000

const encoder = new TextEncoder()

/** All records that were ever handed to the log, by number: the outside knowledge of what may stand in it. */
export class RecordBook {
  readonly #booked: BookedRecord[] = []
  #calls = 0
  #turns = 0

  /** How many there are; numbers go from 0 up to it, in the order in which they were handed over. */
  get count(): number {
    return this.#booked.length
  }

  /** The calls that follow are made at the same time, and no earlier one is under way. */
  beginTurn(): void {
    this.#turns += 1
  }

  /** Records for one append; answers their numbers. */
  book(shapes: readonly RecordShape[], nowMs: number): readonly number[] {
    this.#calls += 1
    return shapes.map((shape) => {
      const number = this.#booked.length
      const record = recordFor(number, shape)
      const timestampMs = record.timestampMs ?? Math.min(Math.max(0, nowMs), 2 ** 52 - 1)
      this.#booked.push({ record, timestampMs, call: this.#calls, turn: this.#turns, key: shape.key })
      return number
    })
  }

  get(number: number): BookedRecord {
    const booked = this.#booked[number]
    if (booked === undefined) throw new RangeError(`no record has the number ${number}`)
    return booked
  }

  records(numbers: readonly number[]): NewRecord[] {
    return numbers.map((number) => this.get(number).record)
  }

  /** The number of the record that was read; undefined if nobody ever handed over exactly this. */
  identify(read: LogRecord): number | undefined {
    const { value } = read
    const number =
      value.length === 0
        ? read.timestampMs - TOMBSTONE_MS
        : new DataView(value.buffer, value.byteOffset).getUint32(0, true)
    const booked = value.length === 0 || value.length >= NUMBER_BYTES ? this.#booked[number] : undefined
    if (booked === undefined) return undefined
    const isSame =
      booked.timestampMs === read.timestampMs &&
      Buffer.compare(booked.record.value, value) === 0 &&
      Buffer.compare(booked.record.key ?? NO_BYTES, read.key ?? NO_BYTES) === 0 &&
      (booked.record.key === undefined) === (read.key === undefined)
    return isSame ? number : undefined
  }
}

const NO_BYTES = new Uint8Array(0)

function recordFor(number: number, { bytes, key }: RecordShape): NewRecord {
  const keyPart = key === undefined ? {} : { key: encoder.encode(`key${key}`) }
  if (bytes === 0) return { ...keyPart, value: NO_BYTES, timestampMs: TOMBSTONE_MS + number }
  const value = new Uint8Array(Math.max(NUMBER_BYTES, bytes))
  // A frame's magic and zeros must be able to stand in a value, too.
  for (let index = NUMBER_BYTES; index < value.length; index += 1) value[index] = fillerAt(number, index)
  new DataView(value.buffer).setUint32(0, number, true)
  return { ...keyPart, value }
}

const MAGIC = encoder.encode('MRF1')

function fillerAt(number: number, index: number): number {
  if (number % 7 === 3) return 0
  if (number % 7 === 5) return MAGIC[index % MAGIC.length] ?? 0
  return (number * 31 + index) & 255
}
