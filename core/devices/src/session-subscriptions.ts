import type { ISubscribePacket, ISubscription } from 'mqtt-packet'
import { isOwnFilter } from './device-topic.ts'
import type { ProtocolVersion } from './mqtt/decode-packet.ts'
import { REASON, SUBACK_FAILURE } from './mqtt/reason-code.ts'
import { isTopicFilter } from './mqtt/topic-filter.ts'
import type { RetainedMessages } from './retained-messages.ts'
import type { Session } from './session.ts'
import { type DeliveryTools, enqueue, pump } from './session-delivery.ts'

/** What a SUBSCRIBE needs beside the session. */
export interface SubscribeTools extends DeliveryTools {
  readonly retained: RetainedMessages
  readonly subscriptionsMax: number
}

/** Send retained messages: always, for new subscriptions only, never. Source: MQTT 5, section 3.8.3.1. */
const RETAIN_HANDLING = { always: 0, ifNew: 1, never: 2 } as const

/** Judges the filters of a SUBSCRIBE and enters those that are granted; gives an answer a filter, in order. */
export function subscribe(
  session: Session,
  packet: ISubscribePacket,
  version: ProtocolVersion,
  tools: SubscribeTools,
): { readonly granted: number[]; readonly entered: readonly EnteredSubscription[] } {
  const entered: EnteredSubscription[] = []
  const granted = packet.subscriptions.map((subscription) => {
    const refusal = judge(session, subscription, packet, tools)
    if (refusal !== undefined) return version === 5 ? refusal : SUBACK_FAILURE
    entered.push({ subscription, isNew: !session.subscriptions.has(subscription.topic) })
    session.subscriptions.set(subscription.topic, {
      qos: subscription.qos,
      noLocal: subscription.nl ?? false,
      retainAsPublished: subscription.rap ?? false,
    })
    return subscription.qos
  })
  return { granted, entered }
}

export interface EnteredSubscription {
  readonly subscription: ISubscription
  readonly isNew: boolean
}

/** Sends what new subscriptions give a right to: retained messages, then commands that wait. After the SUBACK. */
export function deliverToSubscriptions(
  session: Session,
  entered: readonly EnteredSubscription[],
  tools: SubscribeTools,
): void {
  const nowMs = tools.runtime.clock.now()
  for (const { subscription, isNew } of entered) {
    const handling = subscription.rh ?? RETAIN_HANDLING.always
    if (handling === RETAIN_HANDLING.never || (handling === RETAIN_HANDLING.ifNew && !isNew)) continue
    for (const message of tools.retained.matching(session.device, subscription.topic, nowMs)) {
      const qos = Math.min(message.qos, subscription.qos) as 0 | 1 | 2
      enqueue(session, { ...message, qos, retain: true }, tools)
    }
  }
  pump(session, tools)
}

function judge(
  session: Session,
  { topic }: ISubscription,
  packet: ISubscribePacket,
  tools: SubscribeTools,
): number | undefined {
  if (topic.startsWith('$share/')) return REASON.sharedSubscriptionsNotSupported
  if (!isTopicFilter(topic)) return REASON.topicFilterInvalid
  if (packet.properties?.subscriptionIdentifier !== undefined)
    return REASON.subscriptionIdentifiersNotSupported
  if (!isOwnFilter(session.device, topic)) return REASON.notAuthorized
  const isFull = session.subscriptions.size >= tools.subscriptionsMax && !session.subscriptions.has(topic)
  return isFull ? REASON.quotaExceeded : undefined
}
