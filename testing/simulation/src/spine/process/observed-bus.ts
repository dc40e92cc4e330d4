import type { Bus, NewMessage, Placement, Subscription } from '@millrace/bus'
import type { Mutation } from '../mutation.ts'
import type { TopicView } from '../oracle/topic-view.ts'

/** The bus with an eye on it: every place that it gives or shows is noted. With a mutation it also misbehaves. */
export function observedBus(bus: Bus, view: TopicView, mutation: Mutation | undefined): Bus {
  const publish: Bus['publish'] = async (topic, messages, options) => {
    const placements = await publishWith(bus, mutation, topic, messages, options)
    placements.forEach((placement, index) => {
      const message = messages[index]
      if (message !== undefined) notePlacement(view, placement, message)
    })
    return placements
  }
  return {
    supports: bus.supports,
    createTopic: (name, settings) => bus.createTopic(name, settings),
    listTopics: () => bus.listTopics(),
    publish,
    read: async (position, limits) => {
      const messages = await bus.read(position, limits)
      for (const message of messages) view.see(message.topic, message.partition, message.offset, message)
      return messages
    },
    subscribe: async (options) => observedSubscription(await bus.subscribe(options), view, mutation),
    openWriter: (topic, options) => bus.openWriter(topic, options),
    listGroups: () => bus.listGroups(),
    close: () => bus.close(),
    [Symbol.asyncDispose]: () => bus.close(),
  }
}

function notePlacement(view: TopicView, placement: Placement, message: NewMessage): void {
  const { topic, partition, offset, duplicate } = placement
  if (offset >= 0) view.see(topic, partition, offset, message, duplicate)
}

function observedSubscription(
  subscription: Subscription,
  view: TopicView,
  mutation: Mutation | undefined,
): Subscription {
  const close = () => subscription.close()
  return {
    next: async (options) => {
      const messages = await subscription.next(options)
      for (const message of messages) view.see(message.topic, message.partition, message.offset, message)
      return messages
    },
    commit: (positions) => {
      if (mutation !== 'skipping-commit') return subscription.commit(positions)
      return subscription
        .commit(positions.map((position) => ({ ...position, offset: position.offset + 1 })))
        .catch(() => subscription.commit(positions))
    },
    seek: (positions) => subscription.seek(positions),
    pause: (partitions) => subscription.pause(partitions),
    resume: (partitions) => subscription.resume(partitions),
    assigned: () => subscription.assigned(),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** The publication, or what a mutation makes of it. */
async function publishWith(
  bus: Bus,
  mutation: Mutation | undefined,
  topic: string,
  messages: readonly NewMessage[],
  options: Parameters<Bus['publish']>[2],
): Promise<readonly Placement[]> {
  switch (mutation) {
    case 'acknowledge-before-append':
      void bus.publish(topic, messages, options).catch(() => undefined)
      return messages.map(() => lost(topic))
    case 'reordering-bus': {
      const placements = await bus.publish(topic, messages.toReversed(), options)
      return placements.toReversed()
    }
    case 'forgetful-bus':
      return bus.publish(
        topic,
        messages.map(({ idempotencyKey: _, ...rest }) => rest),
        options,
      )
    case 'silent-dead-letters':
      if (topic.endsWith('.dead-letters')) return messages.map(() => lost(topic))
      return bus.publish(topic, messages, options)
    case 'deaf-to-outcomes':
      if (messages.some(({ headers }) => headers.ce_type === 'millrace.command.done')) {
        return messages.map(() => lost(topic))
      }
      return bus.publish(topic, messages, options)
    default:
      return bus.publish(topic, messages, options)
  }
}

/** A place that says nothing. */
function lost(topic: string): Placement {
  return { topic, partition: 0, offset: -1, duplicate: false, delayed: false }
}
