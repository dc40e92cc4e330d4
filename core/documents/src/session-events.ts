import type { Event } from '@millrace/kernel'
import type { OperationResult } from './database.ts'
import { type EventInput, type Links, linksTo, newEvent, stamped, topicOf } from './event-input.ts'
import type { PendingChange } from './pending-unit.ts'
import type { SessionMeans } from './session-means.ts'
import type { NewEvent, StreamOperation } from './stored-event.ts'

/** How a session appends to a stream. */
export interface SessionAppendOptions {
  /** What the stream has to be: at this version, not there (`none`, the same as 0), or whatever. Default: 'any'. */
  readonly expectedVersion?: number | 'any' | 'none'
  /** What kind of entity it is; counts when the stream begins. */
  readonly streamType?: string
  /** The relay also publishes the events, each on its own topic. Default: false. */
  readonly publish?: boolean
  /** The event that led to these; drafts carry its id and correlation id. Default: the session's ids. */
  readonly cause?: Event
}

/** Events of a unit, and what became of them. */
export interface SessionEvents {
  /** Absent: they belong to no stream. */
  readonly stream?: string
  readonly streamType?: string
  /** With their ids, times and sources. */
  readonly events: readonly Event[]
  /** The version that the stream has to have before them; undefined: whatever it has. */
  readonly expectedVersion: number | undefined
  /** The stream's version behind the last of them; undefined until the session has saved its changes. */
  readonly version: number | undefined
  /** The position of the last of them; undefined until then. */
  readonly position: number | undefined
}

/**
 * What a session does to streams. All of it is saved with the documents of the session, or not at all, and in the order
 * in which it was said.
 *
 * Drafts get an id, the time and the store's source; they carry the correlation and causation ids of the session or of
 * `cause`, unless they say so themselves.
 *
 * @throws EVENT_INVALID, QUEUE_FULL by every call. `saveChanges` throws STREAM_CONFLICT and STREAM_ENDED.
 */
export interface EventCalls {
  /** Appends events, and begins the stream if it is not there. */
  append(stream: string, events: readonly EventInput[], options?: SessionAppendOptions): SessionEvents
  /** Begins a stream that must not be there yet. */
  start(
    stream: string,
    events: readonly EventInput[],
    options?: Omit<SessionAppendOptions, 'expectedVersion'>,
  ): SessionEvents
  /** Hands events over to the relay, each for its own topic, without a stream. */
  publish(events: readonly EventInput[], options?: Pick<SessionAppendOptions, 'cause'>): SessionEvents
  /** Ends a stream: it can still be read. */
  archive(stream: string): void
  /** Ends a stream for good and erases its events. */
  tombstone(stream: string): void
}

/** The calls of one session, which give what they note to `add`. */
export function sessionEvents(means: SessionMeans, add: (change: PendingChange) => void): EventCalls {
  const note = (operation: StreamOperation, events?: Outcome) =>
    add({ operation: () => operation, ...(events && { events, done: events.done }) })
  const append: EventCalls['append'] = (stream, inputs, options = {}) => {
    const { expectedVersion = 'any', streamType, publish = false, cause } = options
    const { events, stored } = prepared(means, inputs, { publish, cause })
    const version = expectedVersion === 'none' ? 0 : expectedVersion === 'any' ? undefined : expectedVersion
    const kind = streamType === undefined ? {} : { streamType }
    const expected = version === undefined ? {} : { expectedVersion: version }
    const appended = new Outcome({ stream, ...kind, events, expectedVersion: version })
    note({ kind: 'append', stream, ...kind, ...expected, events: stored }, appended)
    return appended
  }
  return {
    append,
    start: (stream, events, options) => append(stream, events, { ...options, expectedVersion: 'none' }),
    publish: (inputs, { cause } = {}) => {
      const { events, stored } = prepared(means, inputs, { publish: true, cause })
      const published = new Outcome({ events, expectedVersion: undefined })
      note({ kind: 'publish', events: stored }, published)
      return published
    },
    archive: (stream) => note({ kind: 'archive', stream }),
    tombstone: (stream) => note({ kind: 'tombstone', stream }),
  }
}

class Outcome implements SessionEvents {
  declare readonly stream?: string
  declare readonly streamType?: string
  declare readonly events: readonly Event[]
  declare readonly expectedVersion: number | undefined
  version: number | undefined
  position: number | undefined

  constructor(events: Omit<SessionEvents, 'version' | 'position'>) {
    Object.assign(this, events)
  }

  readonly done = ({ version, position }: OperationResult) => {
    this.version = version
    this.position = position
  }
}

function prepared(
  { runtime, source, unit }: SessionMeans,
  inputs: readonly EventInput[],
  { publish, cause }: { readonly publish: boolean; readonly cause: Event | undefined },
): { readonly events: readonly Event[]; readonly stored: readonly NewEvent[] } {
  const links: Links = cause === undefined ? unit : linksTo(cause)
  const events = inputs.map((input) => stamped(input, { runtime, source, links }))
  const stored = events.map((event, index) => newEvent(event, publish ? topicOf(inputs[index]!) : undefined))
  return { events, stored }
}
