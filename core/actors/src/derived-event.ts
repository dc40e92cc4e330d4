import { derivedId, idempotencyKeyOf } from '@millrace/bus'
import { type CommandDraft, type Event, type EventDraft, formatTime } from '@millrace/kernel'
import type { PlacedOutput } from './actor-outputs.ts'

/** What an output comes from. */
export interface Cause {
  readonly actor: string
  readonly event: Event
  /** When the bus took the cause over, milliseconds since 1970. The same at every delivery. */
  readonly acceptedAtMs: number
}

/**
 * The event that a draft becomes. Everything in it follows from the cause and the draft, so a second delivery of the
 * cause makes the same event again, which the bus recognises by its source and id. That includes its time: the time
 * at which the bus took the cause over.
 */
export function derivedEvent(cause: Cause, { index, draft }: PlacedOutput<EventDraft>): Event {
  const subject = draft.subject ?? cause.event.subject
  return {
    id: outputId(cause, index),
    type: draft.type,
    source: `/actors/${cause.actor}`,
    ...(subject === undefined ? {} : { subject }),
    time: formatTime(cause.acceptedAtMs),
    extensions: {
      causationid: cause.event.id,
      correlationid: correlationOf(cause.event),
      ...draft.extensions,
    },
    data: draft.data,
  }
}

/** The command that a draft becomes: with an id that a second delivery repeats, and its cause. */
export function derivedCommand(cause: Cause, { index, draft }: PlacedOutput<CommandDraft>) {
  const links = { causationId: cause.event.id, correlationId: String(correlationOf(cause.event)) }
  return { id: outputId(cause, index), draft: { ...links, ...draft } }
}

/** An id alone does not name an event (two devices may both count from 1); source and id together do. */
function outputId({ event, actor }: Cause, index: number): string {
  return derivedId(idempotencyKeyOf(event), actor, index)
}

function correlationOf(event: Event) {
  return event.extensions?.correlationid ?? event.id
}
