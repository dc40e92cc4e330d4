/**
 * An event on its way into the store. Its text is the whole event in CloudEvents' JSON format, as `encodeJson` of the
 * kernel makes it; the other fields are what engines look for.
 */
export interface NewEvent {
  readonly id: string
  readonly type: string
  readonly text: string
  /** The bus topic that the relay publishes it on. Absent: it stays in the store. */
  readonly topic?: string
}

/**
 * What a unit does to streams. A stream's `version` is the number of its events so far: the first event has version 1.
 */
export type StreamOperation =
  | {
      readonly kind: 'append'
      readonly stream: string
      /** What kind of entity it is; set when the stream begins, and left alone after that. */
      readonly streamType?: string
      /** Only if the stream has this version; 0: only if it does not exist. Absent: whatever it has. */
      readonly expectedVersion?: number
      /** At least one. */
      readonly events: readonly NewEvent[]
    }
  /** Events for the bus that belong to no stream. Each has a topic. */
  | { readonly kind: 'publish'; readonly events: readonly NewEvent[] }
  /**
   * Ends a stream: it can be read, but takes no more events (STREAM_ENDED) and is not in the feed any more, but for
   * reads `withTopicOnly`: what was to be published still is. Nothing happens to one that has been archived already, or
   * that does not exist; STREAM_ENDED for a tombstoned one.
   */
  | { readonly kind: 'archive'; readonly stream: string }
  /**
   * Ends a stream, an archived one too, for good and erases its events; reading it is STREAM_ENDED. Positions stay used.
   * Nothing happens to one that is tombstoned already, or that does not exist.
   */
  | { readonly kind: 'tombstone'; readonly stream: string }
  /** Removes published events without a stream below a position: what the relay has done with. All tenants. */
  | { readonly kind: 'forget-published'; readonly before: number }

/** An event as it is stored. */
export interface StoredEvent extends NewEvent {
  /** Its place in the whole store, from 1 on. Grows, with holes. */
  readonly position: number
  /** Absent for events that belong to no stream. */
  readonly stream?: string
  readonly streamType?: string
  /** Its place in the stream, from 1 on; 0 without a stream. */
  readonly version: number
  readonly tenant: string
  readonly recordedAtMs: number
  readonly correlationId?: string
  readonly causationId?: string
}

/** What is known about a stream. */
export interface StreamInfo {
  readonly stream: string
  readonly streamType?: string
  readonly version: number
  readonly state: 'open' | 'archived' | 'tombstoned'
  readonly createdAtMs: number
  readonly changedAtMs: number
}
