import type { Collection, Identified } from '@millrace/documents'
import type { Event, EventType } from '@millrace/kernel'

/** What an event does to the document of its key: the new document, undefined to leave it, null to delete it. */
export type Apply<Document extends Identified, Data> = (
  document: Document | undefined,
  event: Event<Data>,
) => Document | undefined | null

/** One event type with what it does. */
export interface ProjectionCase<Document extends Identified = Identified> {
  readonly type: EventType
  readonly apply: Apply<Document, unknown>
}

/** Choices beside the cases. */
export interface ProjectionOptions {
  /** The id of the document that an event belongs to; undefined skips the event. Default: the event's subject. */
  readonly keyOf?: (event: Event) => string | undefined
}

/**
 * A described projection: events become documents of one collection, committed together with the position. Immutable;
 * `on` gives a new one.
 */
export interface Projection<Document extends Identified = Identified> {
  readonly kind: 'projection'
  readonly name: string
  readonly collection: Collection<Document>
  readonly options: ProjectionOptions
  readonly cases: readonly ProjectionCase<Document>[]
  /** Adds what events of `type` do. The function must be pure: it is run again after a crash. */
  on<Data>(type: EventType<Data>, apply: Apply<Document, Data>): Projection<Document>
}

/**
 * Describes a projection.
 *
 * @example
 * projection('benches', Bench)
 *   .on(Reading, (bench, reading) => ({ id: String(reading.subject), alarms: 0, ...bench, celsius: reading.data.celsius }))
 *   .on(Alarm, (bench) => bench && { ...bench, alarms: bench.alarms + 1 })
 */
export function projection<Document extends Identified>(
  name: string,
  collection: Collection<Document>,
  options: ProjectionOptions = {},
): Projection<Document> {
  return withCases({ name, collection, options, cases: [] })
}

function withCases<Document extends Identified>(
  description: Pick<Projection<Document>, 'name' | 'collection' | 'options' | 'cases'>,
): Projection<Document> {
  return {
    kind: 'projection',
    ...description,
    on: (type, apply) =>
      withCases({
        ...description,
        cases: [...description.cases, { type: type as EventType, apply: apply as Apply<Document, unknown> }],
      }),
  }
}
