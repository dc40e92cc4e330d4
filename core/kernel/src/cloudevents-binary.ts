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
  const isBytes = event.data instanceof Uint8Array
  const contentType = event.datacontenttype ?? (isBytes ? 'application/octet-stream' : JSON_CONTENT_TYPE)
  const headers = busHeaders(event, contentType)
  return {
    headers: prefix === 'ce_' ? headers : renamed(headers, prefix),
    body: encodeData(event.data, contentType),
  }
}

/** The name of each attribute, joined once for each prefix. */
const NAMES = { ce_: namesBehind('ce_'), 'ce-': namesBehind('ce-'), '': namesBehind('') }

function namesBehind(prefix: HeaderPrefix) {
  return {
    specversion: `${prefix}specversion`,
    id: `${prefix}id`,
    type: `${prefix}type`,
    source: `${prefix}source`,
    time: `${prefix}time`,
    subject: `${prefix}subject`,
    dataschema: `${prefix}dataschema`,
  }
}

/** Headers with the names of our own bus, written out: computed names would cost more than all the rest. */
function busHeaders(event: Event, contentType: string): Record<string, string> {
  const headers: Record<string, string> = {
    ce_specversion: '1.0',
    ce_id: event.id,
    ce_type: event.type,
    ce_source: event.source,
    ce_time: event.time,
  }
  if (event.subject !== undefined) headers.ce_subject = event.subject
  if (event.dataschema !== undefined) headers.ce_dataschema = event.dataschema
  for (const name in event.extensions) headers[extensionHeader(name)] = String(event.extensions[name])
  headers[CONTENT_TYPE] = contentType
  return headers
}

/** The names that the backbone itself gives, joined once. */
const EXTENSION_HEADERS: Readonly<Record<string, string>> = {
  causationid: 'ce_causationid',
  correlationid: 'ce_correlationid',
  traceparent: 'ce_traceparent',
}

function extensionHeader(name: string): string {
  return Object.hasOwn(EXTENSION_HEADERS, name) ? EXTENSION_HEADERS[name]! : `ce_${name}`
}

function renamed(headers: Readonly<Record<string, string>>, prefix: HeaderPrefix): Record<string, string> {
  const result: Record<string, string> = {}
  for (const name in headers) {
    const text = headers[name]!
    if (name === CONTENT_TYPE) result[name] = text
    else result[prefix + name.slice('ce_'.length)] = prefix === 'ce-' ? encodePercent(text) : text
  }
  return result
}

/** Reads an event in binary mode; throws `EVENT_INVALID` if attributes are missing or JSON data does not parse. */
export function decodeBinary(binary: BinaryEvent, prefix: HeaderPrefix = 'ce_'): Event {
  const { body } = binary
  const headers = prefix === 'ce-' ? decodeAll(binary.headers) : binary.headers
  const names = NAMES[prefix]
  const version = headers[names.specversion]
  if (version !== '1.0') {
    throw millraceError('EVENT_INVALID', {
      attribute: 'specversion',
      seen: JSON.stringify(version) ?? 'missing',
      expected: '"1.0"',
    })
  }
  const datacontenttype = headers[CONTENT_TYPE]
  const subject = headers[names.subject]
  const dataschema = headers[names.dataschema]
  const extensions = extensionsOf(headers, prefix)
  const event: { -readonly [Name in keyof Event]: Event[Name] } = {
    id: headers[names.id] as string,
    type: headers[names.type] as string,
    source: headers[names.source] as string,
    time: headers[names.time] as string,
    data: decodeData(body, datacontenttype),
  }
  if (subject !== undefined) event.subject = subject
  if (datacontenttype !== undefined) event.datacontenttype = datacontenttype
  if (dataschema !== undefined) event.dataschema = dataschema
  if (extensions !== undefined) event.extensions = extensions
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

/** What every event on our own bus has; looked at first, since there are hardly any others. */
const ATTRIBUTE_HEADERS = new Set([...Object.values(NAMES.ce_), CONTENT_TYPE])

function extensionsOf(
  headers: Readonly<Record<string, string>>,
  prefix: HeaderPrefix,
): Record<string, ExtensionValue> | undefined {
  let entries: [string, ExtensionValue][] | undefined
  for (const header in headers) {
    if (ATTRIBUTE_HEADERS.has(header) && (prefix !== '' || header === CONTENT_TYPE)) continue
    if (!header.startsWith(prefix)) continue
    const name = header.slice(prefix.length)
    // Without a prefix anything may stand among the headers; only what can be an extension is one.
    if (isReservedName(name) || (prefix === '' && !isExtensionName(name))) continue
    entries ??= []
    entries.push([name, headers[header]!])
  }
  return entries === undefined ? undefined : Object.fromEntries(entries)
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
  if (contentType === JSON_CONTENT_TYPE) return true
  const essence = contentType?.split(';', 1)[0]?.trim().toLowerCase()
  return essence === undefined || essence === JSON_CONTENT_TYPE || essence.endsWith('+json')
}
