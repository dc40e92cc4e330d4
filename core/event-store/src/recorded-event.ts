import type { StoredEvent } from '@millrace/documents'
import { decodeJson, type Event, errorText, millraceError } from '@millrace/kernel'
import type { Upcasters } from './upcasters.ts'

/** An event as it stands in the store: the fact, and where and when it was recorded. */
export interface RecordedEvent<Data = unknown> extends Event<Data> {
  /** Its place in the whole store, from 1 on. Grows, with holes. */
  readonly position: number
  /** Absent for events that belong to no stream. */
  readonly stream?: string
  readonly streamType?: string
  /** Its place in the stream, from 1 on; 0 without a stream. */
  readonly version: number
  /** Empty for those who have none. */
  readonly tenant: string
  /** When the store took it, milliseconds since 1970; `time` says when it happened. */
  readonly recordedAtMs: number
  readonly correlationId?: string
  readonly causationId?: string
}

/**
 * The event that a database has kept, in its newest shape.
 *
 * @throws STORED_EVENT_UNREADABLE naming its position: its text is no event, or an upcaster refuses it
 */
export function recordedEvent(stored: StoredEvent, upcasters?: Upcasters): RecordedEvent {
  const { stream, streamType, correlationId, causationId } = stored
  return {
    ...eventOf(stored, upcasters),
    position: stored.position,
    ...(stream === undefined ? {} : { stream }),
    ...(streamType === undefined ? {} : { streamType }),
    version: stored.version,
    tenant: stored.tenant,
    recordedAtMs: stored.recordedAtMs,
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(causationId === undefined ? {} : { causationId }),
  }
}

function eventOf({ id, position, text }: StoredEvent, upcasters: Upcasters | undefined): Event {
  try {
    const event = decodeJson(text)
    return upcasters === undefined ? event : upcasters.upcast(event)
  } catch (error) {
    const reason = errorText(error)
    throw millraceError('STORED_EVENT_UNREADABLE', { id, position, reason }, { cause: error })
  }
}
