import type { Bus } from '@millrace/bus'
import type { Database } from '@millrace/documents'
import { outgoingMessage } from './outgoing-message.ts'
import { REFUSALS, type Refusal } from './refusal.ts'

/**
 * Publishes a refused event again, now that what the bus did not like has changed, and strikes it off. It comes late: in
 * its topic it stands behind younger events of its key. False if the event is not in the store any more (its stream was
 * tombstoned); then it is only struck off.
 *
 * @throws what the bus throws: the refusal stays
 */
export async function retryRefusal(database: Database, bus: Bus, refusal: Refusal): Promise<boolean> {
  const { position } = refusal
  const [{ events }] = await database.read([
    { kind: 'feed', after: position - 1, limit: 1, withTopicOnly: true },
  ])
  const stored = events.find((each) => each.position === position)
  if (stored !== undefined) {
    const { topic, message } = outgoingMessage(stored)
    await bus.publish(topic, [message])
  }
  await discardRefusal(database, refusal)
  return stored !== undefined
}

/** Strikes a refusal off: the event will not be published. Idempotent. */
export async function discardRefusal(database: Database, { id }: Refusal): Promise<void> {
  await database.commit([{ kind: 'delete', collection: REFUSALS, id, hard: true }])
}
