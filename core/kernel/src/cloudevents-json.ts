import { decodeBase64, encodeBase64 } from './base64.ts'
import { errorText, millraceError } from './errors/millrace-error.ts'
import { assertEvent, type Event, type ExtensionValue, isReservedName } from './event.ts'
import { jsonText } from './json-text.ts'

/** The media type of the structured JSON encoding. */
export const CLOUDEVENTS_JSON = 'application/cloudevents+json'

/**
 * The event as one JSON text. Binary data (a Uint8Array) becomes `data_base64`.
 *
 * Source: CloudEvents 1.0.2, JSON event format, section 3.
 */
export function encodeJson(event: Event): string {
  assertEvent(event)
  return jsonText(toJsonObject(event))
}

/** The same as {@link encodeJson}, as a plain object, for embedding in a larger JSON document. */
export function toJsonObject(event: Event): Record<string, unknown> {
  const { extensions, data, ...attributes } = event
  const body =
    data instanceof Uint8Array ? { data_base64: encodeBase64(data) } : data === undefined ? {} : { data }
  return { specversion: '1.0', ...attributes, ...extensions, ...body }
}

/** Reads a structured JSON event; throws `EVENT_INVALID` for anything that is not one. */
export function decodeJson(text: string): Event {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw millraceError('EVENT_INVALID', {
      attribute: 'body',
      seen: errorText(error),
      expected: 'a JSON object',
    })
  }
  return fromJsonObject(value)
}

/** Reads an event from a parsed JSON value; throws `EVENT_INVALID` for anything that is not one. */
export function fromJsonObject(value: unknown): Event {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw millraceError('EVENT_INVALID', {
      attribute: 'body',
      seen: JSON.stringify(value),
      expected: 'a JSON object',
    })
  }
  const attributes = value as Record<string, unknown>
  if (attributes.specversion !== '1.0') {
    const seen = JSON.stringify(attributes.specversion) ?? 'missing'
    throw millraceError('EVENT_INVALID', { attribute: 'specversion', seen, expected: '"1.0"' })
  }
  const event: Event = {
    id: attributes.id as string,
    type: attributes.type as string,
    source: attributes.source as string,
    time: attributes.time as string,
    ...optionalText(attributes, 'subject'),
    ...optionalText(attributes, 'datacontenttype'),
    ...optionalText(attributes, 'dataschema'),
    ...extensionsOf(attributes),
    data: dataOf(attributes),
  }
  assertEvent(event)
  return event
}

function optionalText(
  attributes: Record<string, unknown>,
  name: 'subject' | 'datacontenttype' | 'dataschema',
) {
  const value = attributes[name]
  if (value === undefined || value === null) return {}
  if (typeof value === 'string' && value !== '') return { [name]: value }
  const seen = JSON.stringify(value)
  throw millraceError('EVENT_INVALID', { attribute: name, seen, expected: 'a text that is not empty' })
}

function extensionsOf(attributes: Record<string, unknown>) {
  const entries = Object.entries(attributes).filter(
    ([name, value]) => !isReservedName(name) && value !== null,
  )
  // fromEntries and not assignment: a member "__proto__" must stay a member, to be refused by its name.
  return entries.length === 0
    ? {}
    : { extensions: Object.fromEntries(entries) as Record<string, ExtensionValue> }
}

function dataOf(attributes: Record<string, unknown>): unknown {
  const encoded = attributes.data_base64
  if (encoded === undefined || encoded === null) return attributes.data
  const bytes =
    typeof encoded === 'string' && attributes.data === undefined ? decodeBase64(encoded) : undefined
  if (bytes !== undefined) return bytes
  const seen = JSON.stringify(encoded)
  throw millraceError('EVENT_INVALID', {
    attribute: 'data_base64',
    seen,
    expected: 'base64, and no data beside it',
  })
}
