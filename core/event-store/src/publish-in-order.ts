import type { Bus, Placement } from '@millrace/bus'
import type { MillraceError } from '@millrace/kernel'
import type { OutgoingMessage } from './outgoing-message.ts'
import { isRefusal } from './refusal.ts'

/** What became of messages for one topic. */
export interface Published {
  readonly placements: readonly Placement[]
  readonly refused: readonly { readonly outgoing: OutgoingMessage; readonly error: MillraceError }[]
}

/**
 * Publishes messages of one topic in order. One that the bus does not take is found by halving, and left out; the others
 * keep their order.
 *
 * @throws what `Bus.publish` throws for another reason than the message; then some may have been published
 */
export async function publishInOrder(
  bus: Bus,
  topic: string,
  messages: readonly OutgoingMessage[],
  signal: AbortSignal,
): Promise<Published> {
  const [first] = messages
  if (first === undefined) return { placements: [], refused: [] }
  try {
    const placements = await bus.publish(
      topic,
      messages.map(({ message }) => message),
      { signal },
    )
    return { placements, refused: [] }
  } catch (error) {
    if (!isRefusal(error)) throw error
    if (messages.length === 1) return { placements: [], refused: [{ outgoing: first, error }] }
    const middle = messages.length >> 1
    const before = await publishInOrder(bus, topic, messages.slice(0, middle), signal)
    const behind = await publishInOrder(bus, topic, messages.slice(middle), signal)
    return {
      placements: [...before.placements, ...behind.placements],
      refused: [...before.refused, ...behind.refused],
    }
  }
}
