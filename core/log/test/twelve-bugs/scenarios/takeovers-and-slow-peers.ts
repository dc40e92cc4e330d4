import assert from 'node:assert/strict'
import { type Bus, openLogBus } from '@millrace/bus'
import { type ManualRuntime, manualRuntime, settle } from '@millrace/kernel'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import { Device, tierOn } from '../machinery/device.ts'
import { does } from '../machinery/small-log.ts'

/**
 * What concerns the bus and the devices of one process today: the older of two is refused by the resource itself, what
 * was under way at a takeover is delivered, and one who does not read stops nobody. Sessions that move between
 * processes, their registry, and storms of connections come with the cluster.
 */

const decoder = new TextDecoder()
const message = (text: string) => ({ headers: {}, value: new TextEncoder().encode(text) })

function busOn(files: MemoryFiles, runtime: ManualRuntime): Promise<Bus> {
  return does('the bus opens', openLogBus({ files, runtime }))
}

async function textsOf(bus: Bus): Promise<string[]> {
  const messages = await does('it is read', bus.read({ topic: 't', partition: 0, offset: 0 }))
  return messages.map(({ value }) => decoder.decode(value))
}

/** The older writer has appends under way, and more to come, when a newer one takes over. */
async function theOlderWriterIsRefused(): Promise<void> {
  for (let turns = 0; turns < 40; turns += 1) {
    const bus = await busOn(memoryFiles(), manualRuntime())
    await bus.createTopic('t', { exclusive: true })
    const older = await bus.openWriter('t')
    const outcomes = ['o1', 'o2', 'o3'].map((text) => older.append([message(text)]).then(() => text))
    for (let turn = 0; turn < turns; turn += 1) await undefined
    const newer = await bus.openWriter('t')
    const seen = newer.endOffset
    const late = older.append([message('late')])
    await assert.rejects(late, { code: 'WRITER_FENCED' }, `${turns} turns`)
    await does('the newer one writes', newer.append([message('n1')], { expectedOffset: seen }))
    const taken = (await Promise.allSettled(outcomes)).flatMap((outcome) =>
      outcome.status === 'fulfilled' ? [outcome.value] : [],
    )
    assert.deepEqual(
      await textsOf(bus),
      [...taken, 'n1'],
      `${turns} turns: nothing of the older comes behind it`,
    )
    await bus.close()
  }
}

/** The epoch is durable before it is in force: a power cut does not bring the older one back. */
async function theEpochOutlivesAPowerCut(): Promise<void> {
  const files = memoryFiles()
  const bus = await busOn(files, manualRuntime())
  await bus.createTopic('t', { exclusive: true })
  const epochs = [(await bus.openWriter('t')).epoch, (await bus.openWriter('t')).epoch]
  const again = await busOn(files.afterCrash(), manualRuntime())
  epochs.push((await again.openWriter('t')).epoch)
  assert.deepEqual(epochs, [1, 2, 3])
}

/** A member that holds a partition and never asks; another group; another partition's member. */
async function aFrozenMemberStopsNobody(): Promise<void> {
  const bus = await busOn(memoryFiles(), manualRuntime())
  await bus.createTopic('t', { partitions: 2 })
  await bus.subscribe({ group: 'frozen', topics: ['t'] })
  const half = await bus.subscribe({ group: 'half', topics: ['t'] })
  await bus.subscribe({ group: 'half', topics: ['t'] })
  const lively = await bus.subscribe({ group: 'lively', topics: ['t'] })
  const sent: string[] = []
  for (let round = 0; round < 200; round += 1) {
    sent.push(`m${round}`)
    await does('it publishes', bus.publish('t', [{ ...message(`m${round}`), key: `${round % 9}` }]))
  }
  const got: string[] = []
  while (got.length < sent.length) {
    const messages = await does('it is read', lively.next({ countMax: 50 }))
    for (const { value } of messages) got.push(decoder.decode(value))
  }
  assert.deepEqual(got.toSorted(), sent.toSorted())
  const [own] = half.assigned()
  const messages = await does('it is read', half.next({ countMax: 1000 }))
  assert.ok(messages.length > 0 && messages.every(({ partition }) => partition === own?.partition))
  await does('it closes although some never ask', bus.close())
}

/** The older connection learns of its end before or after the newer one has begun, or never. */
async function aTakeoverKeepsTheSession(): Promise<void> {
  for (const end of ['cut', 'destroyed later', 'destroyed first'] as const) {
    const runtime = manualRuntime()
    const bus = await busOn(memoryFiles(), runtime)
    const tier = await tierOn(bus, runtime)
    const older = await Device.connect(tier, 'd')
    await older.subscribe('devices/d/notes')
    older.publish('devices/d/notes', 'under way', 1)
    await settle()
    if (end === 'cut') older.connection.cut()
    if (end === 'destroyed first') older.connection.destroy()
    const newer = await Device.connect(tier, 'd')
    if (end === 'destroyed later') older.connection.destroy()
    await runtime.advance(2000)
    assert.deepEqual(newer.texts, ['under way'], `${end}: what was under way has come`)
    newer.publish('devices/d/notes', 'new', 2)
    await settle()
    assert.deepEqual(newer.texts, ['under way', 'new'], `${end}: the session goes on`)
    assert.equal(newer.isClosed, false, end)
    assert.deepEqual(
      tier.devices.sessions().map(({ device }) => device),
      ['d'],
      `${end}: the late end of the older connection ends nothing of the newer one`,
    )
    await tier.devices.close()
  }
}

async function lastWordsAreSaidOnce(): Promise<void> {
  const payload = Buffer.from(JSON.stringify({ celsius: 0 }))
  const will = { topic: 'devices/d/events/greenhouse.reading', payload, qos: 1 as const, retain: false }
  const runtime = manualRuntime()
  const bus = await busOn(memoryFiles(), runtime)
  const tier = await tierOn(bus, runtime)
  const said = async () => (await bus.read({ topic: 'greenhouse.reading', partition: 0, offset: 0 })).length
  const older = await Device.connect(tier, 'd', { will: { ...will, properties: { willDelayInterval: 30 } } })
  const newer = await Device.connect(tier, 'd', { will })
  older.connection.destroy()
  await runtime.advance(60_000)
  assert.equal(await said(), 0, 'the device is there: nobody has died')
  newer.connection.destroy()
  await runtime.advance(60_000)
  assert.equal(await said(), 1, 'the last words of the newer connection, once')
  await tier.devices.close()
}

/** One that never reads, of many; and one whose credentials nobody answers. */
async function aFrozenDeviceStopsNobody(): Promise<void> {
  const runtime = manualRuntime()
  const bus = await busOn(memoryFiles(), runtime)
  const never = new Promise<boolean>(() => {})
  const tier = await tierOn(bus, runtime, {
    limits: { outboundBytesMax: 20_000 },
    authentication: { authenticate: ({ device }) => (device === 'unjudged' ? never : Promise.resolve(true)) },
  })
  const unjudged = await Device.connect(tier, 'unjudged')
  const frozen = await Device.connect(tier, 'frozen')
  await frozen.subscribe('devices/frozen/notes')
  frozen.connection.pauseReading()
  const others = await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const device = await Device.connect(tier, `d${index}`)
      await device.subscribe(`devices/d${index}/notes`)
      return device
    }),
  )
  for (let round = 0; round < 40; round += 1) {
    frozen.publish('devices/frozen/notes', 'x'.repeat(1000), 100 + round)
    for (const [index, device] of others.entries())
      device.publish(`devices/d${index}/notes`, `n${round}`, 1 + round)
    await settle()
    for (const device of others) device.acknowledge(`n${round}`)
  }
  await settle()
  for (const device of others) {
    assert.equal(device.all('puback').length, 40, 'everybody else is answered')
    assert.equal(device.texts.length, 40, 'and gets everything')
  }
  await runtime.advance(120_000)
  assert.equal(tier.devices.session('frozen'), undefined, 'who reads nothing is closed in the end')
  assert.equal(unjudged.isClosed, true, 'and so is who cannot be judged')
  assert.equal(tier.devices.sessions().length, 50)
  await does('it closes', tier.devices.close())
}

export const bug = {
  number: 12,
  title: 'Races at a takeover; one slow peer stops all',
  seenIn: ['EMQX #6396, #18565', 'Harper #1604', 'Aedes #192, #66, and its drainTimeout'],
  scenarios: {
    'the older of two writers is refused, whenever the newer one comes': theOlderWriterIsRefused,
    'the epoch of a writer outlives a power cut': theEpochOutlivesAPowerCut,
    'a member that never asks stops no other': aFrozenMemberStopsNobody,
    'what was under way at a takeover is delivered, and the late end of the older connection ends nothing':
      aTakeoverKeepsTheSession,
    'last words are said once, and not while the device is there': lastWordsAreSaidOnce,
    'a device that reads nothing, or that nobody judges, stops no other': aFrozenDeviceStopsNobody,
  },
}
