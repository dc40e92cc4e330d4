import { type Bus, eventToMessage, type NewMessage } from '@millrace/bus'
import { isMillraceError } from '@millrace/kernel'
import type { CommandOutlet } from './actor.ts'
import type { ActorOutputs } from './actor-outputs.ts'
import { type Cause, derivedCommand, derivedEvent } from './derived-event.ts'

/** Where outputs go. */
export interface Outlets {
  readonly bus: Bus
  readonly commands: CommandOutlet
}

/**
 * Publishes the events of one result, those of one topic in order and together, and hands over its commands.
 * Everything is durable on return; if anything failed, the rest has ended too when this rejects with the first failure.
 */
export async function sendOutputs(
  { bus, commands }: Outlets,
  cause: Cause,
  outputs: ActorOutputs,
  signal: AbortSignal,
): Promise<void> {
  const byTopic = new Map<string, NewMessage[]>()
  for (const output of outputs.events) {
    const { deliverAtMs, type, topic = type } = output.draft
    const message = eventToMessage(derivedEvent(cause, output))
    const messages = byTopic.get(topic) ?? []
    byTopic.set(topic, messages)
    messages.push(deliverAtMs === undefined ? message : { ...message, deliverAtMs })
  }
  const sending = [...byTopic].map(([topic, messages]) => publishTo(bus, topic, messages, signal))
  if (outputs.commands.length > 0) {
    sending.push(commands.send(outputs.commands.map((output) => derivedCommand(cause, output))))
  }
  for (const result of await Promise.allSettled(sending)) {
    if (result.status === 'rejected') throw result.reason
  }
}

/** A topic that does not exist yet is created: an event type is declared by using it. */
async function publishTo(
  bus: Bus,
  topic: string,
  messages: readonly NewMessage[],
  signal: AbortSignal,
): Promise<void> {
  try {
    await bus.publish(topic, messages, { signal })
  } catch (error) {
    if (!isMillraceError(error, 'TOPIC_UNKNOWN')) throw error
    await createTopicIfMissing(bus, topic)
    await bus.publish(topic, messages, { signal })
  }
}

/** Creates a topic with default settings; an existing one stays as it is. */
export async function createTopicIfMissing(bus: Bus, topic: string): Promise<void> {
  const topics = await bus.listTopics()
  if (topics.some(({ name }) => name === topic)) return
  try {
    await bus.createTopic(topic)
  } catch (error) {
    // Somebody else was quicker, with settings of their own.
    if (!isMillraceError(error, 'TOPIC_CONFLICT')) throw error
  }
}
