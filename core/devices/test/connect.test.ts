import { deviceKeys, openDevices } from '@millrace/devices'
import { settle } from '@millrace/kernel'
import { memoryListener } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import { type DeviceWorld, deviceWorld } from './device-world.ts'
import { MqttClient } from './mqtt-client.ts'

describe.each([4, 5] as const)('CONNECT with protocol version %i', (version) => {
  test('is answered with success, and the device is listed', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version)
    expect(client.answer).toBe(0)
    expect(world.devices.sessions()).toMatchObject([
      { device: 'bench-1', protocol: version === 5 ? 'mqtt-5' : 'mqtt-3.1.1', remoteAddress: 'client:1' },
    ])
    expect(world.devices.session('bench-1')?.device).toBe('bench-1')
    expect(world.devices.counters.connections).toBe(1)
  })

  test('a second one is a protocol error that closes the connection [MQTT-3.1.0-2]', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version)
    client.connect('bench-1')
    await settle()
    expect(client.isClosed).toBe(true)
    expect(client.last('disconnect')?.reasonCode).toBe(version === 5 ? 0x82 : undefined)
    expect(world.devices.sessions()).toEqual([])
  })

  test('something else as the first packet closes the connection [MQTT-3.1.0-1]', async () => {
    await using world = await deviceWorld()
    const client = world.socket(version)
    client.send({ cmd: 'pingreq' })
    await settle()
    expect(client.isClosed).toBe(true)
    expect(client.received).toEqual([])
    expect(world.devices.counters.connectionsRefused).toBe(1)
  })

  test('with the password of the device lets it in, with another one or none it is refused', async () => {
    const keys = deviceKeys(new Uint8Array(32).fill(7))
    await using world = await deviceWorld({ authentication: keys })
    const good = { username: 'bench-1', password: Buffer.from(keys.passwordOf('bench-1')) }
    expect((await world.device('bench-1', version, good)).answer).toBe(0)
    const bad = await world.device('bench-1', version, { ...good, password: Buffer.from('guess') })
    expect(bad.answer).toBe(version === 5 ? 0x86 : 4)
    expect(bad.isClosed).toBe(true)
    const said = bad.last('connack')?.properties?.reasonString
    expect(said).toBe(
      version === 5 ? 'The device "bench-1" connected with a wrong user name or password' : undefined,
    )
    const none = await world.device('bench-1', version)
    expect(none.answer).toBe(version === 5 ? 0x87 : 5)
    const foreign = { username: 'bench-2', password: Buffer.from(keys.passwordOf('bench-2')) }
    expect((await world.device('bench-1', version, foreign)).answer).toBe(version === 5 ? 0x86 : 4)
    expect(world.devices.counters.connectionsRefused).toBe(3)
    expect(world.devices.sessions()).toHaveLength(1)
  })

  test('is refused as unavailable if the authenticator fails, and says nothing else', async () => {
    const authenticate = () => Promise.reject(new Error('the directory is down: secret'))
    await using world = await deviceWorld({ authentication: { authenticate } })
    const client = await world.device('bench-1', version)
    expect(client.answer).toBe(version === 5 ? 0x88 : 3)
    expect(JSON.stringify(client.received)).not.toContain('secret')
  })

  test('a refused one does not take the place of the device that is connected', async () => {
    const keys = deviceKeys(new Uint8Array(32).fill(7))
    await using world = await deviceWorld({ authentication: keys })
    const good = { username: 'bench-1', password: Buffer.from(keys.passwordOf('bench-1')) }
    const owner = await world.device('bench-1', version, good)
    await world.device('bench-1', version, { ...good, password: Buffer.from('guess') })
    expect(owner.isClosed).toBe(false)
  })

  test('a newer one takes the session over and the older connection is closed [MQTT-3.1.4-3]', async () => {
    await using world = await deviceWorld()
    const older = await world.device('bench-1', version)
    const newer = await world.device('bench-1', version)
    expect(older.isClosed).toBe(true)
    expect(older.last('disconnect')?.reasonCode).toBe(version === 5 ? 0x8e : undefined)
    expect(newer.isClosed).toBe(false)
    expect(world.devices.sessions()).toHaveLength(1)
  })

  test.each(['bench/1', 'a+b', 'x'.repeat(129), 'bench 1'])('refuses the client id %j', async (device) => {
    await using world = await deviceWorld()
    const client = await world.device(device, version)
    expect(client.answer).toBe(version === 5 ? 0x85 : 2)
    expect(client.isClosed).toBe(true)
  })

  test('that does not come in time closes the connection', async () => {
    await using world = await deviceWorld({ limits: { connectTimeoutMs: 1_000 } })
    const client = world.socket(version)
    await world.runtime.advance(900)
    expect(client.isClosed).toBe(false)
    await world.runtime.advance(500)
    expect(client.isClosed).toBe(true)
    expect(world.devices.counters.connectionsRefused).toBe(1)
  })

  test('beyond the greatest number of connections is turned away before a byte is read', async () => {
    await using world = await deviceWorld({ limits: { connectionsMax: 1 } })
    const first = await world.device('bench-1', version)
    const second = await world.device('bench-2', version)
    expect(first.isClosed).toBe(false)
    expect(second.isClosed).toBe(true)
    expect(world.devices.counters.connectionsRefused).toBe(1)
  })
})

test('an empty client id is assigned one over MQTT 5 if everybody is let in [MQTT-3.1.3-7]', async () => {
  await using world = await deviceWorld()
  const client = await world.device('', 5)
  const assigned = client.last('connack')?.properties?.assignedClientIdentifier
  expect(assigned).toMatch(/^[0-9a-f-]{36}$/)
  expect(world.devices.session(String(assigned))).toBeDefined()
})

test('an empty client id is refused over 3.1.1, which cannot be told its name, and where devices are known', async () => {
  await using world = await deviceWorld()
  expect((await world.device('', 4)).answer).toBe(2)
  await using closed = await deviceWorld({ authentication: deviceKeys(new Uint8Array(32)) })
  expect((await closed.device('', 5)).answer).toBe(0x85)
})

test('an unknown protocol version is told so [MQTT-3.1.2-2]', async () => {
  await using world = await deviceWorld()
  const old = world.socket(4)
  old.sendBytes(0x10, 14, 0, 6, 77, 81, 73, 115, 100, 112, 3, 2, 0, 60, 0, 0)
  await settle()
  expect(old.answer).toBe(1)
  const future = world.socket(5)
  future.sendBytes(0x10, 13, 0, 4, 77, 81, 84, 84, 6, 2, 0, 60, 0, 0, 0)
  await settle()
  expect(future.answer).toBe(0x84)
})

test('an authentication method is refused, since there is none (MQTT 5, section 4.12)', async () => {
  await using world = await deviceWorld()
  const client = await world.device('bench-1', 5, { properties: { authenticationMethod: 'SCRAM' } })
  expect(client.answer).toBe(0x8c)
})

test('a device that is not known yet may send a CONNECT, and nothing that is larger', async () => {
  await using world = await deviceWorld()
  const client = world.socket(5)
  client.sendBytes(0x10, 0xff, 0xff, 0x04)
  await settle()
  expect(client.isClosed).toBe(true)
  expect(world.devices.counters.oversizePackets).toBe(1)
})

test.each([
  ['a receive maximum twice', [0, 0, 6, 33, 0, 1, 33, 0, 2]],
  ['a will delay twice', undefined],
])('CONNECT with %s is malformed (MQTT 5, section 2.2.2.2)', async (_, properties) => {
  await using world = await deviceWorld()
  const client = world.socket(5)
  const name = [0, 4, 77, 81, 84, 84, 5]
  const will = [...name, 6, 0, 60, 0, 0, 1, 97, 10, 24, 0, 0, 0, 1, 24, 0, 0, 0, 2, 0, 1, 97, 0, 1, 97]
  const body = properties === undefined ? will : [...name, 2, ...properties, 0, 1, 97]
  client.sendBytes(0x10, body.length, ...body)
  await settle()
  expect(client.isClosed).toBe(true)
  expect(world.devices.counters.malformedPackets).toBe(1)
})

test('the limits are announced to an MQTT 5 client (section 3.2.2.3)', async () => {
  await using world = await deviceWorld({ limits: { keepAliveSecondsMax: 100, inboundInFlightMax: 8 } })
  const client = await world.device('bench-1', 5, { keepalive: 5_000 })
  expect(client.last('connack')?.properties).toMatchObject({
    serverKeepAlive: 100,
    receiveMaximum: 8,
    maximumPacketSize: 256 * 1024,
    sharedSubscriptionAvailable: false,
    subscriptionIdentifiersAvailable: false,
  })
})

test('packets sent right behind CONNECT wait for the credentials to be judged', async () => {
  let letIn = (_: boolean) => {}
  const authenticate = () => new Promise<boolean>((resolve) => (letIn = resolve))
  await using world = await deviceWorld({ authentication: { authenticate } })
  const client = world.socket(5)
  client.connect('bench-1')
  client.publish('devices/bench-1/events/greenhouse.reading', { celsius: 20 })
  await settle()
  expect(client.received).toEqual([])
  expect(await world.messages('greenhouse.reading')).toHaveLength(0)
  letIn(true)
  await settle()
  expect(client.answer).toBe(0)
  expect(client.last('puback')?.messageId).toBe(1)
})

test('a device that gives no sign for one and a half times its keep-alive is closed [MQTT-3.1.2-22]', async () => {
  await using world = await deviceWorld()
  const client = await world.device('bench-1', 5, { keepalive: 10 })
  await world.runtime.advance(14_000)
  client.send({ cmd: 'pingreq' })
  await settle()
  expect(client.all('pingresp')).toHaveLength(1)
  await world.runtime.advance(14_000)
  expect(client.isClosed).toBe(false)
  await world.runtime.advance(2_000)
  expect(client.last('disconnect')?.reasonCode).toBe(0x8d)
  expect(client.isClosed).toBe(true)
  expect(world.devices.counters.keepAliveTimeouts).toBe(1)
})

test('connections and disconnections are events with a growing epoch', async () => {
  await using world = await deviceWorld()
  const first = await world.device('bench-1', 5)
  await world.device('bench-1', 4)
  first.connection.destroy()
  await world.runtime.advance(1_000)
  const events = await presence(world)
  expect(events).toMatchObject([
    { key: 'bench-1', type: 'millrace.device.connected', protocol: 'mqtt-5', remoteAddress: 'client:1' },
    { key: 'bench-1', type: 'millrace.device.disconnected', reason: 'taken over by a newer connection' },
    { key: 'bench-1', type: 'millrace.device.connected', protocol: 'mqtt-3.1.1' },
  ])
  expect(events[1]?.epoch).toBe(events[0]?.epoch)
  expect(events[2]?.epoch).toBeGreaterThan(events[0]?.epoch)
})

test('closing tells MQTT 5 devices that the server shuts down and publishes no wills (section 3.1.2.5)', async () => {
  await using world = await deviceWorld()
  const will = {
    topic: 'devices/bench-1/events/greenhouse.reading',
    payload: '{"celsius":0}',
    qos: 1 as const,
  }
  const client = await world.device('bench-1', 5, { will })
  await world.devices.close()
  await settle()
  expect(client.last('disconnect')?.reasonCode).toBe(0x8b)
  expect(client.isClosed).toBe(true)
  expect(await world.messages('greenhouse.reading')).toHaveLength(0)
  expect((await world.messages('millrace.presence')).map(({ headers }) => headers.ce_type)).toEqual([
    'millrace.device.connected',
    'millrace.device.disconnected',
  ])
})

test('what a server that died has left open is closed by the next, and epochs go on growing', async () => {
  await using world = await deviceWorld()
  await world.device('bench-1')
  await world.device('bench-2')
  await world.runtime.advance(100)
  const before = await presence(world)
  // A second server on the same bus: to it, the first has ended without a goodbye.
  world.runtime.jumpWallClock(-3_600_000)
  const listener = memoryListener()
  const { bus, runtime } = world
  await using next = await openDevices({
    bus,
    runtime,
    listener,
    eventTypes: [],
    authentication: 'anonymous',
  })
  new MqttClient(listener.connect(), 5).connect('bench-1')
  await world.runtime.advance(100)
  const after = (await presence(world)).slice(before.length)
  expect(after).toMatchObject([
    { key: 'bench-1', type: 'millrace.device.disconnected', epoch: before[0]?.epoch },
    { key: 'bench-2', type: 'millrace.device.disconnected', epoch: before[1]?.epoch },
    { key: 'bench-1', type: 'millrace.device.connected' },
  ])
  expect(after[2]?.epoch).toBeGreaterThan(before[1]?.epoch)
  expect(next.sessions()).toHaveLength(1)
})

async function presence(world: DeviceWorld) {
  const messages = await world.messages('millrace.presence')
  return messages.map(({ key, headers, value }) => ({
    key,
    type: headers.ce_type,
    ...JSON.parse(new TextDecoder().decode(value)),
  }))
}
