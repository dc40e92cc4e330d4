import { millraceError } from './errors/millrace-error.ts'
import type { Event, EventDraft } from './event.ts'
import { checkSchema, formatIssues, type Schema } from './schema.ts'

/** Choices for a draft beside its data. */
export interface DraftOptions {
  /** Default: the subject of the cause, if there is one. */
  readonly subject?: string
  /** Deliver not before this time, in milliseconds since 1970. */
  readonly deliverAtMs?: number
}

/**
 * A named kind of event with the schema of its data. Its name is also the topic on which it travels.
 *
 * @example
 * const Reading = event('greenhouse.reading', z.object({ celsius: z.number() }))
 * const Alarm = event('greenhouse.alarm', z.object({ celsius: z.number() }))
 * actor('too-hot', { on: Reading }, (reading) => [Alarm.from(reading, { celsius: reading.data.celsius })])
 */
export interface EventType<Data = unknown> {
  readonly kind: 'event-type'
  readonly type: string
  readonly schema: Schema<Data>
  /** A draft caused by `cause`: about the same subject, carrying its correlation id. */
  from(cause: Event, data: Data, options?: DraftOptions): EventDraft<Data>
  /** A draft that nothing caused. */
  draft(data: Data, options?: DraftOptions): EventDraft<Data>
  /** True if `event` is of this type; its data is not checked again. */
  is(event: Event): event is Event<Data>
  /** The event with its data checked (and converted) by the schema; `EVENT_SCHEMA_MISMATCH` if it does not fit. */
  parse(event: Event): Event<Data>
}

/** Declares a kind of event. Any Standard Schema library will do (zod, valibot, arktype). */
export function event<Data>(type: string, schema: Schema<Data>): EventType<Data> {
  return {
    kind: 'event-type',
    type,
    schema,
    from: (cause, data, options = {}) =>
      draftOf(
        type,
        data,
        { ...subjectOf(cause), ...options },
        {
          causationid: cause.id,
          correlationid: cause.extensions?.correlationid ?? cause.id,
        },
      ),
    draft: (data, options = {}) => draftOf(type, data, options),
    is: (candidate): candidate is Event<Data> => candidate.type === type,
    parse: (candidate) => {
      const result = checkSchema(schema, candidate.data)
      if (result.ok) return { ...candidate, data: result.value }
      throw millraceError('EVENT_SCHEMA_MISMATCH', { type, issues: formatIssues(result.issues) })
    },
  }
}

function subjectOf(cause: Event): DraftOptions {
  return cause.subject === undefined ? {} : { subject: cause.subject }
}

function draftOf<Data>(
  type: string,
  data: Data,
  options: DraftOptions,
  extensions?: EventDraft['extensions'],
): EventDraft<Data> {
  return { kind: 'event-draft', type, data, ...options, ...(extensions === undefined ? {} : { extensions }) }
}
