import type { Collection, Identified } from '@millrace/documents'
import type { RecordedEvent } from '@millrace/event-store'
import type { Event, EventType } from '@millrace/kernel'

/** An event on its way into a projection. What the store adds to it is there if it comes from the store. */
export type ProjectedEvent<Data = unknown> = Event<Data> & Partial<Omit<RecordedEvent, keyof Event>>

/**
 * What an event does to the document of its key: the new document, undefined to leave it, null to delete it. The new
 * document has the key for its id.
 */
export type Apply<Document extends Identified, Data> = (
  document: Document | undefined,
  event: ProjectedEvent<Data>,
  key: string,
) => Document | undefined | null

/** One event type with what it does. */
export interface ProjectionCase<Document extends Identified = Identified> {
  readonly type: EventType
  /** A method, so that a projection of benches is a projection: it is only ever given what it has returned. */
  apply(document: Document | undefined, event: ProjectedEvent, key: string): Document | undefined | null
}

/** Choices beside the cases. */
export interface ProjectionOptions {
  /**
   * The id of the document that an event belongs to, or the ids of several; undefined or none skips the event. Must
   * depend on the event only. Default: the event's stream; its subject if it belongs to none, or comes from the bus.
   */
  readonly keyOf?: (event: ProjectedEvent) => string | readonly string[] | undefined
  /** Raise it when the functions change: the daemon then rebuilds the documents. Default: 1. */
  readonly version?: number
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
 * Describes a projection. The same description runs fed from the bus, fed from the store, in the transaction that
 * appends (inline), or on demand (live).
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

/** The ids of the documents that an event belongs to, each once. */
export function keysOf({ keyOf }: ProjectionOptions, event: ProjectedEvent): readonly string[] {
  const keys = keyOf === undefined ? (event.stream ?? event.subject) : keyOf(event)
  if (keys === undefined) return []
  if (typeof keys === 'string') return [keys]
  return keys.length < 2 ? keys : [...new Set<string>(keys)]
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
