import { readDeadLetters } from '@millrace/bus'
import { openDevices } from '@millrace/devices'
import { event, manualRuntime, millraceError, settle } from '@millrace/kernel'
import { memoryBus, memoryListener } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { type DeviceWorld, deviceWorld, Reading } from './device-world.ts'

const TOPIC = 'devices/bench-1/events/greenhouse.reading'

async function readings(world: DeviceWorld) {
  const messages = await world.messages('greenhouse.reading')
  return messages.map(({ key, headers, value }) => ({
    key,
    id: headers.ce_id,
    source: headers.ce_source,
    time: headers.ce_time,
    headers,
    data: JSON.parse(new TextDecoder().decode(value)),
  }))
}

async function deadLetters(world: DeviceWorld, topic: string) {
  return (await readDeadLetters(world.bus, topic)).letters.map(({ cause, message }) => ({
    code: cause.code,
    reason: cause.reason,
    group: cause.group,
    key: message.key,
    text: new TextDecoder().decode(message.value),
  }))
}

describe.each([4, 5] as const)('PUBLISH with protocol version %i', (version) => {
  test('becomes an event of the device, and PUBACK comes only when it is durable on the bus', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version)
    world.gate.hold('greenhouse.reading')
    client.publish(TOPIC, { celsius: 20 }, { messageId: 7 })
    await settle()
    expect(client.all('puback')).toEqual([])
    await world.gate.open()
    expect(client.all('puback')).toMatchObject([{ messageId: 7 }])
    expect(await readings(world)).toMatchObject([
      { key: 'bench-1', source: '/devices/bench-1', data: { celsius: 20 }, time: '2026-01-01T00:00:00.000Z' },
    ])
    expect(world.devices.counters.publicationsAccepted).toBe(1)
  })

  test('with QoS 2 is taken once, however often it is repeated, until it is released [MQTT-4.3.3-10]', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version)
    world.gate.hold('greenhouse.reading')
    client.publish(TOPIC, { celsius: 20 }, { qos: 2, messageId: 9 })
    await settle()
    expect(client.all('pubrec')).toEqual([])
    await world.gate.open()
    expect(client.all('pubrec')).toMatchObject([{ messageId: 9 }])
    client.publish(TOPIC, { celsius: 20 }, { qos: 2, messageId: 9, dup: true })
    await settle()
    expect(client.all('pubrec')).toHaveLength(2)
    client.send({ cmd: 'pubrel', messageId: 9 })
    await settle()
    expect(client.all('pubcomp')).toMatchObject([{ messageId: 9 }])
    expect(await readings(world)).toHaveLength(1)
    client.publish(TOPIC, { celsius: 21 }, { qos: 2, messageId: 9 })
    await settle()
    expect(await readings(world)).toHaveLength(2)
  })

  test('with QoS 2 repeated over a new connection while the first is on its way is taken once', async () => {
    await using world = await deviceWorld()
    const choices = { clean: false, ...(version === 5 ? { properties: { sessionExpiryInterval: 60 } } : {}) }
    const first = await world.device('bench-1', version, choices)
    world.gate.hold('greenhouse.reading')
    first.publish(TOPIC, { celsius: 20 }, { qos: 2, messageId: 9 })
    await settle()
    first.connection.destroy()
    const second = await world.device('bench-1', version, choices)
    second.publish(TOPIC, { celsius: 20 }, { qos: 2, messageId: 9, dup: true })
    await settle()
    expect(second.all('pubrec')).toEqual([])
    await world.gate.open()
    expect(second.all('pubrec')).toMatchObject([{ messageId: 9 }])
    expect(await readings(world)).toHaveLength(1)
  })

  test('with QoS 0 becomes an event without an answer', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version)
    client.publish(TOPIC, { celsius: 20 }, { qos: 0 })
    await settle()
    expect(await readings(world)).toHaveLength(1)
    expect(client.received).toHaveLength(1)
  })

  test('is acknowledged in the order in which it came, whatever becomes durable first [MQTT-4.6.0-2]', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version)
    world.gate.hold('greenhouse.reading')
    client.publish(TOPIC, { celsius: 1 }, { messageId: 1 })
    client.publish('devices/bench-1/notes', 'mine', { messageId: 2 })
    client.publish(TOPIC, { celsius: 3 }, { messageId: 3 })
    await settle()
    expect(client.all('puback')).toEqual([])
    await world.gate.open()
    expect(client.all('puback').map(({ messageId }) => messageId)).toEqual([1, 2, 3])
  })

  test('of many devices in one turn is one publication to the bus', async () => {
    await using world = await deviceWorld()
    const clients = await Promise.all(
      Array.from({ length: 20 }, (_, index) => world.device(`bench-${index}`, version)),
    )
    world.gate.hold('greenhouse.reading')
    const [first, ...others] = clients
    first?.publish('devices/bench-0/events/greenhouse.reading', { celsius: 0 })
    await settle()
    for (const [index, client] of others.entries()) {
      client.publish(`devices/bench-${index + 1}/events/greenhouse.reading`, { celsius: index })
    }
    await settle()
    await world.gate.open()
    const counts = world.gate.batches
      .filter(({ topic }) => topic === 'greenhouse.reading')
      .map(({ count }) => count)
    expect(counts).toEqual([1, 19])
    expect(clients.every((client) => client.last('puback') !== undefined)).toBe(true)
  })

  test('that the bus cannot take is never acknowledged', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version)
    world.gate.fail('greenhouse.reading', millraceError('BUS_CLOSED', {}))
    client.publish(TOPIC, { celsius: 20 }, { messageId: 4 })
    await settle()
    expect(client.all('puback')).toEqual([])
    // 0x97 quota exceeded: the device may try again. Source: MQTT 5, section 3.14.2.1.
    expect(client.last('disconnect')?.reasonCode).toBe(version === 5 ? 0x97 : undefined)
    expect(client.isClosed).toBe(true)
    expect(world.devices.counters.publicationsRefused).toBe(1)
  })

  test('outside the own name is refused [MQTT-3.3.5-2], over 3.1.1 by closing', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version)
    client.publish('devices/bench-2/events/greenhouse.reading', { celsius: 20 })
    await settle()
    expect(client.last('puback')?.reasonCode).toBe(version === 5 ? 0x87 : undefined)
    expect(client.isClosed).toBe(version === 4)
    expect(await readings(world)).toEqual([])
    expect(world.devices.counters.publicationsRefused).toBe(1)
  })

  test('into the own commands is refused: a device cannot forge them', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version)
    client.subscribe('devices/bench-1/#')
    client.publish('devices/bench-1/commands/open', '{}')
    await settle()
    expect(client.messages).toEqual([])
    expect(client.last('puback')?.reasonCode).toBe(version === 5 ? 0x87 : undefined)
  })

  test('whose data does not fit is a dead letter of its topic before it is answered', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version)
    client.publish(TOPIC, { celsius: 'warm' })
    await settle()
    const puback = client.last('puback')
    expect(version === 5 ? puback?.reasonCode : puback?.messageId).toBe(version === 5 ? 0x99 : 1)
    expect(await deadLetters(world, 'greenhouse.reading')).toMatchObject([
      { code: 'EVENT_SCHEMA_MISMATCH', group: 'devices', key: 'bench-1', text: '{"celsius":"warm"}' },
    ])
    expect(world.devices.counters.publicationsRefused).toBe(1)
  })

  test.each([
    ['half an object', '{'],
    ['nothing', ''],
    ['an unfinished text', '"\u0000'],
    ['arrays nested too deep', '['.repeat(100_000)],
  ])('of %s, which is no JSON, is a dead letter', async (_, text) => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version)
    client.publish(TOPIC, text)
    client.publish(TOPIC, { celsius: 20 }, { messageId: 2 })
    await settle()
    expect(client.all('puback').map(({ messageId }) => messageId)).toEqual([1, 2])
    expect(await deadLetters(world, 'greenhouse.reading')).toHaveLength(1)
    expect(await readings(world)).toHaveLength(1)
  })

  test('of an undeclared type is a dead letter of millrace.refused', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version)
    client.publish('devices/bench-1/events/unheard.of', { celsius: 20 })
    await settle()
    expect(client.last('puback')?.reasonCode).toBe(version === 5 ? 0x90 : undefined)
    expect(client.last('puback')?.messageId).toBe(1)
    expect(await deadLetters(world, 'millrace.refused')).toMatchObject([{ code: 'EVENT_TYPE_UNDECLARED' }])
  })

  test('that cannot even become a dead letter is not acknowledged', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version)
    world.gate.fail('greenhouse.reading.dead-letters', millraceError('BUS_CLOSED', {}))
    client.publish(TOPIC, { celsius: 'warm' })
    await settle()
    expect(client.last('puback')).toBeUndefined()
    expect(client.isClosed).toBe(true)
  })

  test('beyond what may be in flight waits in the socket until earlier ones are durable', async () => {
    await using world = await deviceWorld({ limits: { inboundInFlightMax: 4 } })
    const client = await world.device('bench-1', version)
    world.gate.hold('greenhouse.reading')
    for (let id = 1; id <= 20; id += 1) client.publish(TOPIC, { celsius: id }, { messageId: id })
    await settle()
    expect(client.connection.bufferedBytes).toBeGreaterThan(0)
    // While its socket is not read the device is not blamed for its silence.
    await world.runtime.advance(200_000)
    expect(client.isClosed).toBe(false)
    await world.gate.open()
    await settle()
    expect(client.all('puback').map(({ messageId }) => messageId)).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    )
    expect((await readings(world)).map(({ data }) => data.celsius)).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    )
  })
})

test('a topic that is there keeps its partitions and retention', async () => {
  const runtime = manualRuntime()
  await using bus = memoryBus({ runtime })
  await bus.createTopic('greenhouse.reading', { partitions: 3, retention: { bytesMax: 1_000_000 } })
  const listener = memoryListener()
  await using _ = await openDevices({
    bus,
    runtime,
    listener,
    eventTypes: [Reading],
    authentication: 'anonymous',
  })
  const topic = (await bus.listTopics()).find(({ name }) => name === 'greenhouse.reading')
  expect(topic).toMatchObject({ partitions: [{}, {}, {}], retention: { bytesMax: 1_000_000 } })
})

test('no device can say what the backbone says of commands and connections, whatever the application declares', async () => {
  const Done = event('millrace.command.done', z.unknown(), { topic: 'millrace.commands' })
  const Own = event('own', z.unknown(), { topic: 'millrace.presence' })
  await using world = await deviceWorld({ eventTypes: [Reading, Done, Own] })
  const client = await world.device('bench-1', 5)
  client.publish('devices/bench-1/events/millrace.command.done', { id: 'c-1' })
  client.publish('devices/bench-1/events/own', {}, { messageId: 2 })
  await settle()
  expect(client.all('puback').map(({ reasonCode }) => reasonCode)).toEqual([0x90, 0x90])
})

test('events of several types on one topic keep their order', async () => {
  const types = ['a', 'b', 'c'].map((type) => event(type, z.unknown(), { topic: 'shared' }))
  await using world = await deviceWorld({ eventTypes: types })
  const client = await world.device('bench-1', 5)
  world.gate.hold('shared')
  for (let messageId = 1; messageId <= 9; messageId += 1) {
    client.publish(`devices/bench-1/events/${types[messageId % 3]?.type}`, messageId, { messageId })
    await settle()
  }
  await world.gate.open()
  await settle()
  const values = (await world.messages('shared')).map(({ value }) => Number(new TextDecoder().decode(value)))
  expect(values).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('user properties are CloudEvents attributes, and a repeated id is one event (MQTT binding, section 3.1)', async () => {
  await using world = await deviceWorld()
  const client = await world.device('bench-1', 5)
  const properties = {
    userProperties: { id: 'r-1', time: '2025-12-31T23:59:00Z', traceparent: '00-1', 'X-Own': 'y' },
  }
  client.publish(TOPIC, { celsius: 20 }, { messageId: 1, properties })
  client.publish(TOPIC, { celsius: 20 }, { messageId: 2, properties })
  await settle()
  expect(client.all('puback').map(({ reasonCode }) => reasonCode)).toEqual([0, 0])
  expect(await readings(world)).toMatchObject([
    { id: 'r-1', time: '2025-12-31T23:59:00Z', headers: { ce_traceparent: '00-1' } },
  ])
})

test('a structured CloudEvent is read by its content type, and comes from its device whatever it says', async () => {
  await using world = await deviceWorld()
  const client = await world.device('bench-1', 5)
  const cloudEvent = {
    specversion: '1.0',
    id: 's-1',
    type: 'greenhouse.reading',
    source: '/elsewhere',
    subject: 'bench-2',
    time: '2025-12-31T23:59:00Z',
    data: { celsius: 21 },
  }
  const properties = { contentType: 'application/cloudevents+json' }
  client.publish(TOPIC, cloudEvent, { properties })
  client.publish(TOPIC, { ...cloudEvent, type: 'greenhouse.alarm' }, { messageId: 2, properties })
  await settle()
  expect(client.all('puback').map(({ reasonCode }) => reasonCode)).toEqual([0, 0x99])
  expect(await readings(world)).toMatchObject([
    { id: 's-1', key: 'bench-1', source: '/devices/bench-1', data: { celsius: 21 } },
  ])
})

test.each([
  ['a time that is none', { time: 'yesterday' }],
  ['an id that is too long', { id: 'x'.repeat(300) }],
  ['another type than the topic', { type: 'greenhouse.alarm' }],
  ['too many extensions', Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`a${i}`, 'x']))],
])('%s refuses the event with 0x99 and leaves the connection open', async (_, userProperties) => {
  await using world = await deviceWorld()
  const client = await world.device('bench-1', 5)
  client.publish(TOPIC, { celsius: 20 }, { properties: { userProperties } })
  await settle()
  expect(client.last('puback')?.reasonCode).toBe(0x99)
  expect(client.isClosed).toBe(false)
  expect(await deadLetters(world, 'greenhouse.reading')).toHaveLength(1)
})

test('more unfinished QoS 2 publications than the receive maximum close an MQTT 5 connection [MQTT-3.3.4-7]', async () => {
  await using world = await deviceWorld({ limits: { inboundInFlightMax: 4 } })
  const client = await world.device('bench-1', 5)
  for (let id = 1; id <= 5; id += 1) client.publish(TOPIC, { celsius: id }, { qos: 2, messageId: id })
  await settle()
  expect(client.last('disconnect')?.reasonCode).toBe(0x93)
})

test('a topic alias is refused, since none is allowed [MQTT-3.3.2-9]', async () => {
  await using world = await deviceWorld()
  const client = await world.device('bench-1', 5)
  client.publish(TOPIC, { celsius: 20 }, { properties: { topicAlias: 3 } })
  await settle()
  expect(client.last('disconnect')?.reasonCode).toBe(0x94)
})

test('PUBREL for nothing is answered with "packet identifier not found" (MQTT 5, section 3.7.2.1)', async () => {
  await using world = await deviceWorld()
  const client = await world.device('bench-1', 5)
  client.send({ cmd: 'pubrel', messageId: 5 })
  await settle()
  expect(client.last('pubcomp')).toMatchObject({ messageId: 5, reasonCode: 0x92 })
})

test('when all devices together have too much on its way, none is read until there is room, and none is lost', async () => {
  await using world = await deviceWorld({ limits: { inboundBytesMax: 5_000 } })
  const clients = await Promise.all(
    Array.from({ length: 10 }, (_, index) => world.device(`bench-${index}`, 5)),
  )
  world.gate.hold('greenhouse.reading')
  for (const [index, client] of clients.entries()) {
    for (const messageId of [1, 2]) {
      client.publish(
        `devices/bench-${index}/events/greenhouse.reading`,
        { celsius: messageId },
        { messageId },
      )
    }
    await settle()
  }
  expect(clients.at(-1)?.connection.bufferedBytes).toBeGreaterThan(0)
  const late = await world.device('late', 5)
  late.send({ cmd: 'pingreq' })
  await settle()
  await world.gate.open()
  await settle()
  expect(await readings(world)).toHaveLength(20)
  expect(clients.map((client) => client.all('puback').map(({ messageId }) => messageId))).toEqual(
    clients.map(() => [1, 2]),
  )
  expect(late.all('pingresp')).toHaveLength(1)
})
