import { millraceError } from '@millrace/kernel'
import type {
  IDisconnectPacket,
  IPublishPacket,
  ISubscribePacket,
  IUnsubscribePacket,
  Packet,
} from 'mqtt-packet'
import { sessionExpirySeconds } from './mqtt/connect-check.ts'
import { encodeAcknowledgement, encodeSuback, encodeUnsuback, PINGRESP } from './mqtt/encode-packet.ts'
import { REASON } from './mqtt/reason-code.ts'
import type { MqttConnection } from './mqtt-connection.ts'
import type { PublicationSettle, PublicationVerdict } from './publication-intake.ts'
import type { Session } from './session.ts'
import { acknowledged } from './session-delivery.ts'
import { deliverToSubscriptions, subscribe } from './session-subscriptions.ts'

/** DISCONNECT with Will Message. Source: MQTT 5, section 3.14.2.1. */
const WITH_WILL = 0x04

/** What an open connection does with each packet. Source: MQTT 3.1.1 and MQTT 5, section 3. */
export function handlePacket(connection: MqttConnection, packet: Packet): void {
  const { session } = connection
  if (session === undefined) return
  switch (packet.cmd) {
    case 'publish':
      handlePublish(connection, session, packet)
      break
    case 'pubrel':
      handlePubrel(connection, session, packet.messageId ?? 0)
      break
    case 'puback':
    case 'pubrec':
    case 'pubcomp':
      handleAcknowledgement(connection, session, packet.cmd, packet.messageId ?? 0, packet.reasonCode ?? 0)
      break
    case 'subscribe':
      handleSubscribe(connection, session, packet)
      break
    case 'unsubscribe':
      handleUnsubscribe(connection, session, packet)
      break
    case 'pingreq':
      connection.send(PINGRESP)
      break
    case 'disconnect':
      handleDisconnect(connection, session, packet)
      break
    default:
      // A second CONNECT [MQTT-3.1.0-2], AUTH without a method [MQTT-4.12.0-6], or a packet only servers send.
      connection.close(REASON.protocolError, protocolError(`${packet.cmd} is not for now`))
      break
  }
}

function handlePublish(connection: MqttConnection, session: Session, packet: IPublishPacket): void {
  // Topic Alias Maximum is 0 here [MQTT-3.3.2-9].
  if (packet.properties?.topicAlias !== undefined) {
    connection.close(REASON.topicAliasInvalid, protocolError('a topic alias'))
    return
  }
  if (packet.qos === 2) {
    handlePublishTwice(connection, session, packet)
    return
  }
  const slot = connection.acknowledgements.open()
  const { messageId = 0, qos } = packet
  connection.tier.intake.take(session.device, packet, (verdict) => {
    const reason = reasonFor(connection, packet.topic, verdict)
    const isAnswered = qos === 1 && reason !== undefined
    slot.settle(
      isAnswered ? encodeAcknowledgement('puback', messageId, connection.version, reason) : undefined,
    )
  })
}

/** QoS 2: the identifier is kept until PUBREL, so that the same publication is taken once [MQTT-4.3.3-10]. */
function handlePublishTwice(connection: MqttConnection, session: Session, packet: IPublishPacket): void {
  const { messageId = 0 } = packet
  const slot = connection.acknowledgements.open()
  const answer: PublicationSettle = (verdict) => {
    const reason = reasonFor(connection, packet.topic, verdict)
    // A PUBREC that says no ends the exchange; the identifier is free again.
    if (verdict.kind !== 'accepted') session.received.delete(messageId)
    if (reason === undefined) return slot.settle(undefined)
    slot.settle(encodeAcknowledgement('pubrec', messageId, connection.version, reason))
  }
  const known = session.received.get(messageId)
  if (known !== undefined) {
    known.settle = answer
    if (known.verdict !== undefined) answer(known.verdict)
    return
  }
  if (session.received.size >= connection.tier.limits.inboundInFlightMax) {
    slot.settle(undefined)
    const reason = protocolError('more unfinished publications than the receive maximum')
    connection.close(REASON.receiveMaximumExceeded, reason)
    return
  }
  const received = { verdict: undefined as PublicationVerdict | undefined, settle: answer }
  session.received.set(messageId, received)
  connection.tier.intake.take(session.device, packet, (verdict) => {
    received.verdict = verdict
    received.settle(verdict)
  })
}

/**
 * What the device is told of a verdict; undefined if there is nothing to say because the connection is closed
 * instead: MQTT 3.1.1 has no way to refuse a publication (section 4.8), so an acknowledgement would be a lie.
 */
function reasonFor(connection: MqttConnection, topic: string, verdict: PublicationVerdict) {
  const isSilent = connection.version === 4
  const device = connection.session?.device ?? ''
  switch (verdict.kind) {
    case 'accepted':
      return REASON.success
    case 'refused':
      return verdict.reason
    case 'forbidden':
      if (!isSilent) return REASON.notAuthorized
      connection.close(REASON.notAuthorized, millraceError('DEVICE_TOPIC_FORBIDDEN', { device, topic }).seen)
      return undefined
    case 'unavailable':
      // What the device has sent behind it must not get ahead of it (promise OrderPerKey): it comes back and says
      // everything again. 0x97 is what DISCONNECT has for "not now".
      connection.close(REASON.quotaExceeded, 'the bus does not take publications')
      return undefined
    default:
      return verdict satisfies never
  }
}

function protocolError(reason: string): string {
  return millraceError('MQTT_PROTOCOL_ERROR', { reason }).seen
}

function handlePubrel(connection: MqttConnection, session: Session, packetId: number): void {
  const isKnown = session.received.delete(packetId)
  connection.acknowledge('pubcomp', packetId, isKnown ? REASON.success : REASON.packetIdNotFound)
}

function handleAcknowledgement(
  connection: MqttConnection,
  session: Session,
  kind: 'puback' | 'pubrec' | 'pubcomp',
  packetId: number,
  reasonCode: number,
): void {
  if (acknowledged(session, kind, packetId, reasonCode, connection.tier) || kind !== 'pubrec') return
  // Left over from a session that has ended; the client is freed of it. Source: MQTT 5, section 4.3.3.
  connection.acknowledge('pubrel', packetId, REASON.packetIdNotFound)
}

function handleSubscribe(connection: MqttConnection, session: Session, packet: ISubscribePacket): void {
  const { tier, version } = connection
  const { granted, entered } = subscribe(session, packet, version, tier)
  tier.counters.subscriptionsRefused += granted.filter((answer) => answer >= REASON.unspecified).length
  keepThen(connection, session, () => {
    connection.send(encodeSuback(packet.messageId ?? 0, granted, version))
    if (session.link === connection) deliverToSubscriptions(session, entered, tier)
  })
}

function handleUnsubscribe(connection: MqttConnection, session: Session, packet: IUnsubscribePacket): void {
  const answers = packet.unsubscriptions.map((filter) =>
    session.subscriptions.delete(filter) ? REASON.success : REASON.noMatchingSubscription,
  )
  keepThen(connection, session, () => {
    connection.send(encodeUnsuback(packet.messageId ?? 0, answers, connection.version))
  })
}

/** Answers when the changed subscriptions are durable, if they are to be; a device is not told what may be lost. */
function keepThen(connection: MqttConnection, session: Session, answer: () => void): void {
  const slot = connection.acknowledgements.open()
  connection.tier.sessionLog.keep(session, (error) => {
    if (error === undefined) answer()
    else connection.close(REASON.quotaExceeded, 'the bus does not take subscriptions')
    slot.settle(undefined)
  })
}

function handleDisconnect(connection: MqttConnection, session: Session, packet: IDisconnectPacket): void {
  const interval = packet.properties?.sessionExpiryInterval
  if (connection.version === 5 && interval !== undefined) {
    // A session that was to end with its connection cannot be prolonged now. Source: MQTT 5, section 3.14.2.2.2.
    if (session.expirySeconds === 0 && interval > 0) {
      connection.close(REASON.protocolError, protocolError('a session expiry where there was none'))
      return
    }
    connection.changeSessionExpiry(sessionExpirySeconds(interval))
  }
  connection.leave(packet.reasonCode === WITH_WILL)
}
