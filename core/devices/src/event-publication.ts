import {
  CLOUDEVENTS_JSON,
  decodeJson,
  type Event,
  type EventType,
  type ExtensionValue,
  errorText,
  formatTime,
  isJson,
  millraceError,
  parseTime,
} from '@millrace/kernel'

/** What a device published to an event topic. */
export interface EventPublication {
  readonly device: string
  readonly payload: Uint8Array
  readonly contentType: string | undefined
  readonly userProperties: Readonly<Record<string, string | string[]>>
}

/** Source and id together are the key by which the bus knows a repeated event; it takes 200 characters. */
const IDENTITY_LENGTH_MAX = 199
const EXTENSIONS_MAX = 20
const EXTENSION_NAME = /^[a-z0-9]{1,20}$/
const ATTRIBUTES = new Set([
  'specversion',
  'id',
  'type',
  'source',
  'subject',
  'time',
  'datacontenttype',
  'dataschema',
  'data',
])

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The event that a publication carries: structured JSON if its content type says so, else binary mode with the user
 * properties as attributes, all of them optional. Whatever it says of itself, it comes from this device and is about it.
 *
 * Source: CloudEvents 1.0.2, MQTT protocol binding, sections 3.1 and 3.2.
 *
 * @throws EVENT_INVALID, EVENT_SCHEMA_MISMATCH, SCHEMA_ASYNCHRONOUS
 */
export function eventOfPublication(
  publication: EventPublication,
  type: EventType,
  fresh: { readonly nowMs: number; readonly newId: () => string },
): Event {
  const event = isStructured(publication.contentType)
    ? structuredEvent(publication, type)
    : binaryEvent(publication, type, fresh)
  if (event.source.length + event.id.length > IDENTITY_LENGTH_MAX) {
    const expected = `at most ${IDENTITY_LENGTH_MAX - event.source.length} characters`
    throw millraceError('EVENT_INVALID', {
      attribute: 'id',
      seen: `${event.id.length} characters long`,
      expected,
    })
  }
  return type.parse(event)
}

function structuredEvent({ device, payload }: EventPublication, type: EventType): Event {
  const event = decodeJson(textOf(payload))
  assertType(event.type, type)
  return { ...event, source: sourceOf(device), subject: device }
}

function binaryEvent(
  { device, payload, contentType, userProperties }: EventPublication,
  type: EventType,
  fresh: { readonly nowMs: number; readonly newId: () => string },
): Event {
  const { id, time, type: givenType, dataschema } = userProperties
  if (givenType !== undefined) assertType(givenType, type)
  const extensions = extensionsOf(userProperties)
  return {
    id: id === undefined ? fresh.newId() : single('id', id),
    type: type.type,
    source: sourceOf(device),
    subject: device,
    time: time === undefined ? formatTime(fresh.nowMs) : checkedTime(single('time', time)),
    ...(contentType === undefined ? {} : { datacontenttype: contentType }),
    ...(dataschema === undefined ? {} : { dataschema: single('dataschema', dataschema) }),
    ...(extensions === undefined ? {} : { extensions }),
    data: isJson(contentType) ? parseJson(payload) : new Uint8Array(payload),
  }
}

/** User properties that are no attribute by their name are the device's own business and are left out. */
function extensionsOf(
  properties: EventPublication['userProperties'],
): Record<string, ExtensionValue> | undefined {
  let extensions: Record<string, ExtensionValue> | undefined
  let count = 0
  for (const name in properties) {
    const value = properties[name]
    if (typeof value !== 'string' || ATTRIBUTES.has(name) || !EXTENSION_NAME.test(name)) continue
    count += 1
    if (count > EXTENSIONS_MAX) {
      const expected = `at most ${EXTENSIONS_MAX} extension attributes`
      throw millraceError('EVENT_INVALID', { attribute: name, seen: 'one too many', expected })
    }
    extensions ??= {}
    extensions[name] = value
  }
  return extensions
}

function isStructured(contentType: string | undefined): boolean {
  return contentType?.split(';', 1)[0]?.trim().toLowerCase() === CLOUDEVENTS_JSON
}

function sourceOf(device: string): string {
  return `/devices/${device}`
}

function assertType(seen: string | string[], type: EventType): void {
  if (seen === type.type) return
  const expected = `"${type.type}", as the topic says`
  throw millraceError('EVENT_INVALID', { attribute: 'type', seen: JSON.stringify(seen), expected })
}

function single(attribute: string, value: string | string[]): string {
  if (typeof value === 'string' && value !== '') return value
  throw millraceError('EVENT_INVALID', {
    attribute,
    seen: JSON.stringify(value),
    expected: 'one text that is not empty',
  })
}

function checkedTime(text: string): string {
  parseTime(text)
  return text
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(textOf(payload))
  } catch (error) {
    throw millraceError('EVENT_INVALID', {
      attribute: 'data',
      seen: errorText(error),
      expected: 'a JSON value',
    })
  }
}

function textOf(payload: Uint8Array): string {
  try {
    return strictUtf8.decode(payload)
  } catch (error) {
    throw millraceError('EVENT_INVALID', { attribute: 'data', seen: errorText(error), expected: 'UTF-8' })
  }
}
