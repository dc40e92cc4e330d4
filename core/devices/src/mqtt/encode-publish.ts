import type { ProtocolVersion } from './decode-packet.ts'

/** What goes into a PUBLISH from the server. */
export interface OutgoingPublish {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly dup: boolean
  /** Ignored with QoS 0. */
  readonly packetId: number
  readonly properties?: PublishProperties
}

/** The MQTT 5 properties that a PUBLISH may carry from here. Source: MQTT 5, section 3.3.2.3. */
export interface PublishProperties {
  readonly payloadIsText?: boolean
  readonly messageExpirySeconds?: number
  readonly contentType?: string
  readonly responseTopic?: string
  readonly correlationData?: Uint8Array
  readonly userProperties?: readonly (readonly [string, string])[]
}

const PROPERTY = {
  payloadFormatIndicator: 0x01,
  messageExpiryInterval: 0x02,
  contentType: 0x03,
  responseTopic: 0x08,
  correlationData: 0x09,
  userProperty: 0x26,
} as const

const encoder = new TextEncoder()
const NO_BYTES: readonly Uint8Array[] = []

/** PUBLISH, in one piece: this is the hot path down. Source: MQTT 3.1.1 and MQTT 5, section 3.3. */
export function encodePublish(publish: OutgoingPublish, version: ProtocolVersion): Uint8Array {
  const topic = encoder.encode(publish.topic)
  const properties = version === 5 ? propertyParts(publish.properties ?? {}) : NO_BYTES
  const propertyBytes = properties.reduce((sum, part) => sum + part.length, 0)
  const idBytes = publish.qos > 0 ? 2 : 0
  const prefix = version === 5 ? variableInteger(propertyBytes) : []
  const length = 2 + topic.length + idBytes + prefix.length + propertyBytes + publish.payload.length
  const lengthPrefix = variableInteger(length)
  const bytes = new Uint8Array(1 + lengthPrefix.length + length)
  bytes[0] = 0x30 | (publish.dup ? 8 : 0) | (publish.qos << 1) | (publish.retain ? 1 : 0)
  let at = 1
  const put = (part: ArrayLike<number>) => {
    bytes.set(part, at)
    at += part.length
  }
  put(lengthPrefix)
  put([topic.length >> 8, topic.length & 255])
  put(topic)
  if (idBytes > 0) put([publish.packetId >> 8, publish.packetId & 255])
  put(prefix)
  for (const part of properties) put(part)
  put(publish.payload)
  return bytes
}

function propertyParts(properties: PublishProperties): Uint8Array[] {
  const parts: Uint8Array[] = []
  const { payloadIsText, messageExpirySeconds, contentType, responseTopic, correlationData } = properties
  if (payloadIsText === true) parts.push(Uint8Array.of(PROPERTY.payloadFormatIndicator, 1))
  if (messageExpirySeconds !== undefined)
    parts.push(fourBytes(PROPERTY.messageExpiryInterval, messageExpirySeconds))
  if (contentType !== undefined)
    parts.push(Uint8Array.of(PROPERTY.contentType), sized(encoder.encode(contentType)))
  if (responseTopic !== undefined)
    parts.push(Uint8Array.of(PROPERTY.responseTopic), sized(encoder.encode(responseTopic)))
  if (correlationData !== undefined)
    parts.push(Uint8Array.of(PROPERTY.correlationData), sized(correlationData))
  for (const [name, value] of properties.userProperties ?? []) {
    parts.push(
      Uint8Array.of(PROPERTY.userProperty),
      sized(encoder.encode(name)),
      sized(encoder.encode(value)),
    )
  }
  return parts
}

function fourBytes(property: number, value: number): Uint8Array {
  return Uint8Array.of(property, value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)
}

function sized(content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + content.length)
  bytes[0] = content.length >> 8
  bytes[1] = content.length & 255
  bytes.set(content, 2)
  return bytes
}

/** Source: MQTT 5, section 1.5.5. */
function variableInteger(value: number): number[] {
  const bytes: number[] = []
  let left = value
  do {
    const byte = left % 128
    left = Math.floor(left / 128)
    bytes.push(left > 0 ? byte | 0x80 : byte)
  } while (left > 0)
  return bytes
}
