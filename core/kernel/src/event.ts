import { millraceError } from './errors/millrace-error.ts'
import { parseTime } from './time.ts'

/**
 * A value of an extension attribute; a number is a whole one of 32 bits. CloudEvents 1.0, section "Type System".
 */
export type ExtensionValue = string | number | boolean

/**
 * An immutable fact, as CloudEvents 1.0 defines it (https://github.com/cloudevents/spec, section 3).
 * `id` and `source` together name the event for ever: two deliveries with the same pair are one event.
 */
export interface Event<Data = unknown> {
  readonly id: string
  readonly type: string
  /** Who says so, as a URI reference: `/devices/bench-7`, `/actors/too-hot`. */
  readonly source: string
  /** What it is about; the ordering key on the bus. For a device's event: the device id. */
  readonly subject?: string
  /** When it happened, RFC 3339. */
  readonly time: string
  readonly datacontenttype?: string
  readonly dataschema?: string
  /** Extension attributes, such as `causationid`, `correlationid` and `traceparent`. */
  readonly extensions?: Readonly<Record<string, ExtensionValue>>
  readonly data: Data
}

/** An event that has no identity yet: whoever publishes it adds id, source and time. */
export interface EventDraft<Data = unknown> {
  readonly kind: 'event-draft'
  readonly type: string
  /** The topic to publish it on. Default: its type. */
  readonly topic?: string
  readonly subject?: string
  readonly data: Data
  readonly extensions?: Readonly<Record<string, ExtensionValue>>
  /** Deliver not before this time, in milliseconds since 1970. Absent: at once. */
  readonly deliverAtMs?: number
}

const EXTENSION_NAME = /^[a-z0-9]{1,64}$/
const REQUIRED = ['id', 'type', 'source', 'time'] as const
const OPTIONAL = ['subject', 'datacontenttype', 'dataschema'] as const
const RESERVED = new Set<string>(['specversion', 'data', 'data_base64', ...REQUIRED, ...OPTIONAL])
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/

/** True for the names that CloudEvents keeps for itself, which no extension may take. */
export function isReservedName(name: string): boolean {
  return RESERVED.has(name)
}

/** True for a name that an extension may have: 1 to 64 of a-z and 0-9, not one of CloudEvents' own. */
export function isExtensionName(name: string): boolean {
  return EXTENSION_NAME.test(name) && !RESERVED.has(name)
}

/**
 * Checks the attributes as CloudEvents 1.0 requires (sections "Type System" and "Context Attributes"); throws
 * `EVENT_INVALID` naming the first that is wrong. Data is not looked at.
 */
export function assertEvent(event: Event): void {
  for (const attribute of REQUIRED) assertText(attribute, event[attribute])
  for (const attribute of OPTIONAL) {
    if (event[attribute] !== undefined) assertText(attribute, event[attribute])
  }
  parseTime(event.time)
  for (const name in event.extensions) {
    if (!isExtensionName(name))
      throw invalid(name, 'an unusable extension name', '1 to 64 of a-z and 0-9, not reserved')
    assertExtension(name, event.extensions[name])
  }
}

function assertText(attribute: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') throw invalid(attribute, value, 'a text that is not empty')
  assertCharacters(attribute, value)
}

function assertExtension(name: string, value: unknown): void {
  if (typeof value === 'boolean') return
  if (typeof value === 'number' && (value | 0) === value) return
  if (typeof value === 'string') assertCharacters(name, value)
  else throw invalid(name, value, 'a text, a whole number of 32 bits, or a boolean')
}

function assertCharacters(attribute: string, value: string): void {
  if (!CONTROL_CHARACTER.test(value) && value.isWellFormed()) return
  throw invalid(attribute, value, 'a text without control characters and lone surrogates')
}

function invalid(attribute: string, value: unknown, expected: string) {
  return millraceError('EVENT_INVALID', { attribute, seen: quote(value), expected })
}

/** A bigint has no JSON, and a number that is none is null there. */
function quote(value: unknown): string {
  return typeof value === 'bigint' || typeof value === 'number'
    ? String(value)
    : (JSON.stringify(value) ?? 'missing')
}
