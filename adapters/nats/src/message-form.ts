import type { Message, NewMessage } from '@millrace/bus'
import { headers, type MsgHdrs } from '@nats-io/nats-core'

/**
 * A message on NATS: the value is the payload, a header is a header, so that other programs can read them. What NATS
 * cannot carry takes a detour:
 * - a text that is not printable ASCII, or that begins or ends with a space: `mr-text-NAME` with its UTF-8 in base64url;
 * - a name that begins like the server's own (`Nats-`) or ours (`mr-`): `mr-name-NAME`;
 * - the key: `mr-key`, or `mr-text-mr-key`.
 * The server takes from `Nats-Msg-Id` whether it has the message already.
 */
const KEY = 'mr-key'
const NAME = 'mr-name-'
const TEXT = 'mr-text-'
export const MESSAGE_ID = 'Nats-Msg-Id'
export const EXPECTED_SEQUENCE = 'Nats-Expected-Last-Subject-Sequence'

const RESERVED_NAME = /^(nats|mr)-/i
const PLAIN_TEXT = /^[!-~]([ -~]*[!-~])?$/
/** Of a header, beside its name and its text: ": " and the end of the line. */
const HEADER_LINE_BYTES = 4
/** The first and the last line of all headers. */
const HEADER_FRAME_BYTES = 12

/** A message as it is sent. */
export interface WireMessage {
  readonly headers: MsgHdrs
  readonly payload: Uint8Array
  /** Of both together, as the server counts them against `max_payload`. */
  readonly bytes: number
}

/** The message with `id` as that by which the server recognises it. The value is copied. */
export function toWire({ key, headers: texts, value }: NewMessage, id: string): WireMessage {
  const wire = headers()
  let bytes = HEADER_FRAME_BYTES + value.length
  const add = (name: string, text: string) => {
    wire.append(name, text)
    bytes += name.length + text.length + HEADER_LINE_BYTES
  }
  if (key !== undefined) addText(add, KEY, key)
  for (const name in texts) addText(add, RESERVED_NAME.test(name) ? NAME + name : name, texts[name] as string)
  add(MESSAGE_ID, id)
  return { headers: wire, payload: value.slice(), bytes }
}

/** An idempotency key as an id that a header can carry; `auto` for ids that this process makes up. */
export function messageId(kind: 'key' | 'auto', text: string): string {
  if (kind === 'auto') return `a ${text}`
  return PLAIN_TEXT.test(text) ? `k ${text}` : `t ${encode(text)}`
}

/** The message at a place. Headers of the server are left out. */
export function fromWire(
  place: Pick<Message, 'topic' | 'partition' | 'offset' | 'timestampMs'>,
  wire: MsgHdrs | undefined,
  value: Uint8Array,
): Message {
  const texts: Record<string, string> = {}
  let key: string | undefined
  for (const [wireName, values] of wire ?? []) {
    const isEncoded = wireName.startsWith(TEXT)
    const name = isEncoded ? wireName.slice(TEXT.length) : wireName
    const text = isEncoded ? decode(values[0] ?? '') : values.join(', ')
    if (name === KEY) key = text
    else if (name.startsWith(NAME)) texts[name.slice(NAME.length)] = text
    else if (!RESERVED_NAME.test(name)) texts[name] = text
  }
  return { ...place, key, headers: texts, value }
}

function addText(add: (name: string, text: string) => void, name: string, text: string): void {
  if (PLAIN_TEXT.test(text)) add(name, text)
  else add(TEXT + name, encode(text))
}

function encode(text: string): string {
  return Buffer.from(text.toWellFormed()).toString('base64url')
}

function decode(text: string): string {
  return Buffer.from(text, 'base64url').toString()
}
