import type { StoredPosition } from './database.ts'
import type { StoredDocument } from './document-operation.ts'
import type { Filter, FilterValue, OrderBy } from './filter.ts'
import type { StoredEvent, StreamInfo } from './stored-event.ts'

/** A question to the database. */
export type Read =
  | LoadRead
  | QueryRead
  | CountRead
  | AggregateRead
  | PositionsRead
  | StreamRead
  | StreamInfoRead
  | FeedRead
  | FeedEndRead

/** Answers in the order of their questions. */
export type ReadAnswers<Reads extends readonly Read[]> = {
  -readonly [Index in keyof Reads]: ReadAnswer<Reads[Index]>
}

export type ReadAnswer<R extends Read> = R extends LoadRead
  ? readonly StoredDocument[]
  : R extends QueryRead
    ? QueryAnswer
    : R extends CountRead
      ? number
      : R extends AggregateRead
        ? readonly FilterValue[]
        : R extends PositionsRead
          ? readonly StoredPosition[]
          : R extends StreamRead
            ? readonly StoredEvent[]
            : R extends StreamInfoRead
              ? readonly StreamInfo[]
              : R extends FeedRead
                ? FeedAnswer
                : R extends FeedEndRead
                  ? number
                  : never

/** Whether documents that are marked as deleted are found. */
export type DeletedChoice =
  | 'exclude'
  | 'include'
  | {
      readonly kind: 'only'
      /** Deleted at or after this time, in milliseconds since 1970. */
      readonly sinceMs?: number
      /** Deleted before this time. */
      readonly beforeMs?: number
    }

/** The documents with these ids that exist, each once, in no particular order. */
export interface LoadRead {
  readonly kind: 'load'
  readonly collection: string
  readonly ids: readonly string[]
  readonly tenant?: string
  /** Default: 'exclude'. */
  readonly deleted?: DeletedChoice
}

/** Which documents are meant. */
export interface Selection {
  readonly collection: string
  readonly where?: Filter
  readonly tenant?: string
  /** Default: 'exclude'. */
  readonly deleted?: DeletedChoice
}

/** Documents that match, in the order asked for (by default: by id). */
export interface DocumentQuery extends Selection {
  readonly orderBy?: readonly OrderBy[]
  /** Default: 100; at most 10,000. */
  readonly limit?: number
  /** Documents to leave out at the start. Default: 0. */
  readonly offset?: number
  /** Only these parts of the documents, by the name that each gets; a part that is missing is null. Default: all. */
  readonly select?: Readonly<Record<string, readonly string[]>>
  /** Also count all documents that match. Default: false. */
  readonly withTotal?: boolean
}

export interface QueryRead extends DocumentQuery {
  readonly kind: 'query'
}

export interface QueryAnswer {
  readonly documents: readonly StoredDocument[]
  /** Only if it was asked for. */
  readonly total?: number
}

/** How many documents match. */
export interface CountRead extends Selection {
  readonly kind: 'count'
}

/**
 * Figures over the documents that match: `sum` of the numbers at a path (0 if there are none; anything else is left
 * out), `min` and `max` in the order across types, without missing and null (null if there is nothing else; objects and
 * arrays are left out).
 */
export interface AggregateRead extends Selection {
  readonly kind: 'aggregate'
  readonly figures: readonly { readonly kind: 'sum' | 'min' | 'max'; readonly path: readonly string[] }[]
}

/** The positions that a processor has committed, in the order of topics (by code points) and partitions. */
export interface PositionsRead {
  readonly kind: 'positions'
  readonly processor: string
}

/** Events of one stream; none if there is no such stream. STREAM_ENDED for a tombstoned one. */
export interface StreamRead {
  readonly kind: 'stream'
  readonly stream: string
  readonly tenant?: string
  readonly direction?: 'forwards' | 'backwards'
  /** The first version forwards, the greatest backwards. Default: from the beginning, or from the end. */
  readonly fromVersion?: number
  /** Where to end: the greatest version forwards, the smallest backwards. Default: all. */
  readonly toVersion?: number
  /** Only events that were recorded at or before this time, in milliseconds since 1970. */
  readonly atMs?: number
  /** Default: 1,000; at most 10,000. */
  readonly limit?: number
}

/** What is known about streams, of those that exist. */
export interface StreamInfoRead {
  readonly kind: 'stream-info'
  readonly streams: readonly string[]
  readonly tenant?: string
}

/**
 * The next events of the whole store behind a position, of all tenants unless one is named, in the order of positions.
 *
 * An event that was committed is never missed by a reader who goes on behind `through`: no event that this answer does
 * not hold can appear at or below it later. So an event is held back while an earlier position may still be committed,
 * until that is decided, not until some time has passed.
 *
 * If `limit` events were found, `through` is the last one's position; else as far as the engine has looked, which may be
 * beyond the last event, and is never below `after`.
 */
export interface FeedRead {
  readonly kind: 'feed'
  /** Events with greater positions. */
  readonly after: number
  /** Default: 500; at most 10,000. */
  readonly limit?: number
  readonly types?: readonly string[]
  readonly streamTypes?: readonly string[]
  readonly tenant?: string
  /** Only one stream's. */
  readonly stream?: string
  /** Only what the relay publishes. Default: false. */
  readonly withTopicOnly?: boolean
}

export interface FeedAnswer {
  readonly events: readonly StoredEvent[]
  /** Where to go on; at least the last event's position, and at least `after`. */
  readonly through: number
}

/** The position up to which the feed is complete now. */
export interface FeedEndRead {
  readonly kind: 'feed-end'
}

/** How an engine answers. */
export interface Explanation {
  /** The statement with marks for its parameters; empty where there is none. */
  readonly sql: string
  /** The engine's plan, a line each. */
  readonly lines: readonly string[]
}
