import type { IConnectPacket } from 'mqtt-packet'
import { isDeviceId } from '../device-id.ts'
import { deviceTopic } from '../device-topic.ts'
import type { DeviceLimits } from '../devices.ts'
import type { ProtocolVersion } from './decode-packet.ts'
import { REASON, RETURN, type ReasonCode, type ReturnCode } from './reason-code.ts'
import { isTopicName } from './topic-filter.ts'

export type Will = NonNullable<IConnectPacket['will']>

/** What a CONNECT asks for, after the rules have been put over it. */
export interface ConnectPlan {
  readonly version: ProtocolVersion
  readonly device: string
  /** True if the server chose the name. */
  readonly isAssigned: boolean
  readonly isClean: boolean
  /** 0: no limit. */
  readonly keepAliveSeconds: number
  /** True if `keepAliveSeconds` is not what the client asked for; MQTT 5 only. */
  readonly isKeepAliveChanged: boolean
  /** How long the session outlives the connection; Infinity: for ever. */
  readonly sessionExpirySeconds: number
  /** Publications with QoS 1 and 2 that the client takes before it has acknowledged the first. */
  readonly receiveMax: number
  /** The largest packet that the client takes, in bytes. */
  readonly packetBytesMax: number
  readonly will: Will | undefined
  readonly user: string | undefined
  readonly password: Uint8Array | undefined
}

/** Why a CONNECT is refused, in both languages. */
export interface ConnectRefusal {
  readonly returnCode: ReturnCode
  readonly reason: ReasonCode
  /** For people, over MQTT 5. Source: MQTT 5, section 3.2.2.3.9. */
  readonly text?: string
}

export const REFUSED = {
  version: { returnCode: RETURN.unacceptableVersion, reason: REASON.unsupportedVersion },
  clientId: { returnCode: RETURN.identifierRejected, reason: REASON.clientIdInvalid },
  badCredentials: { returnCode: RETURN.badCredentials, reason: REASON.badCredentials },
  notAuthorized: { returnCode: RETURN.notAuthorized, reason: REASON.notAuthorized },
  unavailable: { returnCode: RETURN.serverUnavailable, reason: REASON.serverUnavailable },
  method: { returnCode: RETURN.notAuthorized, reason: REASON.badAuthenticationMethod },
  willTopic: { returnCode: RETURN.notAuthorized, reason: REASON.topicNameInvalid },
  protocol: { returnCode: RETURN.notAuthorized, reason: REASON.protocolError },
} as const satisfies Record<string, ConnectRefusal>

/** "The session does not expire". Source: MQTT 5, section 3.1.2.11.2. */
const NEVER_EXPIRES = 0xffff_ffff
/** Unacknowledged publications to a client that does not say how many it takes. */
export const RECEIVE_MAX = 100
/** The protocol's own limit on a packet. Source: MQTT 5, section 2.1.4. */
const PACKET_BYTES_MAX = 268_435_460

/** Judges everything in a CONNECT but the credentials. `assignId` names a client that has no name. */
export function checkConnect(
  packet: IConnectPacket,
  limits: DeviceLimits,
  assignId: (() => string) | undefined,
): ConnectPlan | ConnectRefusal {
  const version = packet.protocolVersion === 5 ? 5 : 4
  const { properties = {} } = packet
  if (properties.authenticationMethod !== undefined) return REFUSED.method
  // [MQTT-3.1.2-21]... zero would forbid every answer; section 3.1.2.11.3 and .4 call it a protocol error.
  if (properties.receiveMaximum === 0 || properties.maximumPacketSize === 0) return REFUSED.protocol
  const isAssigned = packet.clientId === ''
  // A 3.1.1 client could not learn the name, and without its name it has no topics.
  if (isAssigned && (version === 4 || assignId === undefined)) return REFUSED.clientId
  const device = isAssigned && assignId !== undefined ? assignId() : packet.clientId
  if (!isDeviceId(device)) return REFUSED.clientId
  const { will } = packet
  if (will !== undefined && !isOwnWill(device, will)) return REFUSED.willTopic
  return {
    version,
    device,
    isAssigned,
    isClean: packet.clean === true,
    ...keepAlive(packet.keepalive ?? 0, version, limits),
    sessionExpirySeconds: sessionExpiry(packet, version),
    receiveMax: Math.min(properties.receiveMaximum ?? RECEIVE_MAX, RECEIVE_MAX),
    packetBytesMax: properties.maximumPacketSize ?? PACKET_BYTES_MAX,
    will,
    user: packet.username,
    password: packet.password,
  }
}

/** True for a refusal; the two share no member. */
export function isRefusal(verdict: ConnectPlan | ConnectRefusal): verdict is ConnectRefusal {
  return 'returnCode' in verdict
}

/** What an MQTT 5 client is told beside success. Source: MQTT 5, section 3.2.2.3. */
export function connackProperties(plan: ConnectPlan, { inboundInFlightMax, packetBytesMax }: DeviceLimits) {
  return {
    receiveMaximum: Math.min(inboundInFlightMax, 0xffff),
    maximumPacketSize: packetBytesMax,
    subscriptionIdentifiersAvailable: false,
    sharedSubscriptionAvailable: false,
    ...(plan.isAssigned ? { assignedClientIdentifier: plan.device } : {}),
    ...(plan.isKeepAliveChanged ? { serverKeepAlive: plan.keepAliveSeconds } : {}),
  }
}

function isOwnWill(device: string, will: Will): boolean {
  const qosIsFit = will.qos === undefined || will.qos <= 2
  return qosIsFit && isTopicName(will.topic) && deviceTopic(device, will.topic).kind !== 'forbidden'
}

/** MQTT 5 lets the server decide (section 3.2.2.3.14); a 3.1.1 client cannot be told, so it keeps its own. */
function keepAlive(asked: number, version: ProtocolVersion, limits: DeviceLimits) {
  const isTooLong = asked === 0 || asked > limits.keepAliveSecondsMax
  const isKeepAliveChanged = version === 5 && isTooLong
  return { keepAliveSeconds: isKeepAliveChanged ? limits.keepAliveSecondsMax : asked, isKeepAliveChanged }
}

/** A 3.1.1 session that is not clean has no end [MQTT-3.1.2-4]; in MQTT 5 it ends at once if nothing is said. */
function sessionExpiry(packet: IConnectPacket, version: ProtocolVersion): number {
  if (version === 4) return packet.clean === true ? 0 : Number.POSITIVE_INFINITY
  return sessionExpirySeconds(packet.properties?.sessionExpiryInterval)
}

/** Reads a session expiry interval. */
export function sessionExpirySeconds(interval: number | undefined): number {
  return interval === NEVER_EXPIRES ? Number.POSITIVE_INFINITY : (interval ?? 0)
}
