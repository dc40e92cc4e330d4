import { commandOutlet } from '@millrace/devices'
import { type CommandDraft, millraceError, settle } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'
import { type DeviceWorld, deviceWorld } from './device-world.ts'
import type { MqttClient } from './mqtt-client.ts'

const draft = (choices: Partial<CommandDraft> = {}): CommandDraft => ({
  kind: 'command-draft',
  device: 'bench-1',
  name: 'open-vent',
  data: { percent: 80 },
  ...choices,
})

const FILTER = 'devices/bench-1/commands/+'

async function listening(world: DeviceWorld, version: 4 | 5 = 5, choices = {}): Promise<MqttClient> {
  const client = await world.device('bench-1', version, choices)
  client.subscribe(FILTER)
  await settle()
  return client
}

const acknowledge = (client: MqttClient) =>
  client.send({ cmd: 'puback', messageId: client.last('publish')?.messageId ?? 0 })

async function records(world: DeviceWorld) {
  await world.runtime.advance(100)
  const messages = await world.messages('millrace.commands')
  return messages.map(({ key, headers }) => [key, headers.ce_type])
}

describe.each([4, 5] as const)('A command to a device with protocol version %i', (version) => {
  test('is queued, sent, acknowledged and done, and each is an event', async () => {
    await using world = await deviceWorld()
    const client = await listening(world, version)
    const command = await world.devices.send(draft())
    expect(command).toMatchObject({
      state: 'queued',
      device: 'bench-1',
      name: 'open-vent',
      data: { percent: 80 },
    })
    await settle()
    expect(world.devices.command(command.id)?.state).toBe('sent')
    const [message] = client.messages
    expect(message).toMatchObject({ topic: 'devices/bench-1/commands/open-vent', qos: 1, dup: false })
    expect(JSON.parse(message?.text ?? '')).toEqual({
      id: command.id,
      name: 'open-vent',
      data: { percent: 80 },
      deadline: '2026-01-01T00:01:00.000Z',
    })
    acknowledge(client)
    await settle()
    expect(world.devices.command(command.id)?.state).toBe('acknowledged')
    client.publish(`devices/bench-1/outcomes/${command.id}`, { state: 'done', result: { percent: 79 } })
    await settle()
    expect(client.last('puback')?.messageId).toBe(1)
    expect(world.devices.command(command.id)).toMatchObject({ state: 'done', outcome: { percent: 79 } })
    expect(await records(world)).toEqual(
      ['requested', 'sent', 'acknowledged', 'done'].map((state) => ['bench-1', `millrace.command.${state}`]),
    )
    expect(world.devices.counters.commandsSent).toBe(1)
  })

  test('fails with the reason that the device gives', async () => {
    await using world = await deviceWorld()
    const client = await listening(world, version)
    const { id } = await world.devices.send(draft())
    await settle()
    client.publish(`devices/bench-1/outcomes/${id}`, { state: 'failed', reason: 'the vent is stuck' })
    await settle()
    expect(world.devices.command(id)).toMatchObject({ state: 'failed', outcome: 'the vent is stuck' })
  })

  test('is sent to nobody before it is durable', async () => {
    await using world = await deviceWorld()
    const client = await listening(world, version)
    world.gate.hold('millrace.commands')
    const sending = world.devices.send(draft())
    await settle()
    client.subscribe('devices/bench-1/#', 1, 78)
    await settle()
    expect(client.messages).toEqual([])
    await world.gate.open()
    expect((await sending).state).toBe('queued')
    await settle()
    expect(client.messages).toHaveLength(1)
  })

  test('waits for its device, and for a subscription that matches it', async () => {
    await using world = await deviceWorld()
    await world.devices.send(draft())
    const client = await world.device('bench-1', version)
    expect(client.messages).toEqual([])
    client.subscribe('devices/bench-1/commands/close-vent')
    await settle()
    expect(client.messages).toEqual([])
    client.subscribe(FILTER)
    await settle()
    expect(client.messages).toHaveLength(1)
  })

  test('survives a restart of the server', async () => {
    await using world = await deviceWorld()
    const { id } = await world.devices.send(draft())
    await world.restart()
    expect(world.devices.command(id)).toMatchObject({ state: 'queued', data: { percent: 80 } })
    const client = await listening(world, version)
    expect(client.messages).toHaveLength(1)
    acknowledge(client)
    await settle()
    await world.restart()
    expect(world.devices.command(id)?.state).toBe('acknowledged')
    await listening(world, version)
    expect(world.devices.commandsOf('bench-1')).toHaveLength(1)
  })

  test('that was sent and not acknowledged is sent again to the next connection, and once only', async () => {
    await using world = await deviceWorld()
    const lasting = { clean: false, ...(version === 5 ? { properties: { sessionExpiryInterval: 60 } } : {}) }
    const first = await listening(world, version, lasting)
    await world.devices.send(draft())
    await settle()
    const messageId = first.last('publish')?.messageId
    first.connection.destroy()
    const second = await world.device('bench-1', version, lasting)
    expect(second.all('publish')).toMatchObject([{ dup: true, messageId }])
    second.connection.destroy()
    const third = await listening(world, version)
    expect(third.all('publish')).toMatchObject([{ dup: false }])
  })

  test('that was sent is not sent again after its deadline', async () => {
    await using world = await deviceWorld()
    const lasting = { clean: false, ...(version === 5 ? { properties: { sessionExpiryInterval: 60 } } : {}) }
    const first = await listening(world, version, lasting)
    await world.devices.send(draft({ deadlineMs: 5_000 }))
    await settle()
    first.connection.destroy()
    world.runtime.jumpWallClock(10_000)
    const second = await world.device('bench-1', version, lasting)
    expect(second.messages).toEqual([])
  })

  test('expires when its deadline passes before it is acknowledged, and is never sent after', async () => {
    await using world = await deviceWorld()
    const { id } = await world.devices.send(draft({ deadlineMs: 5_000 }))
    await world.runtime.advance(6_000)
    expect(world.devices.command(id)?.state).toBe('expired')
    const client = await listening(world, version)
    expect(client.messages).toEqual([])
    expect(world.devices.counters.commandsExpired).toBe(1)
    expect(await records(world)).toContainEqual(['bench-1', 'millrace.command.expired'])
  })

  test('is not sent after its deadline even if the clock has jumped and no timer has run', async () => {
    await using world = await deviceWorld()
    await world.devices.send(draft({ deadlineMs: 5_000 }))
    world.runtime.jumpWallClock(10_000)
    const client = await listening(world, version)
    expect(client.messages).toEqual([])
  })

  test('that expired while the server was down is not sent by the next', async () => {
    await using world = await deviceWorld()
    const { id } = await world.devices.send(draft({ deadlineMs: 5_000 }))
    await world.devices.close()
    await world.runtime.advance(10_000)
    await world.restart()
    const client = await listening(world, version)
    await world.runtime.advance(1_000)
    expect(client.messages).toEqual([])
    expect(world.devices.command(id)?.state).toBe('expired')
  })

  test('that was acknowledged in time does not expire', async () => {
    await using world = await deviceWorld()
    const client = await listening(world, version)
    const { id } = await world.devices.send(draft({ deadlineMs: 5_000 }))
    await settle()
    acknowledge(client)
    await world.runtime.advance(20_000)
    expect(world.devices.command(id)?.state).toBe('acknowledged')
    client.publish(`devices/bench-1/outcomes/${id}`, { state: 'done' })
    await settle()
    expect(world.devices.command(id)?.state).toBe('done')
  })

  test('whose outcome is on its way to the disk when the deadline passes has one end', async () => {
    await using world = await deviceWorld()
    const client = await listening(world, version)
    const { id } = await world.devices.send(draft({ deadlineMs: 1_000 }))
    await world.runtime.advance(500)
    world.gate.hold('millrace.commands')
    client.publish(`devices/bench-1/outcomes/${id}`, { state: 'done' })
    client.publish(`devices/bench-1/outcomes/${id}`, { state: 'failed' })
    await world.runtime.advance(2_000)
    expect(world.devices.command(id)?.state).toBe('sent')
    await world.gate.open()
    expect(world.devices.command(id)?.state).toBe('done')
    expect(client.all('puback')).toHaveLength(2)
    const types = (await records(world)).map(([, type]) => type)
    expect(types).toEqual(['millrace.command.requested', 'millrace.command.sent', 'millrace.command.done'])
  })

  test('whose outcome cannot be kept expires if its deadline has passed meanwhile', async () => {
    await using world = await deviceWorld()
    const client = await listening(world, version)
    const { id } = await world.devices.send(draft({ deadlineMs: 1_000 }))
    await world.runtime.advance(500)
    world.gate.hold('millrace.commands')
    client.publish(`devices/bench-1/outcomes/${id}`, { state: 'done' })
    await world.runtime.advance(2_000)
    world.gate.fail('millrace.commands', millraceError('DISK_FULL', { path: 'log' }))
    await world.gate.open()
    await world.runtime.advance(1_500)
    expect(world.devices.command(id)?.state).toBe('expired')
  })

  test('is one of many that keep their order', async () => {
    await using world = await deviceWorld()
    const client = await listening(world, version)
    await Promise.all(Array.from({ length: 30 }, (_, index) => world.devices.send(draft({ data: index }))))
    await settle()
    expect(client.messages.map(({ text }) => JSON.parse(text).data)).toEqual(
      Array.from({ length: 30 }, (_, i) => i),
    )
  })

  test('sent to a subscription with QoS 0 cannot be acknowledged, but can be done', async () => {
    await using world = await deviceWorld()
    const client = await world.device('bench-1', version)
    client.subscribe(FILTER, 0)
    const { id } = await world.devices.send(draft())
    await settle()
    expect(client.messages).toMatchObject([{ qos: 0 }])
    expect(world.devices.command(id)?.state).toBe('sent')
    client.publish(`devices/bench-1/outcomes/${id}`, { state: 'done' })
    await settle()
    expect(world.devices.command(id)?.state).toBe('done')
  })

  test('whose outcome cannot be kept is not acknowledged as done', async () => {
    await using world = await deviceWorld()
    const client = await listening(world, version)
    const { id } = await world.devices.send(draft())
    await settle()
    acknowledge(client)
    await world.runtime.advance(100)
    world.gate.fail('millrace.commands', millraceError('BUS_CLOSED', {}))
    client.publish(`devices/bench-1/outcomes/${id}`, { state: 'done' })
    await settle()
    expect(client.last('puback')).toBeUndefined()
    expect(client.isClosed).toBe(true)
    expect(world.devices.command(id)?.state).toBe('acknowledged')
  })
})

describe('The same command', () => {
  test('sent again with its id is taken once', async () => {
    await using world = await deviceWorld()
    const client = await listening(world)
    const [one, two] = await Promise.all([
      world.devices.send(draft(), { id: 'c-1' }),
      world.devices.send(draft(), { id: 'c-1' }),
    ])
    await settle()
    expect(two).toEqual(one)
    acknowledge(client)
    await settle()
    expect(await world.devices.send(draft(), { id: 'c-1' })).toMatchObject({
      id: 'c-1',
      state: 'acknowledged',
    })
    expect(client.messages).toHaveLength(1)
  })

  test('sent again with its idempotency key is taken once, and another key or device is another command', async () => {
    await using world = await deviceWorld()
    const one = await world.devices.send(draft({ idempotencyKey: 'k' }))
    expect((await world.devices.send(draft({ idempotencyKey: 'k', data: 0 }))).id).toBe(one.id)
    expect((await world.devices.send(draft({ idempotencyKey: 'l' }))).id).not.toBe(one.id)
    expect((await world.devices.send(draft({ idempotencyKey: 'k', device: 'bench-2' }))).id).not.toBe(one.id)
    expect(world.devices.commandsOf('bench-1')).toHaveLength(2)
  })

  test('sent again after a restart is taken once', async () => {
    await using world = await deviceWorld()
    const client = await listening(world)
    await world.devices.send(draft({ idempotencyKey: 'k' }), { id: 'c-1' })
    await settle()
    client.publish('devices/bench-1/outcomes/c-1', { state: 'done' })
    await settle()
    await world.restart()
    expect(await world.devices.send(draft(), { id: 'c-1' })).toMatchObject({ state: 'done' })
    expect(await world.devices.send(draft({ idempotencyKey: 'k' }))).toMatchObject({
      id: 'c-1',
      state: 'done',
    })
  })

  test('that nobody remembers but the bus is looked up there', async () => {
    await using world = await deviceWorld({ limits: { finishedCommandsPerDeviceMax: 0 } })
    const client = await listening(world)
    await world.devices.send(draft(), { id: 'c-1' })
    await settle()
    client.publish('devices/bench-1/outcomes/c-1', { state: 'done', result: 7 })
    await settle()
    acknowledge(client)
    expect(world.devices.command('c-1')).toBeUndefined()
    expect(await world.devices.send(draft(), { id: 'c-1' })).toMatchObject({ state: 'done', outcome: 7 })
    expect(client.messages).toHaveLength(1)
  })
})

describe('What cannot be a command is refused', () => {
  test.each([
    ['a device id with a slash', draft({ device: 'a/b' }), 'DEVICE_ID_INVALID'],
    ['an empty name', draft({ name: '' }), 'COMMAND_INVALID'],
    ['a name with a wildcard', draft({ name: 'a+' }), 'COMMAND_INVALID'],
    ['no time at all', draft({ deadlineMs: 0 }), 'COMMAND_INVALID'],
    ['a deadline in months', draft({ deadlineMs: 1e10 }), 'COMMAND_INVALID'],
    ['data that JSON does not know', draft({ data: 1n }), 'COMMAND_INVALID'],
    ['too much data', draft({ data: 'x'.repeat(300_000) }), 'COMMAND_INVALID'],
    ['an empty idempotency key', draft({ idempotencyKey: '' }), 'COMMAND_INVALID'],
  ])('%s', async (_, given, code) => {
    await using world = await deviceWorld()
    await expect(world.devices.send(given)).rejects.toMatchObject({ code })
  })

  test('more unfinished ones than the quota of the device', async () => {
    await using world = await deviceWorld({ limits: { commandsPerDeviceMax: 2 } })
    await world.devices.send(draft())
    await world.devices.send(draft())
    await expect(world.devices.send(draft())).rejects.toMatchObject({ code: 'COMMAND_QUEUE_FULL' })
    await world.devices.send(draft({ device: 'bench-2' }))
    const client = await listening(world)
    acknowledge(client)
    await settle()
    await world.devices.send(draft())
  })

  test('one that the bus cannot take, and it leaves nothing behind', async () => {
    await using world = await deviceWorld()
    const client = await listening(world)
    world.gate.fail('millrace.commands', millraceError('BUS_CLOSED', {}))
    await expect(world.devices.send(draft(), { id: 'c-1' })).rejects.toMatchObject({ code: 'BUS_CLOSED' })
    world.gate.fail('millrace.commands', undefined)
    expect(world.devices.commandsOf('bench-1')).toEqual([])
    await world.devices.send(draft(), { id: 'c-1' })
    await settle()
    expect(client.messages).toHaveLength(1)
  })
})

test('an MQTT 5 device gets the time that is left, where to answer, and the id as correlation data', async () => {
  await using world = await deviceWorld()
  await world.devices.send(draft({ deadlineMs: 10_000 }), { id: 'c-1' })
  await world.runtime.advance(4_000)
  const client = await listening(world)
  const properties = client.last('publish')?.properties
  expect(properties).toMatchObject({
    messageExpiryInterval: 6,
    contentType: 'application/json',
    responseTopic: 'devices/bench-1/outcomes/c-1',
  })
  expect(properties?.correlationData?.toString()).toBe('c-1')
})

test('no more commands are unacknowledged than the receive maximum of the device [MQTT-3.3.4-9]', async () => {
  await using world = await deviceWorld()
  const client = await listening(world, 5, { properties: { receiveMaximum: 2 } })
  for (let index = 0; index < 5; index += 1) await world.devices.send(draft({ data: index }))
  await settle()
  expect(client.messages).toHaveLength(2)
  acknowledge(client)
  await settle()
  expect(client.messages).toHaveLength(3)
})

test('a command larger than the device takes fails with that reason [MQTT-3.1.2-24]', async () => {
  await using world = await deviceWorld()
  const client = await listening(world, 5, { properties: { maximumPacketSize: 300 } })
  const big = await world.devices.send(draft({ data: 'x'.repeat(400) }))
  await world.devices.send(draft())
  await settle()
  expect(client.messages).toHaveLength(1)
  expect(world.devices.command(big.id)).toMatchObject({ state: 'failed' })
})

test('a PUBACK that says no fails the command with the reason code (MQTT 5, section 3.4.2.1)', async () => {
  await using world = await deviceWorld()
  const client = await listening(world)
  const { id } = await world.devices.send(draft())
  await settle()
  client.send({ cmd: 'puback', messageId: client.last('publish')?.messageId ?? 0, reasonCode: 0x83 })
  await settle()
  expect(world.devices.command(id)).toMatchObject({
    state: 'failed',
    outcome: expect.stringContaining('0x83'),
  })
})

test.each([
  ['of a command that is not known', 'c-9', { state: 'done' }, 0x90],
  ['in no known form', 'c-1', { state: 'perhaps' }, 0x99],
])('an outcome %s is refused and kept as a dead letter', async (_, id, payload, reasonCode) => {
  await using world = await deviceWorld()
  const client = await listening(world)
  await world.devices.send(draft(), { id: 'c-1' })
  client.publish(`devices/bench-1/outcomes/${id}`, payload)
  await settle()
  expect(client.last('puback')?.reasonCode).toBe(reasonCode)
  expect(await world.messages('millrace.refused.dead-letters')).toHaveLength(1)
})

test('a device cannot answer for another one', async () => {
  await using world = await deviceWorld()
  await world.devices.send(draft({ device: 'bench-2' }), { id: 'c-2' })
  const client = await world.device('bench-1')
  client.publish('devices/bench-1/outcomes/c-2', { state: 'done' })
  await settle()
  expect(client.last('puback')?.reasonCode).toBe(0x90)
  expect(world.devices.command('c-2')?.state).toBe('queued')
})

test('an outcome that is repeated is acknowledged again and changes nothing', async () => {
  await using world = await deviceWorld()
  const client = await listening(world)
  await world.devices.send(draft(), { id: 'c-1' })
  await settle()
  client.publish('devices/bench-1/outcomes/c-1', { state: 'done', result: 1 })
  await settle()
  client.publish('devices/bench-1/outcomes/c-1', { state: 'failed' }, { messageId: 2 })
  await settle()
  expect(client.all('puback').map(({ reasonCode }) => reasonCode)).toEqual([0, 0])
  expect(world.devices.command('c-1')).toMatchObject({ state: 'done', outcome: 1 })
})

test('transitions wait for a bus that is full for a while and are written then', async () => {
  await using world = await deviceWorld()
  const client = await listening(world)
  await world.devices.send(draft())
  world.gate.fail('millrace.commands', millraceError('QUEUE_FULL', { queue: 'disk', seen: '1', limit: '1' }))
  await settle()
  acknowledge(client)
  await world.runtime.advance(500)
  world.gate.fail('millrace.commands', undefined)
  await world.runtime.advance(3_000)
  expect((await records(world)).map(([, type]) => type)).toEqual(
    expect.arrayContaining(['millrace.command.sent', 'millrace.command.acknowledged']),
  )
})

test('finished commands are remembered up to a number, newest first', async () => {
  await using world = await deviceWorld({ limits: { finishedCommandsPerDeviceMax: 2 } })
  const client = await listening(world)
  for (const id of ['c-1', 'c-2', 'c-3']) {
    await world.devices.send(draft(), { id })
    await settle()
    client.publish(`devices/bench-1/outcomes/${id}`, { state: 'done' })
    await settle()
  }
  expect(world.devices.commandsOf('bench-1').map(({ id }) => id)).toEqual(['c-3', 'c-2'])
})

test('the outlet for actors takes all commands, durable on return, and repeats are one', async () => {
  await using world = await deviceWorld()
  const client = await listening(world)
  const outlet = commandOutlet(world.devices)
  const commands = [
    { id: 'a-1', draft: draft({ data: 1 }) },
    { id: 'a-2', draft: draft({ data: 2 }) },
  ]
  await outlet.send(commands)
  await outlet.send(commands)
  await settle()
  expect(client.messages.map(({ text }) => JSON.parse(text).id)).toEqual(['a-1', 'a-2'])
})
