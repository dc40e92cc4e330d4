import { connect as connectSocket } from 'node:net'
import { type Devices, deviceKeys, openDevices } from '@millrace/devices'
import { event } from '@millrace/kernel'
import { memoryBus } from '@millrace/memory'
import { nodeRuntime } from '@millrace/node'
import { tcpListener } from '@millrace/tcp'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import * as z from 'zod'

/** The device tier over real sockets, with MQTT.js, an implementation that is not ours, as the device. */

const Reading = event('greenhouse.reading', z.object({ celsius: z.number() }))
const keys = deviceKeys(new Uint8Array(32).fill(3))
const LIMIT = { timeout: 5_000, interval: 2 }

let devices: Devices
const runtime = nodeRuntime()
const bus = memoryBus({ runtime })

beforeAll(async () => {
  const listener = tcpListener({ host: '127.0.0.1', port: 0 })
  const limits = { packetBytesMax: 64 * 1024, connectTimeoutMs: 1_000 }
  devices = await openDevices({ bus, runtime, listener, eventTypes: [Reading], authentication: keys, limits })
})

afterAll(async () => {
  await devices.close()
  await bus.close()
})

async function device(
  name: string,
  version: 4 | 5,
  choices: IClientOptions = {},
): Promise<MqttClient & AsyncDisposable> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${devices.address.port}`, {
    clientId: name,
    username: name,
    password: keys.passwordOf(name),
    protocolVersion: version,
    reconnectPeriod: 0,
    ...choices,
  })
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.endAsync(true) })
}

describe.each([4, 5] as const)('MQTT.js with protocol version %i', (version) => {
  const name = `bench-${version}`

  test.each([0, 1, 2] as const)('publishes with QoS %i', async (qos) => {
    await using client = await device(name, version)
    const before = devices.counters.publicationsAccepted
    await client.publishAsync(`devices/${name}/events/greenhouse.reading`, '{"celsius":20}', { qos })
    await vi.waitFor(() => expect(devices.counters.publicationsAccepted).toBe(before + 1), LIMIT)
  })

  test('publishes a thousand events in flight together, and all are there in order', async () => {
    await using client = await device(`${name}-many`, version)
    const topic = `devices/${name}-many/events/greenhouse.reading`
    const sent = Array.from({ length: 1_000 }, (_, celsius) =>
      client.publishAsync(topic, JSON.stringify({ celsius }), { qos: 1 }),
    )
    await Promise.all(sent)
    const messages = await bus.read(
      { topic: 'greenhouse.reading', partition: 0, offset: 0 },
      { countMax: 10_000 },
    )
    const own = messages.filter(({ key }) => key === `${name}-many`)
    const order = own.map(({ value }) => JSON.parse(new TextDecoder().decode(value)).celsius)
    expect(order).toEqual(Array.from({ length: 1_000 }, (_, index) => index))
  })

  test('receives a command and reports its outcome', async () => {
    await using client = await device(name, version)
    const received: string[] = []
    client.on('message', (topic, payload) => {
      const { id } = JSON.parse(payload.toString())
      received.push(topic)
      client.publish(`devices/${name}/outcomes/${id}`, '{"state":"done","result":1}', { qos: 1 })
    })
    await client.subscribeAsync(`devices/${name}/commands/+`, { qos: 1 })
    const { id } = await devices.send({ kind: 'command-draft', device: name, name: 'open', data: {} })
    await vi.waitFor(() => expect(devices.command(id)?.state).toBe('done'), LIMIT)
    expect(received).toEqual([`devices/${name}/commands/open`])
  })

  test('is refused with a wrong password', async () => {
    await expect(device(name, version, { password: 'guess' })).rejects.toThrow(/Bad|Not authorized/i)
  })

  test('keeps its connection alive by PINGREQ', async () => {
    await using client = await device(name, version, { keepalive: 1 })
    await new Promise((resolve) => client.once('packetreceive', resolve))
    expect(devices.session(name)).toBeDefined()
  })

  test('gets its retained message back', async () => {
    await using client = await device(name, version)
    await client.publishAsync(`devices/${name}/settings`, 'blue', { qos: 1, retain: true })
    const received = new Promise<string>((resolve) =>
      client.once('message', (_, payload) => resolve(payload.toString())),
    )
    await client.subscribeAsync(`devices/${name}/settings`)
    expect(await received).toBe('blue')
  })

  test('is told, or cut off, when another connection takes its place', async () => {
    await using first = await device(name, version)
    const closed = new Promise((resolve) => first.once('close', () => resolve(true)))
    await using second = await device(name, version)
    expect(await closed).toBe(true)
    expect(second.connected).toBe(true)
  })
})

/** Bytes from a raw socket until the server closes it. */
async function raw(bytes: Uint8Array): Promise<Uint8Array> {
  const socket = connectSocket({ host: '127.0.0.1', port: devices.address.port })
  const chunks: Uint8Array[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(bytes)
  await closed
  return Buffer.concat(chunks)
}

const connectPacket = (name: string) => {
  const password = keys.passwordOf(name)
  const text = (value: string) => [0, value.length, ...new TextEncoder().encode(value)]
  const body = [...text('MQTT'), 5, 0xc2, 0, 60, 0, ...text(name), ...text(name), ...text(password)]
  return [0x10, body.length, ...body]
}

describe('Raw sockets', () => {
  test('that send something else than MQTT are closed without an answer', async () => {
    expect(await raw(new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'))).toHaveLength(0)
  })

  test('that say nothing are closed when their time is over', async () => {
    expect(await raw(new Uint8Array(0))).toHaveLength(0)
  })

  test('that announce too large a packet get 0x95 before they have sent it', async () => {
    const answer = await raw(Uint8Array.from([...connectPacket('raw-1'), 0x30, 0xff, 0xff, 0x7f]))
    expect([...answer.subarray(-3)]).toEqual([0xe0, 1, 0x95])
  })

  test('that send a malformed packet get 0x81', async () => {
    const answer = await raw(Uint8Array.from([...connectPacket('raw-2'), 0x36, 4, 0, 1, 97, 0]))
    expect([...answer.subarray(-3)]).toEqual([0xe0, 1, 0x81])
  })

  test('that end in the middle of a packet leave nothing behind', async () => {
    const socket = connectSocket({ host: '127.0.0.1', port: devices.address.port })
    socket.write(Uint8Array.from([...connectPacket('raw-3'), 0x30, 50, 0, 1]))
    await vi.waitFor(() => expect(devices.session('raw-3')).toBeDefined(), LIMIT)
    socket.destroy()
    await vi.waitFor(() => expect(devices.session('raw-3')).toBeUndefined(), LIMIT)
  })
})
