import { assertEvent, type Event, type ExtensionValue } from './event.ts'
import { errorText, millraceError } from './errors/millrace-error.ts'
import { parseTime } from './time.ts'

/** An event as named texts beside its bare data, the way brokers carry it. */
export interface BinaryEvent {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/**
 * What stands before an attribute's name in a header: `ce_` in the Kafka binding, `ce-` in the HTTP and NATS
 * bindings, nothing in the MQTT 5 binding. On Millrace's own bus: `ce_`.
 */
export type HeaderPrefix = 'ce_' | 'ce-' | ''

/** The content type of data that is JSON. */
export const JSON_CONTENT_TYPE = 'application/json'
const CONTENT_TYPE = 'content-type'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })
const NO_BYTES = new Uint8Array(0)

/**
 * The event in binary mode. Data that is bytes travels as it is; anything else as JSON.
 *
 * Source: CloudEvents 1.0.2, Kafka protocol binding, section 3.2 (and its likes for HTTP, NATS and MQTT).
 */
export function encodeBinary(event: Event, prefix: HeaderPrefix = 'ce_'): BinaryEvent {
  assertEvent(event)
  const headers: Record<string, string> = {
    [`${prefix}specversion`]: '1.0',
    [`${prefix}id`]: event.id,
    [`${prefix}type`]: event.type,
    [`${prefix}source`]: event.source,
    [`${prefix}time`]: event.time,
  }
  if (event.subject !== undefined) headers[`${prefix}subject`] = event.subject
  if (event.dataschema !== undefined) headers[`${prefix}dataschema`] = event.dataschema
  for (const name in event.extensions) headers[prefix + name] = String(event.extensions[name])
  const isBytes = event.data instanceof Uint8Array
  const contentType = event.datacontenttype ?? (isBytes ? 'application/octet-stream' : JSON_CONTENT_TYPE)
  headers[CONTENT_TYPE] = contentType
  return { headers, body: encodeData(event.data) }
}

/** Reads an event in binary mode; throws `EVENT_INVALID` if attributes are missing or JSON data does not parse. */
export function decodeBinary({ headers, body }: BinaryEvent, prefix: HeaderPrefix = 'ce_'): Event {
  const version = headers[`${prefix}specversion`]
  if (version !== '1.0') {
    throw millraceError('EVENT_INVALID', { attribute: 'specversion', seen: JSON.stringify(version) ?? 'missing', expected: '"1.0"' })
  }
  const datacontenttype = headers[CONTENT_TYPE]
  const subject = headers[`${prefix}subject`]
  const dataschema = headers[`${prefix}dataschema`]
  const event: Event = {
    id: headers[`${prefix}id`] as string,
    type: headers[`${prefix}type`] as string,
    source: headers[`${prefix}source`] as string,
    time: headers[`${prefix}time`] as string,
    ...(subject === undefined ? {} : { subject }),
    ...(datacontenttype === undefined ? {} : { datacontenttype }),
    ...(dataschema === undefined ? {} : { dataschema }),
    ...extensionsOf(headers, prefix),
    data: decodeData(body, datacontenttype),
  }
  assertEvent(event)
  parseTime(event.time)
  return event
}

const KNOWN = new Set(['specversion', 'id', 'type', 'source', 'subject', 'time', 'dataschema', 'datacontenttype'])

function extensionsOf(headers: Readonly<Record<string, string>>, prefix: HeaderPrefix) {
  let extensions: Record<string, ExtensionValue> | undefined
  for (const header in headers) {
    if (!header.startsWith(prefix) || header === CONTENT_TYPE) continue
    const name = header.slice(prefix.length)
    if (KNOWN.has(name)) continue
    extensions ??= {}
    extensions[name] = headers[header] as string
  }
  return extensions === undefined ? {} : { extensions }
}

function encodeData(data: unknown): Uint8Array {
  if (data instanceof Uint8Array) return data
  return data === undefined ? NO_BYTES : encoder.encode(JSON.stringify(data))
}

function decodeData(body: Uint8Array, contentType: string | undefined): unknown {
  if (body.length === 0) return undefined
  if (!isJson(contentType)) return body
  try {
    return JSON.parse(decoder.decode(body))
  } catch (error) {
    throw millraceError('EVENT_INVALID', { attribute: 'data', seen: errorText(error), expected: 'JSON, as its content type says' })
  }
}

/** True for `application/json`, any `+json` type, and no type at all (JSON is the default of CloudEvents). */
export function isJson(contentType: string | undefined): boolean {
  const essence = contentType?.split(';', 1)[0]?.trim().toLowerCase()
  return essence === undefined || essence === JSON_CONTENT_TYPE || essence.endsWith('+json')
}
