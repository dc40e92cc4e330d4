import { getInteger64, putInteger64, viewOf } from '../integers.ts'
import type { LogRecord, NewRecord } from '../log.ts'
import type { NewItem } from './queue.ts'

/*
 * The value of a record in a lane: a byte that says what follows, then 64-bit integers, little-endian:
 *   at          always                bytes of the lane before this item, since its beginning
 *   expiresAt   if bit 0              milliseconds since 1970
 *   notBefore   if bit 1              milliseconds since 1970
 *   length, consumer   if bit 2       a byte and so many bytes: the only consumer that it is for
 * and the item's value. Bits 3 to 7 are 0 in this version. `at` lets the quota be recomputed from the first and the
 * last record of a lane, without reading what is between them.
 */
const EXPIRES = 1
const NOT_BEFORE = 2
const ONLY = 4
const KNOWN = EXPIRES | NOT_BEFORE | ONLY

/** What an item counts beside the bytes of its key and value. */
export const ITEM_OVERHEAD_BYTES = 32

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** An item to be stored. */
export interface ItemDraft extends NewItem {
  /** The only consumer that it is for. */
  readonly only?: string
}

/** An item as it was found in a lane. */
export interface LaneItem {
  readonly offset: number
  readonly putAtMs: number
  readonly key: string | undefined
  readonly value: Uint8Array
  readonly at: number
  readonly bytes: number
  readonly expiresAtMs: number | undefined
  readonly notBeforeMs: number | undefined
  readonly only: string | undefined
}

/** The bytes that an item counts. */
export function itemBytes(keyBytes: number, valueBytes: number): number {
  return keyBytes + valueBytes + ITEM_OVERHEAD_BYTES
}

export function encodeKey(key: string | undefined): Uint8Array | undefined {
  return key === undefined ? undefined : encoder.encode(key)
}

export function encodeItem(item: ItemDraft, key: Uint8Array | undefined, at: number): NewRecord {
  const only = item.only === undefined ? undefined : encoder.encode(item.only)
  const header =
    9 +
    8 * (Number(item.expiresAtMs !== undefined) + Number(item.notBeforeMs !== undefined)) +
    (only === undefined ? 0 : 1 + only.length)
  const value = new Uint8Array(header + item.value.length)
  const view = viewOf(value)
  putInteger64(view, 1, at)
  let position = 9
  for (const [bit, time] of [
    [EXPIRES, item.expiresAtMs],
    [NOT_BEFORE, item.notBeforeMs],
  ] as const) {
    if (time === undefined) continue
    value[0] = (value[0] ?? 0) | bit
    putInteger64(view, position, time)
    position += 8
  }
  if (only !== undefined) {
    value[0] = (value[0] ?? 0) | ONLY
    value[position] = only.length
    value.set(only, position + 1)
  }
  value.set(item.value, header)
  return key === undefined ? { value } : { key, value }
}

/** Undefined if another program wrote it, or a newer version. */
export function decodeItem(record: LogRecord): LaneItem | undefined {
  const { offset, timestampMs: putAtMs, key, value: bytes } = record
  const flags = bytes[0] ?? 0xff
  if ((flags & ~KNOWN) !== 0 || bytes.length < 9) return undefined
  const view = viewOf(bytes)
  let position = 9
  const time = (bit: number): number | undefined => {
    if ((flags & bit) === 0 || position + 8 > bytes.length) return undefined
    position += 8
    return getInteger64(view, position - 8)
  }
  const expiresAtMs = time(EXPIRES)
  const notBeforeMs = time(NOT_BEFORE)
  let only: string | undefined
  if ((flags & ONLY) !== 0) {
    const end = position + 1 + (bytes[position] ?? 0)
    only = decoder.decode(bytes.subarray(position + 1, end))
    position = end
  }
  const value = bytes.subarray(position)
  const text = key === undefined ? undefined : decoder.decode(key)
  const size = itemBytes(key?.length ?? 0, value.length)
  return {
    offset,
    putAtMs,
    key: text,
    value,
    at: getInteger64(view, 1),
    bytes: size,
    expiresAtMs,
    notBeforeMs,
    only,
  }
}
