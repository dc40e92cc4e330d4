import { generate, type IConnackPacket, type Packet } from 'mqtt-packet'
import type { ProtocolVersion } from './decode-packet.ts'
import { REASON, type ReasonCode, type ReturnCode } from './reason-code.ts'

/** First bytes of the acknowledgements. Source: MQTT 5, section 2.1; PUBREL has the flags 0010. */
const ACKNOWLEDGEMENT = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const

export type Acknowledgement = keyof typeof ACKNOWLEDGEMENT

/** PINGRESP. Source: MQTT 5, section 3.13. */
export const PINGRESP = Uint8Array.of(0xd0, 0)

/**
 * PUBACK, PUBREC, PUBREL or PUBCOMP. MQTT 3.1.1 has no reason codes; MQTT 5 leaves success out.
 * Source: MQTT 5, sections 3.4 to 3.7.
 */
export function encodeAcknowledgement(
  kind: Acknowledgement,
  packetId: number,
  version: ProtocolVersion,
  reason: ReasonCode = REASON.success,
): Uint8Array {
  const first = ACKNOWLEDGEMENT[kind]
  if (version === 4 || reason === REASON.success)
    return Uint8Array.of(first, 2, packetId >> 8, packetId & 255)
  return Uint8Array.of(first, 3, packetId >> 8, packetId & 255, reason)
}

/** CONNACK. Source: MQTT 3.1.1, section 3.2; MQTT 5, section 3.2. */
export function encodeConnack(
  version: ProtocolVersion,
  answer: {
    readonly sessionPresent?: boolean
    readonly returnCode?: ReturnCode
    readonly reason?: ReasonCode
    readonly properties?: NonNullable<IConnackPacket['properties']>
  },
): Uint8Array {
  const sessionPresent = answer.sessionPresent ?? false
  if (version === 4) return Uint8Array.of(0x20, 2, sessionPresent ? 1 : 0, answer.returnCode ?? 0)
  const { reason = REASON.success, properties = {} } = answer
  return encode({ cmd: 'connack', sessionPresent, reasonCode: reason, properties }, 5)
}

/** SUBACK with one answer a filter. Source: MQTT 5, section 3.9. */
export function encodeSuback(packetId: number, granted: number[], version: ProtocolVersion): Uint8Array {
  return encode({ cmd: 'suback', messageId: packetId, granted }, version)
}

/** UNSUBACK. Source: MQTT 5, section 3.11. */
export function encodeUnsuback(packetId: number, granted: number[], version: ProtocolVersion): Uint8Array {
  return encode({ cmd: 'unsuback', messageId: packetId, granted }, version)
}

/** DISCONNECT from the server; MQTT 5 only. Source: MQTT 5, section 3.14. */
export function encodeDisconnect(reason: ReasonCode): Uint8Array {
  return Uint8Array.of(0xe0, 1, reason)
}

function encode(packet: Packet, version: ProtocolVersion): Uint8Array {
  return generate(packet, { protocolVersion: version })
}
