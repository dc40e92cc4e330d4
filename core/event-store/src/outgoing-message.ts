import { derivedId, eventToMessage, idempotencyKeyOf, type Message, type NewMessage } from '@millrace/bus'
import { DELIVER_AT, type StoredEvent } from '@millrace/documents'
import { decodeJson, type Event, parseTime } from '@millrace/kernel'

/** Longest idempotency key that every bus takes, in characters. */
const KEY_CHARACTERS_MAX = 200

/** A stored event on its way to the bus. */
export interface OutgoingMessage {
  readonly stored: StoredEvent
  readonly topic: string
  /** What the event is told by for ever: its source and id. */
  readonly identity: string
  readonly message: NewMessage
}

/**
 * The message of a stored event: as it was written, whatever upcasters there are, since consumers may be older than
 * this process. Keyed by its subject, else by its stream, so that the order per key is that of the store; recognisable
 * by source and id. The tenant, if there is one, is the extension `tenant`.
 *
 * @throws EVENT_INVALID for a text that is no event
 */
export function outgoingMessage(stored: StoredEvent): OutgoingMessage {
  const event = withTenant(decodeJson(stored.text), stored.tenant)
  const identity = idempotencyKeyOf(event)
  const key = event.subject ?? stored.stream
  const deliverAt = event.extensions?.[DELIVER_AT]
  return {
    stored,
    topic: stored.topic ?? stored.type,
    identity,
    message: {
      ...eventToMessage(event),
      idempotencyKey: identity.length > KEY_CHARACTERS_MAX ? derivedId(identity, 'relay', 0) : identity,
      ...(key === undefined ? {} : { key }),
      ...(deliverAt === undefined ? {} : { deliverAtMs: parseTime(String(deliverAt)) }),
    },
  }
}

/** The identity of an event that is on the bus. */
export function identityOf({ headers }: Message): string {
  return `${headers.ce_source} ${headers.ce_id}`
}

function withTenant(event: Event, tenant: string): Event {
  return tenant === '' ? event : { ...event, extensions: { ...event.extensions, tenant } }
}
