import { settle } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'
import { type DeviceWorld, deviceWorld } from './device-world.ts'

/** What makes a session outlive its connection, in both languages. */
const lasting = (version: 4 | 5, seconds = 3_600) => ({
  clean: false,
  ...(version === 5 ? { properties: { sessionExpiryInterval: seconds } } : {}),
})

describe.each([4, 5] as const)('A session with protocol version %i', (version) => {
  test('is subscribed within its own name only; other filters are refused [MQTT-3.8.4-5]', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version)
    const filters = [
      'devices/bench-1/#',
      'devices/bench-2/#',
      'devices/+/events',
      '#',
      'devices/bench-1/a#',
      '$share/g/x',
    ]
    client.send({
      cmd: 'subscribe',
      messageId: 3,
      subscriptions: filters.map((topic) => ({ topic, qos: 1, nl: false, rap: false, rh: 0 })),
    })
    await settle()
    const refused = version === 5 ? [0x87, 0x87, 0x87, 0x8f, 0x9e] : [0x80, 0x80, 0x80, 0x80, 0x80]
    expect(client.last('suback')?.granted).toEqual([1, ...refused])
    expect(world.devices.counters.subscriptionsRefused).toBe(5)
    expect(client.isClosed).toBe(false)
  })

  test('gets what its device publishes within its own name, with the lower QoS [MQTT-3.8.4-8]', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version)
    client.subscribe('devices/bench-1/notes/+', 1)
    for (const qos of [0, 1, 2] as const) {
      client.publish('devices/bench-1/notes/a', `qos ${qos}`, { qos, messageId: 10 + qos })
    }
    await settle()
    expect(client.messages.map(({ text, qos }) => [text, qos])).toEqual([
      ['qos 0', 0],
      ['qos 1', 1],
      ['qos 2', 1],
    ])
  })

  test('gets a QoS 2 message once: PUBREC, PUBREL, PUBCOMP [MQTT-4.3.3-8]', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version)
    client.subscribe('devices/bench-1/notes', 2)
    client.publish('devices/bench-1/notes', 'x', { qos: 0 })
    client.publish('devices/bench-1/notes', 'y', { qos: 2, messageId: 5 })
    await settle()
    const messageId = client.last('publish')?.messageId ?? 0
    client.send({ cmd: 'pubrec', messageId })
    await settle()
    expect(client.last('pubrel')).toMatchObject({ messageId })
    client.send({ cmd: 'pubcomp', messageId })
    await settle()
    expect(client.messages).toHaveLength(2)
  })

  test('does not get what it has unsubscribed from [MQTT-3.10.4-2]', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version)
    client.subscribe('devices/bench-1/notes')
    client.send({
      cmd: 'unsubscribe',
      messageId: 4,
      unsubscriptions: ['devices/bench-1/notes', 'devices/bench-1/x'],
    })
    client.publish('devices/bench-1/notes', 'x')
    await settle()
    expect(client.last('unsuback')?.messageId).toBe(4)
    if (version === 5) expect(client.last('unsuback')?.granted).toEqual([0, 0x11])
    expect(client.messages).toEqual([])
  })

  test('has a greatest number of subscriptions', async () => {
    await using world = await deviceWorld({ limits: { subscriptionsMax: 2 } })
    const client = await world.device('bench-1', version)
    for (const name of ['a', 'b', 'c', 'a']) client.subscribe(`devices/bench-1/${name}`)
    await settle()
    expect(client.all('suback').map(({ granted }) => granted[0])).toEqual([
      1,
      1,
      version === 5 ? 0x97 : 0x80,
      1,
    ])
  })

  test('that is clean forgets its subscriptions [MQTT-3.1.2-4]', async () => {
    await using world = await deviceWorld()
    const first = await world.device('bench-1', version)
    first.subscribe('devices/bench-1/#')
    await settle()
    first.send({ cmd: 'disconnect', reasonCode: 0 })
    const second = await world.device('bench-1', version)
    expect(second.last('connack')?.sessionPresent).toBe(false)
    second.publish('devices/bench-1/notes', 'x')
    await settle()
    expect(second.messages).toEqual([])
  })

  test('that lasts goes on where it was, and the server says so [MQTT-3.2.2-3]', async () => {
    await using world = await deviceWorld()
    const first = await world.device('bench-1', version, lasting(version))
    first.subscribe('devices/bench-1/notes')
    await settle()
    first.connection.destroy()
    const second = await world.device('bench-1', version, lasting(version))
    expect(second.last('connack')?.sessionPresent).toBe(true)
    second.publish('devices/bench-1/notes', 'x')
    await settle()
    expect(second.messages).toMatchObject([{ text: 'x' }])
  })

  test('that lasts sends again what was not acknowledged, marked as repeated [MQTT-4.4.0-1]', async () => {
    await using world = await deviceWorld()
    const first = await world.device('bench-1', version, lasting(version))
    first.subscribe('devices/bench-1/notes', 2)
    first.publish('devices/bench-1/notes', 'one', { qos: 1, messageId: 1 })
    first.publish('devices/bench-1/notes', 'two', { qos: 2, messageId: 2 })
    await settle()
    const [one, two] = first.all('publish')
    first.send({ cmd: 'pubrec', messageId: two?.messageId ?? 0 })
    await settle()
    first.connection.destroy()
    const second = await world.device('bench-1', version, lasting(version))
    expect(second.all('publish')).toMatchObject([{ messageId: one?.messageId, dup: true, qos: 1 }])
    expect(second.last('pubrel')?.messageId).toBe(two?.messageId)
  })

  test('that lasts keeps its subscriptions over a restart of the server', async () => {
    await using world = await deviceWorld()
    const first = await world.device('bench-1', version, lasting(version))
    first.subscribe('devices/bench-1/notes')
    await settle()
    expect(first.all('suback')).toHaveLength(1)
    await world.restart()
    const second = await world.device('bench-1', version, lasting(version))
    expect(second.last('connack')?.sessionPresent).toBe(true)
    second.publish('devices/bench-1/notes', 'x')
    await settle()
    expect(second.messages).toMatchObject([{ text: 'x' }])
  })

  test('that was ended by a clean one does not come back after a restart', async () => {
    await using world = await deviceWorld()
    const first = await world.device('bench-1', version, lasting(version))
    first.subscribe('devices/bench-1/notes')
    await settle()
    await world.device('bench-1', version)
    await world.restart()
    expect((await world.device('bench-1', version, lasting(version))).last('connack')?.sessionPresent).toBe(
      false,
    )
  })

  test('answers SUBSCRIBE only when a lasting subscription is durable', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version, lasting(version))
    world.gate.hold('millrace.sessions')
    client.subscribe('devices/bench-1/notes')
    await settle()
    expect(client.all('suback')).toEqual([])
    await world.gate.open()
    expect(client.all('suback')).toHaveLength(1)
  })

  test('of an absent device is ended if there are too many, the longest absent first', async () => {
    await using world = await deviceWorld({ limits: { sessionsMax: 2 } })
    for (const name of ['a', 'b', 'c'])
      (await world.device(name, version, lasting(version))).connection.destroy()
    await settle()
    expect(world.devices.counters.sessionsEvicted).toBe(1)
    const present = async (name: string) =>
      (await world.device(name, version, lasting(version))).last('connack')?.sessionPresent
    expect([await present('a'), await present('b'), await present('c')]).toEqual([false, true, true])
  })

  test('gets retained messages when it subscribes, until they are removed [MQTT-3.3.1-6]', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version)
    client.publish('devices/bench-1/notes/a', 'kept', { retain: true })
    client.publish('devices/bench-1/notes/b', 'old', { retain: true })
    client.publish('devices/bench-1/notes/b', '', { retain: true })
    await settle()
    client.subscribe('devices/bench-1/notes/#')
    await settle()
    expect(client.messages).toMatchObject([{ topic: 'devices/bench-1/notes/a', text: 'kept', retain: true }])
    client.publish('devices/bench-1/notes/a', 'live', { retain: true })
    await settle()
    expect(client.messages.at(-1)).toMatchObject({ text: 'live', retain: false })
  })

  test('finds retained messages again after a restart; they are acknowledged when durable', async () => {
    await using world = await deviceWorld()
    const first = await world.device('bench-1', version)
    world.gate.hold('millrace.sessions')
    first.publish('devices/bench-1/notes', 'kept', { retain: true })
    await settle()
    expect(first.all('puback')).toEqual([])
    await world.gate.open()
    expect(first.all('puback')).toHaveLength(1)
    await world.restart()
    const second = await world.device('bench-1', version)
    second.subscribe('devices/bench-1/#')
    await settle()
    expect(second.messages).toMatchObject([{ text: 'kept', retain: true }])
  })

  test('that reads nothing is closed when too much lies for it, and others do not notice', async () => {
    await using world = await deviceWorld({ limits: { outboundBytesMax: 10_000 } })
    const slow = await world.device('slow', version)
    const good = await world.device('good', version)
    slow.subscribe('devices/slow/#', 0)
    await settle()
    slow.connection.pauseReading()
    for (let count = 0; count < 20; count += 1)
      slow.publish('devices/slow/notes', 'x'.repeat(1_000), { qos: 0 })
    await settle()
    expect(world.devices.counters.slowConsumersClosed).toBe(1)
    expect(world.devices.session('slow')).toBeUndefined()
    good.publish('devices/good/events/greenhouse.reading', { celsius: 20 })
    await settle()
    expect(good.all('puback')).toHaveLength(1)
  })
})

describe('A will', () => {
  const topic = 'devices/bench-1/events/greenhouse.reading'
  const will = { topic, payload: '{"celsius":-1}', qos: 1 as const }
  const count = async (world: DeviceWorld) => (await world.messages('greenhouse.reading')).length

  test.each([4, 5] as const)(
    'is published when the connection breaks, version %i [MQTT-3.1.2-8]',
    async (version) => {
      await using world = await deviceWorld()
      const client = await world.device('bench-1', version, { will })
      client.connection.destroy()
      await settle()
      expect(await count(world)).toBe(1)
    },
  )

  test.each([4, 5] as const)('is published when the keep-alive passes, version %i', async (version) => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version, { will, keepalive: 1 })
    client.connection.pauseReading()
    await world.runtime.advance(2_000)
    expect(await count(world)).toBe(1)
  })

  test.each([4, 5] as const)('is forgotten after a goodbye, version %i [MQTT-3.14.4-3]', async (version) => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version, { will })
    client.send({ cmd: 'disconnect', reasonCode: 0 })
    await settle()
    expect(client.isClosed).toBe(true)
    expect(await count(world)).toBe(0)
  })

  test('is published after a goodbye that asks for it (reason 0x04, MQTT 5, section 3.14.2.1)', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', 5, { will })
    client.send({ cmd: 'disconnect', reasonCode: 4 })
    await settle()
    expect(await count(world)).toBe(1)
  })

  test('waits for its delay, and is not sent if the device is back in time [MQTT-3.1.3-9]', async () => {
    await using world = await deviceWorld()
    const choices = { ...lasting(5), will: { ...will, properties: { willDelayInterval: 30 } } }
    const first = await world.device('bench-1', 5, choices)
    first.connection.destroy()
    await world.runtime.advance(20_000)
    const second = await world.device('bench-1', 5, choices)
    await world.runtime.advance(40_000)
    expect(await count(world)).toBe(0)
    second.connection.destroy()
    await world.runtime.advance(31_000)
    expect(await count(world)).toBe(1)
  })

  test('that waits is sent at once when its session ends [MQTT-3.1.2-8]', async () => {
    await using world = await deviceWorld()
    const delayed = { ...will, properties: { willDelayInterval: 30 } }
    const first = await world.device('bench-1', 5, { ...lasting(5), will: delayed })
    first.connection.destroy()
    await settle()
    expect(await count(world)).toBe(0)
    await world.device('bench-1', 5)
    expect(await count(world)).toBe(1)
  })

  test.each([4, 5] as const)('for another device refuses the connection, version %i', async (version) => {
    await using world = await deviceWorld()
    const foreign = { ...will, topic: 'devices/bench-2/events/greenhouse.reading' }
    const client = await world.device('bench-1', version, { will: foreign })
    expect(client.answer).toBe(version === 5 ? 0x90 : 5)
  })

  test('that does not fit its schema is a dead letter', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', 5, { will: { ...will, payload: 'gone' } })
    client.connection.destroy()
    await settle()
    expect(await world.messages('greenhouse.reading.dead-letters')).toHaveLength(1)
  })
})

test('an MQTT 5 session ends when its expiry interval has passed [MQTT-3.1.2-23]', async () => {
  await using world = await deviceWorld()
  const first = await world.device('bench-1', 5, lasting(5, 60))
  first.connection.destroy()
  await world.runtime.advance(61_000)
  const second = await world.device('bench-1', 5, lasting(5, 60))
  expect(second.last('connack')?.sessionPresent).toBe(false)
})

test('DISCONNECT may shorten the session expiry, but not give one where there was none [MQTT-3.1.2-23]', async () => {
  await using world = await deviceWorld()
  const first = await world.device('bench-1', 5, lasting(5))
  first.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } })
  await settle()
  const second = await world.device('bench-1', 5)
  expect(second.last('connack')?.sessionPresent).toBe(false)
  second.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 60 } })
  await settle()
  expect(second.last('disconnect')?.reasonCode).toBe(0x82)
})

test('No Local leaves out what the device itself has published [MQTT-3.8.3-3]', async () => {
  await using world = await deviceWorld()
  const client = await world.device('bench-1', 5)
  client.send({
    cmd: 'subscribe',
    messageId: 3,
    subscriptions: [{ topic: 'devices/bench-1/#', qos: 1, nl: true, rap: false, rh: 0 }],
  })
  client.publish('devices/bench-1/notes', 'x')
  await settle()
  expect(client.messages).toEqual([])
})

test('Retain Handling says when retained messages come (MQTT 5, section 3.8.3.1)', async () => {
  await using world = await deviceWorld()
  const client = await world.device('bench-1', 5)
  client.publish('devices/bench-1/notes', 'kept', { retain: true })
  await settle()
  const subscribe = (rh: number) =>
    client.send({
      cmd: 'subscribe',
      messageId: 3,
      subscriptions: [{ topic: 'devices/bench-1/notes', qos: 0, nl: false, rap: false, rh }],
    })
  const counts: number[] = []
  for (const rh of [2, 1, 0]) {
    subscribe(rh)
    await settle()
    counts.push(client.messages.length)
  }
  expect(counts).toEqual([0, 0, 1])
})

test('a message that has expired is not delivered, and one that has not says what is left [MQTT-3.3.2-6]', async () => {
  await using world = await deviceWorld()
  const client = await world.device('bench-1', 5)
  client.publish('devices/bench-1/a', 'short', { retain: true, properties: { messageExpiryInterval: 10 } })
  client.publish('devices/bench-1/b', 'long', { retain: true, properties: { messageExpiryInterval: 100 } })
  await world.runtime.advance(20_000)
  client.subscribe('devices/bench-1/#')
  await settle()
  expect(client.all('publish')).toMatchObject([
    { topic: 'devices/bench-1/b', properties: { messageExpiryInterval: 80 } },
  ])
})

test('more retained messages than allowed are refused with 0x97', async () => {
  await using world = await deviceWorld({ limits: { retainedPerDeviceMax: 1 } })
  const client = await world.device('bench-1', 5)
  client.publish('devices/bench-1/a', 'x', { retain: true })
  await settle()
  client.publish('devices/bench-1/b', 'x', { retain: true, messageId: 2 })
  client.publish('devices/bench-1/a', 'y', { retain: true, messageId: 3 })
  await settle()
  expect(client.all('puback').map(({ reasonCode }) => reasonCode)).toEqual([0, 0x97, 0])
})

test('messages to itself that a device does not acknowledge are bounded, and what is too much is counted', async () => {
  await using world = await deviceWorld()
  const client = await world.device('bench-1', 5)
  client.subscribe('devices/bench-1/#')
  await settle()
  for (let messageId = 1; messageId <= 50; messageId += 1) {
    client.publish('devices/bench-1/notes', 'x'.repeat(10_000), { messageId })
    await settle()
  }
  expect(client.messages.length).toBeLessThan(10)
  expect(world.devices.counters.messagesDropped).toBe(50 - client.messages.length)
  for (const { messageId = 0 } of client.all('publish')) client.send({ cmd: 'puback', messageId })
  await settle()
  const before = client.messages.length
  client.publish('devices/bench-1/notes', 'x'.repeat(10_000))
  await settle()
  expect(client.messages).toHaveLength(before + 1)
})

test('an acknowledgement that is due is sent before the goodbye of its device is answered', async () => {
  await using world = await deviceWorld()
  const client = await world.device('bench-1', 5)
  client.publish('devices/bench-1/notes', 'x')
  client.send({ cmd: 'disconnect', reasonCode: 0 })
  await settle()
  expect(client.all('puback')).toHaveLength(1)
  expect(client.isClosed).toBe(true)
})

test('properties of a message reach the subscriber unchanged [MQTT-3.3.2-17]', async () => {
  await using world = await deviceWorld()
  const client = await world.device('bench-1', 5)
  client.subscribe('devices/bench-1/#')
  const properties = {
    contentType: 'text/plain',
    responseTopic: 'devices/bench-1/answers',
    correlationData: Buffer.from([1, 2, 3]),
    userProperties: { colour: ['red', 'green'] },
  }
  client.publish('devices/bench-1/notes', 'x', { properties })
  await settle()
  expect(client.last('publish')?.properties).toMatchObject(properties)
})

test('the topic of sessions is written anew when most of it is out of date', async () => {
  await using world = await deviceWorld()
  const client = await world.device('bench-1', 5, lasting(5))
  for (let count = 0; count < 1_100; count += 1) {
    client.subscribe('devices/bench-1/notes', 1, 1 + (count % 100))
    if (count % 50 === 0) await settle()
  }
  await world.runtime.advance(1_000)
  const groups = await world.bus.listGroups()
  const position = groups.find(({ group }) => group === 'millrace.sessions.book')?.positions[0]
  expect(position?.offset).toBeGreaterThan(1_000)
  await world.restart()
  const again = await world.device('bench-1', 5, lasting(5))
  expect(again.last('connack')?.sessionPresent).toBe(true)
})
