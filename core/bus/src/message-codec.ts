import { millraceError } from '@millrace/kernel'
import { utf8Bytes } from './message-checks.ts'

/** What a stored message carries beside its key and its time. */
export interface StoredMessage {
  readonly headers: Readonly<Record<string, string>>
  readonly value: Uint8Array
  readonly idempotencyKey?: string | undefined
}

/**
 * The stored form, version 1: a version byte; the idempotency key (empty for none); the number of headers; name and
 * text of each; and what is left is the value. Texts are UTF-8 after their length, lengths are unsigned LEB128.
 */
const VERSION = 1

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Bytes that `message` takes at most beyond its texts and value: the version and a length a text, 5 bytes each. */
const LENGTH_BYTES_MAX = 5

export function encodeStored(message: StoredMessage): Uint8Array {
  const { headers, value, idempotencyKey = '' } = message
  let textBytes = utf8Bytes(idempotencyKey)
  let count = 0
  for (const name in headers) {
    count += 1
    textBytes += utf8Bytes(name) + utf8Bytes(headers[name] as string)
  }
  const writer = new StoredWriter(1 + LENGTH_BYTES_MAX * (2 + 2 * count) + textBytes + value.length)
  writer.byte(VERSION)
  writer.text(idempotencyKey)
  writer.length(count)
  for (const name in headers) {
    writer.text(name)
    writer.text(headers[name] as string)
  }
  return writer.finish(value)
}

/** The message; its value is a view of `bytes`. `MESSAGE_UNDECODABLE` if a newer version wrote it or it is damaged. */
export function decodeStored(bytes: Uint8Array): StoredMessage {
  const reader = new StoredReader(bytes)
  const idempotencyKey = reader.text()
  const headers: Record<string, string> = {}
  for (let left = reader.length(); left > 0; left -= 1) {
    const name = reader.text()
    headers[name] = reader.text()
  }
  return { headers, value: reader.rest(), ...(idempotencyKey === '' ? {} : { idempotencyKey }) }
}

/** The idempotency key alone: what a start reads of the newest messages. */
export function storedIdempotencyKey(bytes: Uint8Array): string | undefined {
  return new StoredReader(bytes).text() || undefined
}

class StoredWriter {
  readonly #bytes: Uint8Array
  #position = 0

  constructor(bytesMax: number) {
    this.#bytes = new Uint8Array(bytesMax)
  }

  byte(value: number): void {
    this.#bytes[this.#position++] = value
  }

  length(value: number): void {
    let left = value
    while (left >= 0x80) {
      this.byte((left & 0x7f) | 0x80)
      left >>>= 7
    }
    this.byte(left)
  }

  text(text: string): void {
    const bytes = utf8Bytes(text)
    this.length(bytes)
    if (bytes === text.length) this.#ascii(text)
    else encoder.encodeInto(text, this.#bytes.subarray(this.#position, this.#position + bytes))
    this.#position += bytes
  }

  /** Short texts are written faster here than through the encoder. */
  #ascii(text: string): void {
    for (let index = 0; index < text.length; index += 1)
      this.#bytes[this.#position + index] = text.charCodeAt(index)
  }

  finish(value: Uint8Array): Uint8Array {
    this.#bytes.set(value, this.#position)
    return this.#bytes.subarray(0, this.#position + value.length)
  }
}

class StoredReader {
  readonly #bytes: Uint8Array
  #position = 1

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    if (bytes[0] !== VERSION) {
      throw millraceError('MESSAGE_UNDECODABLE', {
        seen: `version ${bytes[0] ?? 'missing'}`,
        expected: `version ${VERSION}`,
      })
    }
  }

  length(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#position++]
      if (byte === undefined) break
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw millraceError('MESSAGE_UNDECODABLE', {
      seen: 'a length without an end',
      expected: 'a length of at most 5 bytes',
    })
  }

  text(): string {
    const length = this.length()
    const end = this.#position + length
    if (end > this.#bytes.length) {
      const expected = `at most the ${this.#bytes.length - this.#position} bytes that are left`
      throw millraceError('MESSAGE_UNDECODABLE', { seen: `a text of ${length} bytes`, expected })
    }
    const text = decoder.decode(this.#bytes.subarray(this.#position, end))
    this.#position = end
    return text
  }

  rest(): Uint8Array {
    return this.#bytes.subarray(this.#position)
  }
}
