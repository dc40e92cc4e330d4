import { type Devices, deviceKeys, openDevices } from '@millrace/devices'
import { type AcknowledgedEvent, runLoad, simulateDevice } from '@millrace/fleet'
import { event } from '@millrace/kernel'
import { memoryBus } from '@millrace/memory'
import { nodeRuntime } from '@millrace/node'
import { tcpListener } from '@millrace/tcp'
import { describe, expect, test, vi } from 'vitest'
import * as z from 'zod'

const Reading = event('reading', z.object({ index: z.number() }))
const LIMIT = { timeout: 10_000, interval: 2 }
const runtime = nodeRuntime()

/** A server on a port that stays the same over restarts. */
async function server(options: { readonly secured?: boolean } = {}) {
  const bus = memoryBus({ runtime })
  const keys = deviceKeys(new Uint8Array(32).fill(9))
  const authentication = options.secured === true ? keys : ('anonymous' as const)
  const open = (port: number) =>
    openDevices({
      bus,
      runtime,
      listener: tcpListener({ host: '127.0.0.1', port }),
      eventTypes: [Reading],
      authentication,
    })
  let devices: Devices = await open(0)
  const { port } = devices.address
  return {
    bus,
    keys,
    url: `mqtt://127.0.0.1:${port}`,
    get devices() {
      return devices
    },
    async restart() {
      await devices.close()
      devices = await open(port)
    },
    readings: async () => {
      const messages = await bus.read({ topic: 'reading', partition: 0, offset: 0 }, { countMax: 100_000 })
      return messages.map(({ key, headers, value }) => ({
        device: key,
        id: headers.ce_id,
        index: JSON.parse(new TextDecoder().decode(value)).index as number,
      }))
    },
    async [Symbol.asyncDispose]() {
      await devices.close()
      await bus.close()
    },
  }
}

describe.each(['3.1.1', '5'] as const)('A simulated device with MQTT %s', (protocol) => {
  test('publishes, and executes commands once', async () => {
    await using world = await server({ secured: true })
    const executed: unknown[] = []
    await using device = await simulateDevice({
      url: world.url,
      device: 'bench-1',
      password: world.keys.passwordOf('bench-1'),
      protocol,
      onCommand: ({ name, data }) => {
        executed.push([name, data])
        return 'fine'
      },
    })
    expect(device.isConnected).toBe(true)
    await device.publish('reading', { index: 0 })
    expect(await world.readings()).toMatchObject([{ device: 'bench-1', index: 0 }])
    const { id } = await world.devices.send({
      kind: 'command-draft',
      device: 'bench-1',
      name: 'open',
      data: 1,
    })
    await vi.waitFor(
      () => expect(world.devices.command(id)).toMatchObject({ state: 'done', outcome: 'fine' }),
      LIMIT,
    )
    expect(executed).toEqual([['open', 1]])
  })

  test('reports what its handler throws', async () => {
    await using world = await server()
    const onCommand = () => {
      throw new Error('stuck')
    }
    await using _ = await simulateDevice({ url: world.url, device: 'bench-1', protocol, onCommand })
    const { id } = await world.devices.send({
      kind: 'command-draft',
      device: 'bench-1',
      name: 'open',
      data: 1,
    })
    await vi.waitFor(
      () => expect(world.devices.command(id)).toMatchObject({ state: 'failed', outcome: 'stuck' }),
      LIMIT,
    )
  })

  test('is refused without its password', async () => {
    await using world = await server({ secured: true })
    await expect(simulateDevice({ url: world.url, device: 'bench-1', protocol })).rejects.toThrow(
      /not authorized/i,
    )
  })
})

test('publications survive lost connections: all are acknowledged, once each, in order', async () => {
  await using world = await server()
  await using device = await simulateDevice({ url: world.url, device: 'bench-1' })
  const published: Promise<unknown>[] = []
  for (let index = 0; index < 300; index += 1) {
    published.push(device.publish('reading', { index }))
    if (index % 60 === 30) device.drop()
    if (index % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(published)
  expect(device.connections).toBeGreaterThan(1)
  expect((await world.readings()).map(({ index }) => index)).toEqual(
    Array.from({ length: 300 }, (_, index) => index),
  )
})

test('publications survive a restart of the server, and the device is back by itself', async () => {
  await using world = await server()
  await using device = await simulateDevice({ url: world.url, device: 'bench-1' })
  await device.publish('reading', { index: 0 })
  const restarting = world.restart()
  const published = device.publish('reading', { index: 1 })
  await restarting
  await published
  expect((await world.readings()).map(({ index }) => index)).toEqual([0, 1])
})

test('a device whose server is gone can be closed', async () => {
  await using world = await server()
  const device = await simulateDevice({ url: world.url, device: 'bench-1' })
  await world.devices.close()
  await vi.waitFor(() => expect(device.isConnected).toBe(false), LIMIT)
  await device.close()
})

test('an event that the server refuses rejects, and those behind it go on', async () => {
  await using world = await server()
  await using device = await simulateDevice({ url: world.url, device: 'bench-1' })
  const bad = device.publish('reading', { index: 'x' })
  const good = device.publish('reading', { index: 1 })
  await expect(bad).rejects.toThrow(/payload format/i)
  await good
})

test('an aborted device is gone, and a device that finds nobody can be aborted', async () => {
  await using world = await server()
  const controller = new AbortController()
  await simulateDevice({ url: world.url, device: 'bench-1', signal: controller.signal })
  controller.abort()
  await vi.waitFor(() => expect(world.devices.sessions()).toEqual([]), LIMIT)
  const signal = AbortSignal.timeout(300)
  await expect(simulateDevice({ url: 'mqtt://127.0.0.1:1', device: 'bench-1', signal })).rejects.toThrow()
})

test('a load is acknowledged as a whole, and its latencies are counted from when each event was due', async () => {
  await using world = await server()
  const acknowledged: AcknowledgedEvent[] = []
  const report = await runLoad({
    url: world.url,
    devices: 5,
    ratePerSecond: 200,
    seconds: 1,
    eventType: 'reading',
    onAcknowledged: (one) => acknowledged.push(one),
  })
  expect(report).toMatchObject({
    devices: 5,
    published: 200,
    acknowledged: 200,
    unacknowledged: 0,
    connections: 5,
  })
  expect(report.publishToAcknowledged.count).toBe(200)
  expect(report.publishToAcknowledged.p50Ms).toBeGreaterThan(0)
  const stored = new Set((await world.readings()).map(({ id }) => id))
  expect(acknowledged.every(({ id }) => stored.has(id))).toBe(true)
})

test('a load measures the way from publication to command', async () => {
  await using world = await server()
  const subscription = await world.bus.subscribe({ group: 'decide', topics: ['reading'] })
  const controller = new AbortController()
  const deciding = (async () => {
    for (;;) {
      for (const { key = '', headers } of await subscription.next({ signal: controller.signal })) {
        const cause = headers.ce_id
        await world.devices.send({ kind: 'command-draft', device: key, name: 'open', data: { cause } })
      }
    }
  })().catch(() => undefined)
  const report = await runLoad({
    url: world.url,
    devices: 2,
    ratePerSecond: 50,
    seconds: 1,
    eventType: 'reading',
  })
  controller.abort()
  await deciding
  expect(report.commandsReceived).toBe(50)
  expect(report.publishToCommand.count).toBe(50)
})
