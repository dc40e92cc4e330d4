import { type Event, type EventDraft, encodeJson, formatTime, type IdSource, newId } from '@millrace/kernel'
import type { NewEvent } from './stored-event.ts'

/** What can be appended: an event that is complete, or a draft, which gets its id, source and time. */
export type EventInput<Data = unknown> = Event<Data> | EventDraft<Data>

/** What a draft gets. */
export interface Stamp {
  readonly runtime: IdSource
  readonly source: string
  /** What it belongs to and comes from; a draft that says so itself keeps what it says. */
  readonly links: Links
}

/** What a unit and its events belong to, and what they come from. */
export interface Links {
  readonly correlationId?: string
  readonly causationId?: string
}

/** The extension in which a stored event says when it may be published, in RFC 3339. */
export const DELIVER_AT = 'deliverat'

/** The event that is stored. One that is complete is left as it is. */
export function stamped(input: EventInput, { runtime, source, links }: Stamp): Event {
  if (!isDraft(input)) return input
  const { type, subject, data, deliverAtMs } = input
  const extensions = {
    ...(links.causationId === undefined ? {} : { causationid: links.causationId }),
    ...(links.correlationId === undefined ? {} : { correlationid: links.correlationId }),
    ...input.extensions,
    ...(deliverAtMs === undefined ? {} : { [DELIVER_AT]: formatTime(deliverAtMs) }),
  }
  return {
    id: newId(runtime),
    type,
    source,
    ...(subject === undefined ? {} : { subject }),
    time: formatTime(runtime.clock.now()),
    ...(Object.keys(extensions).length === 0 ? {} : { extensions }),
    data,
  }
}

/** The topic on which an event travels where nobody says otherwise. */
export function topicOf(input: EventInput): string {
  return isDraft(input) ? (input.topic ?? input.type) : input.type
}

/** The links that an event gives to what comes of it: its own correlation id, or its id if it is the first one. */
export function linksTo(cause: Event): Links {
  return { causationId: cause.id, correlationId: String(cause.extensions?.correlationid ?? cause.id) }
}

function isDraft(input: EventInput): input is EventDraft {
  return 'kind' in input && input.kind === 'event-draft'
}

/** The event on its way into the store; with a topic, the relay publishes it there. @throws EVENT_INVALID */
export function newEvent(event: Event, topic?: string): NewEvent {
  const { id, type } = event
  return { id, type, text: encodeJson(event), ...(topic === undefined ? {} : { topic }) }
}
