import { formatTime, type Runtime } from '@millrace/kernel'
import type { BookEntry } from './commands/command-book.ts'
import type { CommandDesk } from './commands/command-desk.ts'
import type { CounterTable } from './device-counters.ts'
import { commandTopic, outcomeTopic } from './device-topic.ts'
import type { OutgoingPublish } from './mqtt/encode-publish.ts'
import { type PlainMessage, propertiesAt } from './plain-message.ts'
import type { Outgoing, Session, SessionLink } from './session.ts'

/** What delivery needs of the tier. */
export interface DeliveryTools {
  readonly desk: CommandDesk
  readonly runtime: Runtime
  readonly counters: CounterTable
}

/** Bytes of a PUBLISH beside its topic, payload and properties, at most. */
const PUBLISH_OVERHEAD_BYTES = 16
/** A reason code at or above it says no. Source: MQTT 5, section 2.4. */
const REFUSAL_MIN = 0x80

const encoder = new TextEncoder()

/**
 * Sends a session what it may be sent now: commands in their order, then its own queued messages, as far as the
 * device's receive maximum and its connection have room. Called whenever one of these may have changed.
 */
export function pump(session: Session, tools: DeliveryTools): void {
  const { link } = session
  if (link === undefined) return
  const nowMs = tools.runtime.clock.now()
  for (const entry of tools.desk.waiting(session.device)) {
    if (!hasRoom(session, link)) return
    if (entry.sentEpoch !== link.epoch && entry.command.deadlineAtMs > nowMs)
      sendCommand(session, link, entry, tools)
  }
  while (session.queue.size > 0 && hasRoom(session, link)) {
    const message = session.queue.shift()
    if (message === undefined) return
    if (message.expiresAtMs > nowMs) sendMessage(session, link, message, tools)
    else drop(session, message, tools)
  }
}

/**
 * Sends again what a session that goes on had not acknowledged, in order, with the identifiers it had
 * [MQTT-4.4.0-1], [MQTT-4.6.0-1]. A command that has expired meanwhile is not sent again.
 */
export function resend(session: Session, tools: DeliveryTools): void {
  const { link } = session
  if (link === undefined) return
  const nowMs = tools.runtime.clock.now()
  let count = 0
  for (const [packetId, outgoing] of [...session.inFlight]) {
    count += 1
    // A device that now takes fewer gets the rest as new ones: commands as soon as there is room.
    if (count > link.receiveMax) giveBack(session, packetId, outgoing, tools)
    else if (outgoing.kind === 'message') resendMessage(link, packetId, outgoing, nowMs)
    else if (!resendCommand(session, link, packetId, outgoing.entry, tools)) session.inFlight.delete(packetId)
  }
}

function giveBack(session: Session, packetId: number, outgoing: Outgoing, tools: DeliveryTools): void {
  session.inFlight.delete(packetId)
  if (outgoing.kind === 'command') return
  session.release(outgoing.message)
  if (!outgoing.isReleased && !session.hold(outgoing.message)) tools.counters.messagesDropped += 1
}

function drop(session: Session, message: PlainMessage, tools: DeliveryTools): void {
  session.release(message)
  tools.counters.messagesDropped += 1
}

/** Delivers a message of the device's own to itself: now, or as soon as there is room. */
export function deliver(session: Session, message: PlainMessage, tools: DeliveryTools): void {
  const grant = session.grantFor(message.topic, true)
  if (grant === undefined) return
  const qos = Math.min(message.qos, grant.qos) as PlainMessage['qos']
  const retain = grant.retainAsPublished && message.retain
  enqueue(session, { ...message, qos, retain }, tools)
}

/** Queues a message whose QoS and retain flag are settled; one with QoS 0 is for a device that is there. */
export function enqueue(session: Session, message: PlainMessage, tools: DeliveryTools): void {
  const { link } = session
  if (message.qos === 0) {
    if (link !== undefined) sendMessage(session, link, message, tools)
    return
  }
  if (!session.hold(message)) tools.counters.messagesDropped += 1
  pump(session, tools)
}

/** PUBACK and PUBCOMP end a delivery, PUBREC is its middle. False if nothing of that identifier is in flight. */
export function acknowledged(
  session: Session,
  kind: 'puback' | 'pubrec' | 'pubcomp',
  packetId: number,
  reasonCode: number,
  tools: DeliveryTools,
): boolean {
  const outgoing = session.inFlight.get(packetId)
  if (outgoing === undefined) return false
  if (kind === 'pubrec' && reasonCode < REFUSAL_MIN) {
    if (outgoing.kind === 'command') return false
    session.inFlight.set(packetId, { ...outgoing, isReleased: true })
    session.link?.acknowledge('pubrel', packetId)
    return true
  }
  session.inFlight.delete(packetId)
  if (outgoing.kind === 'message') session.release(outgoing.message)
  else if (reasonCode < REFUSAL_MIN) tools.desk.markAcknowledged(outgoing.entry)
  else
    tools.desk.markRefused(
      outgoing.entry,
      `the device refused it with reason code 0x${reasonCode.toString(16)}`,
    )
  pump(session, tools)
  return true
}

function hasRoom(session: Session, link: SessionLink): boolean {
  return session.inFlight.size < link.receiveMax && link.hasRoom
}

function sendCommand(session: Session, link: SessionLink, entry: BookEntry, tools: DeliveryTools): void {
  const { command } = entry
  const grant = session.grantFor(commandTopic(session.device, command.name), false)
  if (grant === undefined) return
  const qos = grant.qos === 0 ? 0 : 1
  const packetId = qos === 0 ? 0 : session.newPacketId()
  const publish = commandPublish(entry, { qos, packetId, dup: false }, tools)
  if (publishBytes(publish) > link.packetBytesMax) {
    tools.desk.markRefused(
      entry,
      'it is larger than the largest packet that the device takes [MQTT-3.1.2-24]',
    )
    return
  }
  if (qos === 1) session.inFlight.set(packetId, { kind: 'command', entry })
  tools.desk.markSent(entry, link.epoch)
  link.publish(publish)
}

function resendCommand(
  session: Session,
  link: SessionLink,
  packetId: number,
  entry: BookEntry,
  tools: DeliveryTools,
): boolean {
  const { state, deadlineAtMs } = entry.command
  if (state !== 'sent' || deadlineAtMs <= tools.runtime.clock.now()) return false
  if (session.grantFor(commandTopic(session.device, entry.command.name), false) === undefined) return false
  tools.desk.markSent(entry, link.epoch)
  link.publish(commandPublish(entry, { qos: 1, packetId, dup: true }, tools))
  return true
}

function commandPublish(
  { command }: BookEntry,
  delivery: Pick<OutgoingPublish, 'qos' | 'packetId' | 'dup'>,
  tools: DeliveryTools,
): OutgoingPublish {
  const { id, device, name, data, deadlineAtMs } = command
  const leftMs = deadlineAtMs - tools.runtime.clock.now()
  return {
    ...delivery,
    topic: commandTopic(device, name),
    payload: encoder.encode(JSON.stringify({ id, name, data, deadline: formatTime(deadlineAtMs) })),
    retain: false,
    properties: {
      payloadIsText: true,
      messageExpirySeconds: Math.max(1, Math.ceil(leftMs / 1000)),
      contentType: 'application/json',
      responseTopic: outcomeTopic(device, id),
      correlationData: encoder.encode(id),
    },
  }
}

function sendMessage(session: Session, link: SessionLink, message: PlainMessage, tools: DeliveryTools): void {
  const { qos } = message
  const packetId = qos === 0 ? 0 : session.newPacketId()
  const publish = messagePublish(message, { packetId, dup: false }, tools.runtime.clock.now())
  // A packet that the client does not take is dropped as if it had been delivered [MQTT-3.1.2-25].
  if (publishBytes(publish) > link.packetBytesMax) {
    if (qos === 0) tools.counters.messagesDropped += 1
    else drop(session, message, tools)
    return
  }
  if (qos !== 0) session.inFlight.set(packetId, { kind: 'message', message, qos, isReleased: false })
  link.publish(publish)
}

function resendMessage(
  link: SessionLink,
  packetId: number,
  outgoing: Outgoing & { kind: 'message' },
  nowMs: number,
): void {
  if (outgoing.isReleased) {
    link.acknowledge('pubrel', packetId)
    return
  }
  const { message } = outgoing
  link.publish(messagePublish(message, { packetId, dup: true }, nowMs))
}

function messagePublish(
  message: PlainMessage,
  delivery: Pick<OutgoingPublish, 'packetId' | 'dup'>,
  nowMs: number,
): OutgoingPublish {
  const { topic, payload, qos, retain } = message
  return { ...delivery, topic, payload, qos, retain, properties: propertiesAt(message, nowMs) }
}

/** Never less than what {@link OutgoingPublish} becomes, for texts of one byte a character. */
function publishBytes({ topic, payload, properties = {} }: OutgoingPublish): number {
  const { contentType = '', responseTopic = '', correlationData, userProperties = [] } = properties
  const pairs = userProperties.reduce((sum, [name, value]) => sum + name.length + value.length + 5, 0)
  const texts = contentType.length + responseTopic.length + (correlationData?.length ?? 0) + 9
  return PUBLISH_OVERHEAD_BYTES + topic.length + payload.length + texts + pairs
}
