import type { IPublishPacket } from 'mqtt-packet'
import type { PublishProperties } from './mqtt/encode-publish.ts'

/** A message that a device keeps for itself or sends to itself: not an event, never on the bus. */
export interface PlainMessage {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly properties: PublishProperties
  /** Milliseconds since 1970 after which it is not delivered any more. */
  readonly expiresAtMs: number
}

type Properties = NonNullable<IPublishPacket['properties']>

/** Copies what must outlive the chunk it came in. */
export function plainMessage(
  from: { readonly topic: string; readonly payload: string | Uint8Array; readonly properties?: Properties },
  choices: { readonly qos: 0 | 1 | 2; readonly retain: boolean; readonly nowMs: number },
): PlainMessage {
  const { properties } = from
  const expirySeconds = properties?.messageExpiryInterval
  return {
    topic: from.topic,
    payload:
      typeof from.payload === 'string'
        ? new TextEncoder().encode(from.payload)
        : new Uint8Array(from.payload),
    qos: choices.qos,
    retain: choices.retain,
    properties: forwarded(properties),
    expiresAtMs:
      expirySeconds === undefined ? Number.POSITIVE_INFINITY : choices.nowMs + expirySeconds * 1000,
  }
}

/** The properties as they go out at `nowMs`: with the time that is left [MQTT-3.3.2-6]. */
export function propertiesAt(message: PlainMessage, nowMs: number): PublishProperties {
  if (message.expiresAtMs === Number.POSITIVE_INFINITY) return message.properties
  return {
    ...message.properties,
    messageExpirySeconds: Math.max(1, Math.ceil((message.expiresAtMs - nowMs) / 1000)),
  }
}

/** Roughly what a message costs in memory, for the limits. */
export function plainMessageBytes(message: PlainMessage): number {
  return message.payload.length + 2 * message.topic.length + 200
}

/** What must be passed on unchanged. Source: MQTT 5, sections 3.3.2.3.2 to 3.3.2.3.9. */
function forwarded(properties: Properties | undefined): PublishProperties {
  if (properties === undefined) return {}
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties } = properties
  const pairs = Object.entries(userProperties ?? {}).flatMap(([name, value]) =>
    [value].flat().map((text) => [name, String(text)] as const),
  )
  return {
    ...(payloadFormatIndicator === true ? { payloadIsText: true } : {}),
    ...(contentType === undefined ? {} : { contentType }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData: new Uint8Array(correlationData) }),
    ...(pairs.length === 0 ? {} : { userProperties: pairs }),
  }
}
