import { errorText, millraceError } from '@millrace/kernel'
import { type Packet, type Parser, parser } from 'mqtt-packet'

/** 4 is MQTT 3.1.1. Source: MQTT 3.1.1, section 3.1.2.2; MQTT 5, section 3.1.2.2. */
export type ProtocolVersion = 4 | 5

type ParserInput = Parameters<Parser['parse']>[0]

/** A parser of whole packets that keeps nothing between two of them, so one serves every connection. */
interface FrameParser {
  readonly parser: Parser
  readonly found: Packet[]
}

let parsers = new Map<ProtocolVersion, FrameParser>()
const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads one whole packet, as {@link FrameReader} cuts them.
 *
 * @throws MQTT_MALFORMED for anything that the standard does not allow, whatever the bytes are
 */
export function decodePacket(frame: Uint8Array, version: ProtocolVersion): Packet {
  const packet = parseFrame(frame, version)
  assertStrict(packet, frame, version)
  return packet
}

/** Reads the first packet of a connection; its version is in it. */
export function decodeConnect(frame: Uint8Array): Packet {
  const packet = takeOne(newFrameParser(4), frame)
  assertSingleProperties(packet)
  if (packet.cmd === 'connect' && packet.will !== undefined) assertSingleProperties(packet.will)
  return packet
}

/**
 * The protocol version that a CONNECT names, before it is read: a server must answer a version that it does not speak,
 * and so must not trip over it. Undefined if the packet is no CONNECT of any MQTT.
 * Source: MQTT 3.1.1, section 3.1.2; [MQTT-3.1.2-2].
 */
export function connectVersion(frame: Uint8Array): number | undefined {
  if (frame[0] !== 0x10) return undefined
  let at = 1
  while (((frame[at] ?? 0) & 0x80) !== 0) at += 1
  const name = String.fromCharCode(...frame.subarray(at + 3, at + 3 + (frame[at + 2] ?? 0)))
  if (name !== 'MQTT' && name !== 'MQIsdp') return undefined
  return frame[at + 3 + name.length]
}

function parseFrame(frame: Uint8Array, version: ProtocolVersion): Packet {
  const known = parsers.get(version) ?? newFrameParser(version)
  parsers.set(version, known)
  try {
    return takeOne(known, frame)
  } catch (error) {
    // After a failure the parser may hold half a packet; the next connection gets a new one.
    parsers = new Map()
    throw error
  }
}

function newFrameParser(version: ProtocolVersion): FrameParser {
  const made = { parser: parser({ protocolVersion: version }), found: [] as Packet[] }
  made.parser.on('packet', (packet) => made.found.push(packet))
  made.parser.on('error', (error: Error) => {
    throw error
  })
  return made
}

function takeOne(from: FrameParser, frame: Uint8Array): Packet {
  let left: number
  try {
    left = from.parser.parse(frame as ParserInput)
  } catch (error) {
    throw malformed(errorText(error))
  }
  const packet = from.found.shift()
  if (packet === undefined || left > 0 || from.found.length > 0)
    throw malformed('its length does not fit its content')
  return packet
}

/** What the standard demands and the parser lets through. */
function assertStrict(packet: Packet, frame: Uint8Array, version: ProtocolVersion): void {
  assertSingleProperties(packet)
  switch (packet.cmd) {
    case 'publish':
      if (packet.qos === 0 && packet.dup) throw malformed('DUP with QoS 0 [MQTT-3.3.1-2]')
      if (packet.qos > 0) assertPacketId(packet.messageId)
      assertUtf8(packet.topic, frame)
      if (version === 5) assertPropertiesInside(frame, packet.qos)
      break
    case 'subscribe':
      assertPacketId(packet.messageId)
      if (packet.subscriptions.length === 0) throw malformed('SUBSCRIBE without a filter [MQTT-3.8.3-2]')
      for (const { topic } of packet.subscriptions) assertUtf8(topic, frame)
      break
    case 'unsubscribe':
      assertPacketId(packet.messageId)
      if (packet.unsubscriptions.length === 0) throw malformed('UNSUBSCRIBE without a filter [MQTT-3.10.3-2]')
      break
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      assertPacketId(packet.messageId)
      break
    case 'pingreq':
      if (frame.length !== 2) throw malformed('PINGREQ with a body')
      break
    default:
      break
  }
}

/** [MQTT-2.2.1-3]: a packet identifier is not 0; the parser says -1 if there is none. */
function assertPacketId(id: number | undefined): void {
  if (id === undefined || id <= 0) throw malformed('no packet identifier [MQTT-2.2.1-3]')
}

/** Every property but these may come once. Source: MQTT 5, section 2.2.2.2. */
function assertSingleProperties(holder: object): void {
  const properties = 'properties' in holder ? holder.properties : undefined
  for (const [name, value] of Object.entries(properties ?? {})) {
    const twice = Array.isArray(value) && name !== 'userProperties' && name !== 'subscriptionIdentifier'
    if (twice || value === null) throw malformed(`the property ${name} twice or not whole`)
  }
}

/** The parser turns bytes that are no UTF-8 into U+FFFD; the standard wants the connection closed [MQTT-1.5.4-1]. */
function assertUtf8(text: string, frame: Uint8Array): void {
  if (text.includes('\0')) throw malformed('U+0000 in a text [MQTT-1.5.4-2]')
  if (!text.includes('\uFFFD')) return
  const at = 1 + lengthBytes(frame, 1)
  const bytes =
    frame[0] === 0x82 ? frame.subarray(at) : frame.subarray(at + 2, at + 2 + topicBytes(frame, at))
  try {
    strictUtf8.decode(bytes)
  } catch {
    throw malformed('a text that is not UTF-8 [MQTT-1.5.4-1]')
  }
}

/** The parser trusts the length of the properties of a PUBLISH; one that runs past the packet is malformed. */
function assertPropertiesInside(frame: Uint8Array, qos: number): void {
  const topicAt = 1 + lengthBytes(frame, 1)
  const at = topicAt + 2 + topicBytes(frame, topicAt) + (qos > 0 ? 2 : 0)
  const prefixBytes = lengthBytes(frame, at)
  if (at + prefixBytes + variableInteger(frame, at) > frame.length)
    throw malformed('properties longer than the packet')
}

function topicBytes(frame: Uint8Array, at: number): number {
  return ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0)
}

function lengthBytes(frame: Uint8Array, at: number): number {
  let count = 1
  while (count < 4 && ((frame[at + count - 1] ?? 0) & 0x80) !== 0) count += 1
  return count
}

function variableInteger(frame: Uint8Array, at: number): number {
  let value = 0
  for (let index = 0; index < lengthBytes(frame, at); index += 1) {
    value += ((frame[at + index] ?? 0) & 0x7f) * 128 ** index
  }
  return value
}

function malformed(reason: string) {
  return millraceError('MQTT_MALFORMED', { reason })
}
