import { millraceError } from '@millrace/kernel'
import type { NewMessage } from './bus.ts'
import { IDEMPOTENCY_KEY_CHARACTERS_MAX, OWN_HEADER_BYTES_MAX } from './bus-limits.ts'

const TOPIC_NAME = /^(?!\.)[A-Za-z0-9._-]{1,200}$/
const HEADER_NAME = /^[!-9;-~]+$/
const OWN_SUFFIX = /\.dead-letters(\.replayed)?$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is there to refuse
const GROUP_NAME = /^[^\u0000-\u001f]{1,200}$/

/** Throws `TOPIC_NAME_INVALID` for a name that not every engine and file system can carry. */
export function assertTopicName(name: string): void {
  if (typeof name === 'string' && TOPIC_NAME.test(name.replace(OWN_SUFFIX, ''))) return
  throw millraceError('TOPIC_NAME_INVALID', { topic: JSON.stringify(name) ?? 'undefined' })
}

/** Throws `GROUP_NAME_INVALID`. */
export function assertGroupName(group: string): void {
  if (typeof group === 'string' && GROUP_NAME.test(group)) return
  throw millraceError('GROUP_NAME_INVALID', { group: JSON.stringify(group) ?? 'undefined' })
}

/** Of a stored message, beside its texts and its value: its numbers, and a record's; for a delayed one its place, too. */
const STORED_BYTES_MAX = 64
const STORED_DELAYED_BYTES_MAX = 512
/** Of a unit of a text in UTF-8. */
const UTF8_BYTES_PER_UNIT_MAX = 3
/** The two lengths of a header. */
const STORED_HEADER_BYTES_MAX = 10

/** Limits of one message, in bytes. */
export interface MessageLimits {
  /** See {@link BusLimits.messageBytesMax}. */
  readonly messageBytesMax: number
  /** See {@link BusStores.appendBytesMax}. */
  readonly appendBytesMax: number
}

/**
 * Throws `MESSAGE_TOO_LARGE` or `MESSAGE_INVALID` for a message that may not be published; answers an upper bound of the
 * bytes that it takes in the storage, see {@link storedBytesMax} for a closer one.
 */
export function assertMessage(topic: string, message: NewMessage, limits: MessageLimits): number {
  if (!(message.value instanceof Uint8Array))
    invalid(topic, 'value', typeof message.value, 'bytes (Uint8Array)')
  const characters = message.idempotencyKey?.length ?? 1
  if (characters < 1 || characters > IDEMPOTENCY_KEY_CHARACTERS_MAX) {
    invalid(
      topic,
      'idempotencyKey',
      `${characters} characters long`,
      `1 to ${IDEMPOTENCY_KEY_CHARACTERS_MAX} characters`,
    )
  }
  if (message.deliverAtMs !== undefined && !Number.isFinite(message.deliverAtMs)) {
    invalid(topic, 'deliverAtMs', String(message.deliverAtMs), 'milliseconds since 1970')
  }
  for (const name in message.headers) {
    if (!isHeaderName(name))
      invalid(topic, 'header name', JSON.stringify(name), 'printable ASCII without spaces and ":"')
  }
  const { messageBytesMax, appendBytesMax } = limits
  const bound = storedBytesBound(message)
  if (bound <= messageBytesMax && bound <= appendBytesMax) return bound
  const { counted, stored } = measure(message)
  if (counted > messageBytesMax)
    throw millraceError('MESSAGE_TOO_LARGE', { topic, seen: counted, limit: messageBytesMax })
  if (stored > appendBytesMax)
    throw millraceError('MESSAGE_TOO_LARGE', { topic, seen: stored, limit: appendBytesMax })
  return stored
}

/** No less than {@link storedBytesMax}, without a look at the characters: nearly every message is far below its limits. */
function storedBytesBound(message: NewMessage): number {
  const { key = '', headers, value, idempotencyKey = '' } = message
  let units = key.length + idempotencyKey.length
  let bytes = value.length + STORED_DELAYED_BYTES_MAX
  for (const name in headers) {
    units += name.length + (headers[name] as string).length
    bytes += STORED_HEADER_BYTES_MAX
  }
  return bytes + UTF8_BYTES_PER_UNIT_MAX * units
}

/** How many bytes a message takes in the storage, at most. */
export function storedBytesMax(message: NewMessage): number {
  return measure(message).stored
}

/** `__proto__` would not be a property of the object that a reader gets. */
function isHeaderName(name: string): boolean {
  return HEADER_NAME.test(name) && name !== '__proto__'
}

function invalid(topic: string, part: string, seen: string, expected: string): never {
  throw millraceError('MESSAGE_INVALID', { topic, part, seen, expected })
}

/** Size of a message as {@link BusLimits.messageBytesMax} counts it, and as it is stored, at most. */
function measure(message: NewMessage): { readonly counted: number; readonly stored: number } {
  let bytes = message.value.length + utf8Bytes(message.key ?? '')
  let ownBytes = 0
  let stored = message.deliverAtMs === undefined ? STORED_BYTES_MAX : STORED_DELAYED_BYTES_MAX
  for (const name in message.headers) {
    stored += STORED_HEADER_BYTES_MAX
    const header = utf8Bytes(name) + utf8Bytes(message.headers[name] as string)
    if (name.startsWith('mr_')) ownBytes += header
    else bytes += header
  }
  stored += bytes + ownBytes + utf8Bytes(message.idempotencyKey ?? '')
  return { counted: bytes + Math.max(0, ownBytes - OWN_HEADER_BYTES_MAX), stored }
}

/** Bytes of `text` in UTF-8; a lone surrogate counts 3, as it is written (U+FFFD). */
export function utf8Bytes(text: string): number {
  let bytes = text.length
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) continue
    bytes += unit < 0x800 ? 1 : 2
    // A pair is four bytes: the first unit has counted three, the second must count one.
    if (unit >= 0xd800 && unit < 0xdc00 && isLowSurrogate(text.charCodeAt(index + 1))) {
      index += 1
    }
  }
  return bytes
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000
}
