import { decodeBinary, type Event, encodeBinary } from '@millrace/kernel'
import type { Message, NewMessage } from './bus.ts'

/**
 * The message that carries `event`: binary CloudEvents (Kafka binding names), keyed by subject, and recognisable by
 * source and id when it is published twice.
 */
export function eventToMessage(event: Event): NewMessage {
  const { headers, body } = encodeBinary(event)
  return {
    ...(event.subject === undefined ? {} : { key: event.subject }),
    headers,
    value: body,
    idempotencyKey: idempotencyKeyOf(event),
  }
}

/** The event that a message carries; `EVENT_INVALID` if it carries none. */
export function messageToEvent(message: Message): Event {
  return decodeBinary({ headers: message.headers, body: message.value })
}

/** CloudEvents identity: source and id together. At most 200 characters; longer ones are refused by the bus. */
export function idempotencyKeyOf(event: Event): string {
  return `${event.source} ${event.id}`
}
