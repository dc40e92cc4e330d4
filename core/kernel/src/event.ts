import { millraceError } from './errors/millrace-error.ts'

/** A value of an extension attribute. CloudEvents 1.0, section 3 (type system), as JSON has them. */
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
  readonly subject?: string
  readonly data: Data
  readonly extensions?: Readonly<Record<string, ExtensionValue>>
  /** Deliver not before this time, in milliseconds since 1970. Absent: at once. */
  readonly deliverAtMs?: number
}

const EXTENSION_NAME = /^[a-z0-9]{1,20}$/
const REQUIRED = ['id', 'type', 'source', 'time'] as const

/** Checks the attributes that CloudEvents requires; throws `EVENT_INVALID` naming the first that is wrong. */
export function assertEvent(event: Event): void {
  for (const attribute of REQUIRED) {
    const value: unknown = event[attribute]
    if (typeof value !== 'string' || value === '') throw invalid(attribute, value, 'a text that is not empty')
  }
  if (event.subject === '') throw invalid('subject', '', 'a text that is not empty, or no subject')
  for (const [name, value] of Object.entries(event.extensions ?? {})) {
    if (!EXTENSION_NAME.test(name)) throw invalid(name, name, 'an extension name of 1 to 20 of a-z and 0-9')
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw invalid(name, value, 'a text, a number or a boolean')
    }
  }
}

function invalid(attribute: string, seen: unknown, expected: string) {
  return millraceError('EVENT_INVALID', { attribute, seen: JSON.stringify(seen) ?? 'missing', expected })
}
