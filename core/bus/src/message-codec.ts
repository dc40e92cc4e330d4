import { millraceError } from '@millrace/kernel'

/** What a stored message carries beside its key and its time. */
export interface StoredMessage {
  readonly headers: Readonly<Record<string, string>>
  readonly value: Uint8Array
  readonly idempotencyKey?: string | undefined
}

/**
 * The stored form, version 1: a version byte; the number of headers; the lengths of the idempotency key (0 for none) and
 * of each header's name and text, in UTF-16 units; the length in bytes of all these texts together; the texts one behind
 * another in UTF-8; and what is left is the value. Numbers are unsigned LEB128. All texts are one, because one call of
 * the encoder or decoder costs more than the characters of a header.
 */
const VERSION = 1
/** The bytes of the largest number. */
const NUMBER_BYTES_MAX = 5
/** More than any message within its limits can have. */
const HEADERS_MAX = 1_000_000

/** A UTF-16 unit takes at most this many bytes. */
const UTF8_BYTES_A_UNIT_MAX = 3

const encoder = new TextEncoder()
const scratch = new Uint8Array(8 * 1024)
/** Without a mark of byte order, or lengths would be wrong for a text that starts with one. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

export function encodeStored({ headers, value, idempotencyKey = '' }: StoredMessage): Uint8Array {
  const lengths = [idempotencyKey.length]
  let text = idempotencyKey
  for (const name in headers) {
    const header = headers[name] as string
    lengths.push(name.length, header.length)
    text += name + header
  }
  const texts = encodeText(text)
  const bytes = new Uint8Array(1 + NUMBER_BYTES_MAX * (2 + lengths.length) + texts.length + value.length)
  bytes[0] = VERSION
  let position = writeNumber(bytes, 1, (lengths.length - 1) / 2)
  for (const length of lengths) position = writeNumber(bytes, position, length)
  position = writeNumber(bytes, position, texts.length)
  bytes.set(texts, position)
  position += texts.length
  bytes.set(value, position)
  return bytes.subarray(0, position + value.length)
}

/** The text in UTF-8, in memory that the next call uses again if it is short. */
function encodeText(text: string): Uint8Array {
  if (text.length * UTF8_BYTES_A_UNIT_MAX > scratch.length) return encoder.encode(text)
  return scratch.subarray(0, encoder.encodeInto(text, scratch).written)
}

function writeNumber(bytes: Uint8Array, start: number, value: number): number {
  let position = start
  let left = value
  while (left >= 0x80) {
    bytes[position++] = (left & 0x7f) | 0x80
    left >>>= 7
  }
  bytes[position++] = left
  return position
}

/** The message; its value is a view of `bytes`. `MESSAGE_UNDECODABLE` if a newer version wrote it or it is damaged. */
export function decodeStored(bytes: Uint8Array): StoredMessage {
  const { lengths, texts, value } = readParts(bytes)
  const text = decoder.decode(texts)
  const idempotencyKey = text.slice(0, lengths[0])
  const headers: Record<string, string> = {}
  let position = lengths[0] as number
  for (let index = 1; index < lengths.length; index += 2) {
    const middle = position + (lengths[index] as number)
    const end = middle + (lengths[index + 1] as number)
    headers[text.slice(position, middle)] = text.slice(middle, end)
    position = end
  }
  if (position !== text.length) undecodable(`texts of ${position} units`, `${text.length} units`)
  return { headers, value, ...(idempotencyKey === '' ? {} : { idempotencyKey }) }
}

/** The idempotency key alone: what a start reads of the newest messages. */
export function storedIdempotencyKey(bytes: Uint8Array): string | undefined {
  const { lengths, texts } = readParts(bytes)
  const length = lengths[0] as number
  // A character that is cut off at the end is behind the key.
  const keyBytesMax = UTF8_BYTES_A_UNIT_MAX * length
  return length === 0 ? undefined : decoder.decode(texts.subarray(0, keyBytesMax)).slice(0, length)
}

interface StoredParts {
  readonly lengths: readonly number[]
  readonly texts: Uint8Array
  readonly value: Uint8Array
}

function readParts(bytes: Uint8Array): StoredParts {
  if (bytes[0] !== VERSION) undecodable(`version ${bytes[0] ?? 'missing'}`, `version ${VERSION}`)
  let position = 1
  const readNumber = (): number => {
    let value = 0
    for (let shift = 0; shift < 7 * NUMBER_BYTES_MAX; shift += 7) {
      const byte = bytes[position++]
      if (byte === undefined) break
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    return undecodable('a number without an end', `a number of at most ${NUMBER_BYTES_MAX} bytes`)
  }
  const headers = readNumber()
  if (headers > HEADERS_MAX) undecodable(`${headers} headers`, `at most ${HEADERS_MAX} headers`)
  const lengths: number[] = []
  for (let left = 2 * headers + 1; left > 0; left -= 1) lengths.push(readNumber())
  const textBytes = readNumber()
  const end = position + textBytes
  if (end > bytes.length)
    undecodable(`texts of ${textBytes} bytes`, `at most ${bytes.length - position} bytes`)
  return { lengths, texts: bytes.subarray(position, end), value: bytes.subarray(end) }
}

function undecodable(seen: string, expected: string): never {
  throw millraceError('MESSAGE_UNDECODABLE', { seen, expected })
}
