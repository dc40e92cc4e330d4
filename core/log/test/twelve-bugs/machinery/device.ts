import assert from 'node:assert/strict'
import type { Bus } from '@millrace/bus'
import { type Devices, openDevices } from '@millrace/devices'
import { event, type ManualRuntime, settle } from '@millrace/kernel'
import { type MemoryConnection, type MemoryListener, memoryListener } from '@millrace/memory'
import { generate, type IConnectPacket, type Packet, parser } from 'mqtt-packet'
import * as z from 'zod'

export const Reading = event('greenhouse.reading', z.object({ celsius: z.number() }))

/** The device tier on a bus, without a network. */
export interface Tier {
  readonly devices: Devices
  readonly listener: MemoryListener
}

export async function tierOn(
  bus: Bus,
  runtime: ManualRuntime,
  options: Partial<Parameters<typeof openDevices>[0]> = {},
): Promise<Tier> {
  const listener = memoryListener()
  const all = {
    bus,
    runtime,
    listener,
    eventTypes: [Reading],
    authentication: 'anonymous' as const,
    ...options,
  }
  return { devices: await openDevices(all), listener }
}

/** A connection of a device that speaks MQTT 5 and acknowledges nothing by itself. */
export class Device {
  readonly received: Packet[] = []
  readonly connection: MemoryConnection
  isClosed = false

  constructor({ listener }: Tier) {
    this.connection = listener.connect()
    const reader = parser({ protocolVersion: 5 })
    reader.on('packet', (packet) => this.received.push(packet))
    this.connection.observe({
      data: (bytes) => void reader.parse(Buffer.from(bytes)),
      drained: () => {},
      closed: () => {
        this.isClosed = true
      },
    })
  }

  /** Connects with a session that outlives the connection. */
  static async connect(tier: Tier, clientId: string, choices: Partial<IConnectPacket> = {}): Promise<Device> {
    const device = new Device(tier)
    device.send({
      cmd: 'connect',
      protocolVersion: 5,
      clientId,
      clean: false,
      keepalive: 600,
      properties: { sessionExpiryInterval: 3600 },
      ...choices,
    })
    await settle()
    return device
  }

  send(packet: Packet): void {
    this.connection.write(new Uint8Array(generate(packet, { protocolVersion: 5 })))
  }

  async subscribe(topic: string): Promise<void> {
    this.send({
      cmd: 'subscribe',
      messageId: 77,
      subscriptions: [{ topic, qos: 1, nl: false, rap: false, rh: 0 }],
    })
    await settle()
  }

  publish(topic: string, payload: string, messageId: number, choices: { readonly dup?: boolean } = {}): void {
    this.send({ cmd: 'publish', topic, payload, qos: 1, messageId, dup: false, retain: false, ...choices })
  }

  all<Kind extends Packet['cmd']>(kind: Kind): Extract<Packet, { cmd: Kind }>[] {
    return this.received.filter((packet): packet is Extract<Packet, { cmd: Kind }> => packet.cmd === kind)
  }

  /** Acknowledges what was published to it with this text. */
  acknowledge(text: string): void {
    const found = this.all('publish').find(({ payload }) => payload.toString() === text)
    assert.ok(found?.messageId !== undefined, `"${text}" has come`)
    this.send({ cmd: 'puback', messageId: found.messageId })
  }

  /** What was published to it, as texts. */
  get texts(): string[] {
    return this.all('publish').map(({ payload }) => payload.toString())
  }
}
