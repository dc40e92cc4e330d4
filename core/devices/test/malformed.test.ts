import { settle } from '@millrace/kernel'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type DeviceWorld, deviceWorld } from './device-world.ts'

const TOPIC = 'devices/good/events/greenhouse.reading'

/** That nothing that a neighbour does has hurt the device named "good". */
async function expectUnhurt(world: DeviceWorld, good: Awaited<ReturnType<DeviceWorld['device']>>) {
  const before = good.all('puback').length
  good.publish(TOPIC, { celsius: 20 })
  await settle()
  expect(good.all('puback')).toHaveLength(before + 1)
  expect(world.devices.session('good')).toBeDefined()
}

test.each([
  ['reserved flags [MQTT-2.1.3-1]', [0xc1, 0]],
  ['a packet type that does not exist', [0x00, 0]],
  ['QoS 3 [MQTT-3.3.1-4]', [0x36, 5, 0, 1, 97, 0, 1]],
  ['DUP with QoS 0 [MQTT-3.3.1-2]', [0x38, 4, 0, 1, 97, 0]],
  ['packet identifier 0 [MQTT-2.2.1-3]', [0x32, 6, 0, 1, 97, 0, 0, 0]],
  ['SUBSCRIBE without a filter [MQTT-3.8.3-2]', [0x82, 3, 0, 1, 0]],
  ['UNSUBSCRIBE without a filter [MQTT-3.10.3-2]', [0xa2, 3, 0, 1, 0]],
  ['a remaining length of five bytes', [0x30, 0xff, 0xff, 0xff, 0xff, 1]],
  ['a topic longer than its packet', [0x30, 3, 0, 9, 97]],
  ['a topic that is not UTF-8 [MQTT-1.5.4-1]', [0x30, 5, 0, 2, 0xc3, 0x28, 0]],
  ['U+0000 in a topic [MQTT-1.5.4-2]', [0x30, 5, 0, 2, 97, 0, 0]],
  ['properties longer than the packet', [0x30, 6, 0, 1, 97, 100, 1, 1]],
  ['an unknown property', [0x30, 6, 0, 1, 97, 2, 99, 1]],
  ['the same property twice (section 2.2.2.2)', [0x30, 12, 0, 1, 97, 8, 3, 0, 1, 97, 3, 0, 1, 97]],
  ['PINGREQ with a body', [0xc0, 1, 0]],
  ['PUBACK without an identifier', [0x40, 0]],
])('%s closes an MQTT 5 connection with 0x81, and no other', async (_, bytes) => {
  await using world = await deviceWorld()
  const good = await world.device('good')
  const client = await world.device('bad', 5)
  client.sendBytes(...bytes)
  await settle()
  expect(client.last('disconnect')?.reasonCode).toBe(0x81)
  expect(client.isClosed).toBe(true)
  expect(world.devices.counters.malformedPackets).toBe(1)
  await expectUnhurt(world, good)
})

test('a malformed packet closes a 3.1.1 connection without a word [MQTT-4.8.0-1]', async () => {
  await using world = await deviceWorld()
  const client = await world.device('bad', 4)
  client.sendBytes(0xc1, 0)
  await settle()
  expect(client.isClosed).toBe(true)
  expect(client.received).toHaveLength(1)
})

test('a packet that announces itself as too large is refused by its first bytes [MQTT-3.1.2-24]', async () => {
  await using world = await deviceWorld({ limits: { packetBytesMax: 1_000 } })
  const good = await world.device('good')
  const client = await world.device('big', 5)
  client.sendBytes(0x32, 0xe6, 0x07)
  await settle()
  expect(client.last('disconnect')?.reasonCode).toBe(0x95)
  expect(client.isClosed).toBe(true)
  expect(world.devices.counters.oversizePackets).toBe(1)
  await expectUnhurt(world, good)
})

test('a packet of exactly the greatest size is taken', async () => {
  await using world = await deviceWorld({ limits: { packetBytesMax: 1_000 } })
  const client = await world.device('big', 5)
  client.sendBytes(0x30, 0xe5, 0x07)
  client.sendBytes(...new TextEncoder().encode('\0\x0cdevices/big/\0'), ...new Array(982).fill(65))
  await settle()
  expect(client.last('disconnect')).toBeUndefined()
})

test('a packet that drips in byte by byte is the same packet', async () => {
  await using world = await deviceWorld()
  const client = await world.device('bench-1', 4)
  const payload = '{"celsius":20}'
  const topic = 'devices/bench-1/events/greenhouse.reading'
  const body = [
    0,
    topic.length,
    ...new TextEncoder().encode(topic),
    0,
    5,
    ...new TextEncoder().encode(payload),
  ]
  for (const byte of [0x32, body.length, ...body, 0x32, body.length, ...body]) client.sendBytes(byte)
  await settle()
  expect(client.all('puback')).toMatchObject([{ messageId: 5 }, { messageId: 5 }])
})

test('random bytes never crash the tier or hurt a neighbour, before or after CONNECT', async () => {
  await using world = await deviceWorld()
  const good = await world.device('good')
  const version = fc.constantFrom(4 as const, 5 as const)
  await fc.assert(
    fc.asyncProperty(
      version,
      fc.boolean(),
      fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }),
      async (v, isConnected, chunks) => {
        const client = isConnected ? await world.device('bad', v) : world.socket(v)
        for (const chunk of chunks) client.sendBytes(...chunk)
        await settle()
        client.connection.destroy()
        await expectUnhurt(world, good)
      },
    ),
    { numRuns: 300 },
  )
})

test('well-formed packets with changed bytes never crash the tier or hurt a neighbour', async () => {
  await using world = await deviceWorld()
  const good = await world.device('good')
  const topic = 'devices/bad/events/greenhouse.reading'
  const packets = [
    [
      0x32,
      topic.length + 12,
      0,
      topic.length,
      ...new TextEncoder().encode(topic),
      0,
      5,
      3,
      1,
      1,
      2,
      0x7b,
      0x7d,
      0x20,
    ],
    [0x82, 20, 0, 9, 0, 0, 14, ...new TextEncoder().encode('devices/bad/+/'), 1],
    [0x10, 16, 0, 4, 77, 81, 84, 84, 5, 2, 0, 60, 0, 0, 3, 98, 97, 100],
    [0xe0, 2, 0, 0],
    [0x62, 2, 0, 5],
    [0x50, 4, 0, 5, 0, 0],
  ]
  const change = fc.record({ at: fc.nat(60), to: fc.integer({ min: 0, max: 255 }) })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...packets),
      fc.array(change, { maxLength: 3 }),
      fc.boolean(),
      async (packet, changes, isConnected) => {
        const bytes = [...packet]
        for (const { at, to } of changes) bytes[at % bytes.length] = to
        const client = isConnected ? await world.device('bad', 5) : world.socket(5)
        client.sendBytes(...bytes)
        await settle()
        client.connection.destroy()
        await expectUnhurt(world, good)
      },
    ),
    { numRuns: 300 },
  )
})
