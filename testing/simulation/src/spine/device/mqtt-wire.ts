import { generate, type Packet, parser } from 'mqtt-packet'

/** Packets to bytes and back, on the device's side. */
export interface MqttWire {
  encode(packet: Packet): Uint8Array
  /** Packets that are whole now, in order. */
  decode(bytes: Uint8Array): readonly Packet[]
}

/** One for each connection: it keeps half packets. */
export function mqttWire(protocolVersion: 4 | 5): MqttWire {
  const found: Packet[] = []
  const reader = parser({ protocolVersion })
  reader.on('packet', (packet) => found.push(packet))
  reader.on('error', (error: Error) => {
    throw error
  })
  return {
    encode: (packet) => generate(packet, { protocolVersion }),
    decode: (bytes) => {
      reader.parse(Buffer.from(bytes))
      return found.splice(0)
    },
  }
}
