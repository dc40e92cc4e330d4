import type { Connection } from '@millrace/devices'
import {
  generate,
  type IConnackPacket,
  type IConnectPacket,
  type IPublishPacket,
  type Packet,
  parser,
} from 'mqtt-packet'

/** An MQTT client that does what it is told, right or wrong: the other side of a test. */
export class MqttClient {
  readonly version: 4 | 5
  readonly received: Packet[] = []
  /** The last call of its connection. */
  isClosed = false
  readonly #connection: Connection
  readonly #parser

  constructor(connection: Connection, version: 4 | 5) {
    this.version = version
    this.#connection = connection
    this.#parser = parser({ protocolVersion: version })
    this.#parser.on('packet', (packet) => this.received.push(packet))
    this.#parser.on('error', (error: Error) => {
      throw error
    })
    connection.observe({
      data: (bytes) => void this.#parser.parse(bytes as Buffer),
      drained: () => {},
      closed: () => {
        this.isClosed = true
      },
    })
  }

  get connection(): Connection {
    return this.#connection
  }

  sendBytes(...bytes: number[]): void {
    this.#connection.write(Uint8Array.from(bytes))
  }

  send(packet: Packet): void {
    this.#connection.write(new Uint8Array(generate(packet, { protocolVersion: this.version })))
  }

  connect(device: string, choices: Partial<IConnectPacket> = {}): void {
    const protocolVersion = this.version
    this.send({ cmd: 'connect', clientId: device, protocolVersion, clean: true, keepalive: 60, ...choices })
  }

  publish(topic: string, payload: unknown, choices: Partial<IPublishPacket> = {}): void {
    const body = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload)
    this.send({
      cmd: 'publish',
      topic,
      payload: body,
      qos: 1,
      messageId: 1,
      dup: false,
      retain: false,
      ...choices,
    })
  }

  subscribe(topic: string, qos: 0 | 1 | 2 = 1, messageId = 77): void {
    this.send({ cmd: 'subscribe', messageId, subscriptions: [{ topic, qos, nl: false, rap: false, rh: 0 }] })
  }

  /** Those of one kind, as that kind. */
  all<Kind extends Packet['cmd']>(kind: Kind): Extract<Packet, { cmd: Kind }>[] {
    return this.received.filter((packet): packet is Extract<Packet, { cmd: Kind }> => packet.cmd === kind)
  }

  /** The newest of one kind. */
  last<Kind extends Packet['cmd']>(kind: Kind): Extract<Packet, { cmd: Kind }> | undefined {
    return this.all(kind).at(-1)
  }

  /** What a CONNACK said, in whichever language. */
  get answer(): number | undefined {
    const connack = this.last('connack') as IConnackPacket | undefined
    return connack?.reasonCode ?? connack?.returnCode
  }

  /** Topics and payloads of what was published to it. */
  get messages(): { topic: string; text: string; qos: number; retain: boolean; dup: boolean }[] {
    return this.all('publish').map(({ topic, payload, qos, retain, dup }) => ({
      topic,
      text: payload.toString(),
      qos,
      retain,
      dup,
    }))
  }
}
