import { errorText, millraceError } from './errors/millrace-error.ts'
import { assertEvent, type Event, type ExtensionValue, isExtensionName, isReservedName } from './event.ts'
import { decodePercent, encodePercent } from './header-text.ts'
import { jsonText } from './json-text.ts'

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
 * The event in binary mode. Bytes travel as they are, a text whose content type is not JSON as UTF-8, anything
 * else as JSON. Extension values become texts and stay texts: headers have no types.
 *
 * @throws EVENT_INVALID if an attribute is wrong, or the data is of no kind that its content type allows
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
  if (prefix === 'ce-') for (const name in headers) headers[name] = encodePercent(headers[name]!)
  const isBytes = event.data instanceof Uint8Array
  const contentType = event.datacontenttype ?? (isBytes ? 'application/octet-stream' : JSON_CONTENT_TYPE)
  headers[CONTENT_TYPE] = contentType
  return { headers, body: encodeData(event.data, contentType) }
}

/** Reads an event in binary mode; throws `EVENT_INVALID` if attributes are missing or JSON data does not parse. */
export function decodeBinary(binary: BinaryEvent, prefix: HeaderPrefix = 'ce_'): Event {
  const { body } = binary
  const headers = prefix === 'ce-' ? decodeAll(binary.headers) : binary.headers
  const version = headers[`${prefix}specversion`]
  if (version !== '1.0') {
    throw millraceError('EVENT_INVALID', {
      attribute: 'specversion',
      seen: JSON.stringify(version) ?? 'missing',
      expected: '"1.0"',
    })
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
  return event
}

function decodeAll(headers: BinaryEvent['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, text]) => [
      name,
      name.startsWith('ce-') ? decodePercent(text) : text,
    ]),
  )
}

function extensionsOf(headers: Readonly<Record<string, string>>, prefix: HeaderPrefix) {
  const entries: [string, ExtensionValue][] = []
  for (const header in headers) {
    if (!header.startsWith(prefix) || header === CONTENT_TYPE) continue
    const name = header.slice(prefix.length)
    // Without a prefix anything may stand among the headers; only what can be an extension is one.
    if (!isReservedName(name) && (prefix !== '' || isExtensionName(name)))
      entries.push([name, headers[header]!])
  }
  return entries.length === 0 ? {} : { extensions: Object.fromEntries(entries) }
}

function encodeData(data: unknown, contentType: string): Uint8Array {
  if (data instanceof Uint8Array) return data
  if (data === undefined) return NO_BYTES
  if (isJson(contentType)) return encoder.encode(jsonText(data))
  if (typeof data === 'string') return encoder.encode(data)
  throw millraceError('EVENT_INVALID', {
    attribute: 'data',
    seen: `a ${typeof data}`,
    expected: `a text or bytes, as "${contentType}" says`,
  })
}

function decodeData(body: Uint8Array, contentType: string | undefined): unknown {
  if (body.length === 0) return undefined
  if (!isJson(contentType) && !isUtf8Text(contentType)) return body
  try {
    const text = decoder.decode(body)
    return isJson(contentType) ? JSON.parse(text) : text
  } catch (error) {
    throw millraceError('EVENT_INVALID', {
      attribute: 'data',
      seen: errorText(error),
      expected: `what its content type "${contentType}" says`,
    })
  }
}

/** `text/…` in UTF-8; in another character set it stays bytes. */
function isUtf8Text(contentType: string | undefined): boolean {
  const [essence = '', ...parameters] = (contentType ?? '').toLowerCase().split(';')
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='))
  return (
    essence.trim().startsWith('text/') &&
    (charset === undefined || /^charset="?utf-8"?$/.test(charset.trim()))
  )
}

/** True for `application/json`, any `+json` type, and no type at all (JSON is the default of CloudEvents). */
export function isJson(contentType: string | undefined): boolean {
  const essence = contentType?.split(';', 1)[0]?.trim().toLowerCase()
  return essence === undefined || essence === JSON_CONTENT_TYPE || essence.endsWith('+json')
}
