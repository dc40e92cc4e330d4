import { eventToMessage } from '@millrace/bus'
import type { Command } from '@millrace/devices'
import { millraceError, settle } from '@millrace/kernel'
import { expect, test } from 'vitest'
import { requestMessage, transitionMessage } from '../src/commands/command-events.ts'
import { type DeviceWorld, deviceWorld } from './device-world.ts'
import type { MqttClient } from './mqtt-client.ts'

const COMMANDS = 'millrace.commands'
const draft = { kind: 'command-draft', device: 'bench-1', name: 'open', data: 1 } as const
const full = millraceError('DISK_FULL', { path: 'log' })

async function listening(world: DeviceWorld): Promise<MqttClient> {
  const client = await world.device('bench-1')
  client.subscribe('devices/bench-1/commands/+')
  await settle()
  return client
}

/** Sends a command and lets the device acknowledge it. */
async function acknowledged(world: DeviceWorld, client: MqttClient, id: string): Promise<void> {
  await world.devices.send(draft, { id })
  await settle()
  client.send({ cmd: 'puback', messageId: client.last('publish')?.messageId ?? 0 })
  await settle()
}

async function report(client: MqttClient, id: string, outcome: object = { state: 'done' }) {
  client.publish(`devices/bench-1/outcomes/${id}`, outcome)
  await settle()
  return client.last('puback')?.reasonCode
}

const stateOf = (world: DeviceWorld, id: string) => world.devices.command(id)?.state

/** The ends that the topic holds, in order. */
async function ends(world: DeviceWorld): Promise<readonly (string | undefined)[]> {
  await world.runtime.advance(100)
  const messages = await world.messages(COMMANDS)
  return messages
    .map(({ headers }) => headers.ce_id)
    .filter((id) => id?.endsWith('.done') || id?.endsWith('.failed'))
}

/** More records than a start folds again for the sake of history. */
async function fillHistory(world: DeviceWorld): Promise<void> {
  const other = { id: 'x', type: 'other', source: '/other', time: '2026-01-01T00:00:00.000Z', data: {} }
  const { headers, value } = eventToMessage(other)
  const batch = Array.from({ length: 1_000 }, () => ({ headers, value }))
  for (let count = 0; count < 21; count += 1) await world.bus.publish(COMMANDS, batch)
}

test('a command whose device reports no outcome in time fails with that reason, for good, and is counted', async () => {
  await using world = await deviceWorld({ limits: { outcomeMsMax: 10_000 } })
  const client = await listening(world)
  await acknowledged(world, client, 'c-1')
  await world.runtime.advance(9_999)
  expect(stateOf(world, 'c-1')).toBe('acknowledged')
  await world.runtime.advance(1_000)
  expect(world.devices.command('c-1')).toMatchObject({
    state: 'failed',
    outcome: 'the device reported no outcome within 10000 ms of its acknowledgement',
  })
  expect(world.devices.counters).toMatchObject({ commandsWithoutOutcome: 1, commandsExpired: 0 })
  expect(await report(client, 'c-1')).toBe(0)
  expect(await ends(world)).toEqual(['c-1.failed'])
  expect(stateOf(world, 'c-1')).toBe('failed')
})

test('the time for the outcome runs from the acknowledgement, also over a restart', async () => {
  await using world = await deviceWorld({ limits: { outcomeMsMax: 10_000 } })
  await acknowledged(world, await listening(world), 'c-1')
  await world.runtime.advance(9_000)
  await world.restart()
  expect(stateOf(world, 'c-1')).toBe('acknowledged')
  await world.runtime.advance(2_000)
  expect(stateOf(world, 'c-1')).toBe('failed')
  await world.restart()
  expect(stateOf(world, 'c-1')).toBe('failed')
})

test('of more acknowledged commands than a device may have the oldest fails, and the others can still end', async () => {
  await using world = await deviceWorld({ limits: { commandsPerDeviceMax: 2 } })
  const client = await listening(world)
  for (const id of ['c-1', 'c-2', 'c-3']) await acknowledged(world, client, id)
  await world.runtime.advance(100)
  expect(world.devices.command('c-1')).toMatchObject({
    state: 'failed',
    outcome: 'the device reported no outcome, and more than 2 of its commands wait for one',
  })
  expect(world.devices.counters.commandsWithoutOutcome).toBe(1)
  expect(await report(client, 'c-1')).toBe(0)
  expect(await report(client, 'c-2')).toBe(0)
  expect(await report(client, 'c-3')).toBe(0)
  expect(await ends(world)).toEqual(['c-1.failed', 'c-2.done', 'c-3.done'])
})

test('a device that never reports an outcome can be sent commands for ever', async () => {
  await using world = await deviceWorld({ limits: { commandsPerDeviceMax: 2 } })
  const client = await listening(world)
  for (let index = 1; index <= 10; index += 1) await acknowledged(world, client, `c-${index}`)
  expect(await ends(world)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((index) => `c-${index}.failed`))
  expect(['c-9', 'c-10'].map((id) => stateOf(world, id))).toEqual(['acknowledged', 'acknowledged'])
})

test('an acknowledged command is known after a restart however many records have come since', async () => {
  await using world = await deviceWorld()
  const client = await listening(world)
  await acknowledged(world, client, 'c-1')
  await fillHistory(world)
  await acknowledged(world, client, 'c-2')
  await report(client, 'c-2')
  await world.restart()
  expect(stateOf(world, 'c-1')).toBe('acknowledged')
  const again = await listening(world)
  expect(again.messages).toEqual([])
  expect(await report(again, 'c-1', { state: 'done', result: 7 })).toBe(0)
  expect(world.devices.command('c-1')).toMatchObject({ state: 'done', outcome: 7 })
})

test('an outcome that comes while the end without one is on its way changes nothing', async () => {
  await using world = await deviceWorld({ limits: { outcomeMsMax: 1_000 } })
  const client = await listening(world)
  await acknowledged(world, client, 'c-1')
  await world.runtime.advance(500)
  world.gate.hold(COMMANDS)
  await world.runtime.advance(1_000)
  expect(await report(client, 'c-1')).toBeUndefined()
  expect(stateOf(world, 'c-1')).toBe('acknowledged')
  await world.gate.open()
  expect(client.last('puback')?.reasonCode).toBe(0)
  expect(stateOf(world, 'c-1')).toBe('failed')
  expect(await ends(world)).toEqual(['c-1.failed'])
})

test('an outcome that is on its way when the time is over stands', async () => {
  await using world = await deviceWorld({ limits: { outcomeMsMax: 1_000 } })
  const client = await listening(world)
  await acknowledged(world, client, 'c-1')
  await world.runtime.advance(500)
  world.gate.hold(COMMANDS)
  await report(client, 'c-1')
  await world.runtime.advance(1_000)
  await world.gate.open()
  await world.runtime.advance(5_000)
  expect(await ends(world)).toEqual(['c-1.done'])
  expect(world.devices.counters.commandsWithoutOutcome).toBe(0)
})

test.each([
  ['the time is over', { outcomeMsMax: 1_000 }],
  ['there are too many', { commandsPerDeviceMax: 1 }],
])(
  'an end without an outcome that cannot be kept when %s is written as soon as it can',
  async (_, limits) => {
    await using world = await deviceWorld({ limits })
    const client = await listening(world)
    await acknowledged(world, client, 'c-1')
    await world.runtime.advance(500)
    await acknowledged(world, client, 'c-2')
    world.gate.fail(COMMANDS, full)
    await world.runtime.advance(5_000)
    expect(stateOf(world, 'c-1')).toBe('acknowledged')
    world.gate.fail(COMMANDS, undefined)
    await world.runtime.advance(2_000)
    expect(stateOf(world, 'c-1')).toBe('failed')
    expect((await ends(world)).filter((id) => id === 'c-1.failed')).toHaveLength(1)
  },
)

test('an outcome that is on its way when its command becomes one too many stands', async () => {
  await using world = await deviceWorld({ limits: { commandsPerDeviceMax: 1 } })
  const client = await listening(world)
  await acknowledged(world, client, 'c-1')
  await world.devices.send(draft, { id: 'c-2' })
  await world.runtime.advance(100)
  const messageId = client.last('publish')?.messageId ?? 0
  world.gate.hold(COMMANDS)
  await report(client, 'c-1')
  client.send({ cmd: 'puback', messageId })
  await world.runtime.advance(100)
  await world.gate.open()
  expect(await ends(world)).toEqual(['c-1.done'])
  expect(world.devices.counters.commandsWithoutOutcome).toBe(0)
})

test('a limit that is lower after a restart holds for the commands that are there', async () => {
  const limits = { commandsPerDeviceMax: 2 }
  await using world = await deviceWorld({ limits })
  const client = await listening(world)
  await acknowledged(world, client, 'c-1')
  await acknowledged(world, client, 'c-2')
  limits.commandsPerDeviceMax = 1
  await world.restart()
  expect(await ends(world)).toEqual(['c-1.failed'])
})

test('an end stands although the acknowledgement was written down after it', async () => {
  await using world = await deviceWorld({ limits: { finishedCommandsPerDeviceMax: 0 } })
  const client = await listening(world)
  await world.devices.send(draft, { id: 'c-1' })
  await world.runtime.advance(100)
  world.gate.fail(COMMANDS, full)
  client.send({ cmd: 'puback', messageId: client.last('publish')?.messageId ?? 0 })
  await world.runtime.advance(100)
  world.gate.fail(COMMANDS, undefined)
  await report(client, 'c-1')
  await world.runtime.advance(2_000)
  const types = (await world.messages(COMMANDS)).map(({ headers }) => headers.ce_type?.split('.').at(-1))
  expect(types).toEqual(['requested', 'sent', 'done', 'acknowledged'])
  expect(await world.devices.send(draft, { id: 'c-1' })).toMatchObject({ state: 'done' })
})

test('an acknowledged command that only the bus remembers is taken up again when it is asked for again', async () => {
  await using world = await deviceWorld()
  const client = await listening(world)
  const nowMs = world.runtime.clock.now()
  const command: Command = {
    ...draft,
    id: 'c-1',
    state: 'queued',
    createdAtMs: nowMs,
    deadlineAtMs: nowMs + 1_000,
    changedAtMs: nowMs,
  }
  const acknowledgement = transitionMessage({ ...command, state: 'acknowledged' })
  await world.bus.publish(COMMANDS, [requestMessage(command), acknowledgement])
  expect(await world.devices.send(draft, { id: 'c-1' })).toMatchObject({ state: 'acknowledged' })
  expect(client.messages).toEqual([])
  expect(await report(client, 'c-1')).toBe(0)
  expect(stateOf(world, 'c-1')).toBe('done')
})

test('an outcome that is repeated is taken although its command has been forgotten, also over a restart', async () => {
  await using world = await deviceWorld({ limits: { finishedCommandsPerDeviceMax: 1 } })
  const client = await listening(world)
  for (const id of ['c-1', 'c-2']) {
    await acknowledged(world, client, id)
    await report(client, id)
  }
  expect(stateOf(world, 'c-1')).toBeUndefined()
  expect(await report(client, 'c-1')).toBe(0)
  await world.restart()
  const again = await listening(world)
  expect(await report(again, 'c-1')).toBe(0)
  expect(await ends(world)).toEqual(['c-1.done', 'c-2.done'])
  const stranger = await world.device('bench-2')
  stranger.publish('devices/bench-2/outcomes/c-1', { state: 'done' })
  await settle()
  expect(stranger.last('puback')?.reasonCode).toBe(0x90)
  expect(await world.messages('millrace.refused.dead-letters')).toHaveLength(1)
})
