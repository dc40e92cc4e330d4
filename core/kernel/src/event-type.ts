import { assert } from './assert.ts'
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
 * A named kind of event with the schema of its data. Unless told otherwise, its name is also the topic on which it
 * travels.
 *
 * @example
 * const Reading = event('greenhouse.reading', z.object({ celsius: z.number() }))
 * const Alarm = event('greenhouse.alarm', z.object({ celsius: z.number() }))
 * actor('too-hot', { on: Reading }, (reading) => [Alarm.from(reading, { celsius: reading.data.celsius })])
 */
export interface EventType<Data = unknown> {
  readonly kind: 'event-type'
  readonly type: string
  /** The topic that carries it; other types may travel there too. */
  readonly topic: string
  /** The version of its data's shape; drafts of a version above 1 say so in the extension `dataversion`. */
  readonly version: number
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

/** Choices for an event type beside its name and schema. */
export interface EventTypeOptions {
  /** Default: the type's name. */
  readonly topic?: string
  /**
   * The version of its data's shape, from 1 on: raise it when stored events do not fit the schema any more, and give
   * the event store an upcaster. Default: 1.
   */
  readonly version?: number
}

/** Declares a kind of event. Any Standard Schema library will do (zod, valibot, arktype). */
export function event<Data>(
  type: string,
  schema: Schema<Data>,
  { topic = type, version = 1 }: EventTypeOptions = {},
): EventType<Data> {
  assert(
    Number.isSafeInteger(version) && version >= 1,
    'the version of an event type is a whole number from 1 on',
  )
  const draftOf = makeDraft<Data>(type, topic, version)
  return {
    kind: 'event-type',
    type,
    topic,
    version,
    schema,
    from: (cause, data, options = {}) =>
      draftOf(
        data,
        { ...subjectOf(cause), ...options },
        {
          causationid: cause.id,
          correlationid: cause.extensions?.correlationid ?? cause.id,
        },
      ),
    draft: (data, options = {}) => draftOf(data, options),
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

function makeDraft<Data>(type: string, topic: string, version: number) {
  const place = topic === type ? { type } : { type, topic }
  const mark = version === 1 ? undefined : { dataversion: version }
  return (data: Data, options: DraftOptions, links?: EventDraft['extensions']): EventDraft<Data> => ({
    kind: 'event-draft',
    ...place,
    data,
    ...options,
    ...(links === undefined && mark === undefined ? {} : { extensions: { ...links, ...mark } }),
  })
}
