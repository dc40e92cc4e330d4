import assert from 'node:assert/strict'
import { type Bus, openLogBus } from '@millrace/bus'
import { type ManualRuntime, manualRuntime, settle } from '@millrace/kernel'
import { openQueue, type Queue } from '@millrace/log'
import { type MemoryFiles, memoryBus, memoryFiles } from '@millrace/memory'
import { startProcessor } from '@millrace/processing'
import { Device, tierOn } from '../machinery/device.ts'
import {
  appended,
  does,
  everyMoment,
  followed,
  large,
  type Moment,
  opened,
  record,
} from '../machinery/small-log.ts'

/**
 * What concerns log, queue, bus and devices today: whoever passes something on lets go of it only when the other side has it,
 * and a backlog is passed on by itself. The lanes of a gateway, its link and its receiver kit come with the gateway.
 */

const decoder = new TextDecoder()
const message = (text: string, key = 'k') => ({ key, headers: {}, value: new TextEncoder().encode(text) })

function busOn(files: MemoryFiles, runtime: ManualRuntime): Promise<Bus> {
  return does('the bus opens', openLogBus({ files, runtime }))
}

async function aBacklogMovesByItself(): Promise<void> {
  const files = memoryFiles()
  const log = await opened(files)
  for (const value of ['one', 'two', 'three']) await appended(log, record(value))
  await does('it closes', log.close())
  const again = await opened(files)
  assert.deepEqual(
    await followed(again, 1),
    ['1:two', '2:three'],
    'a follower gets what is there before anything new',
  )

  const runtime = manualRuntime()
  const bus = await busOn(memoryFiles(), runtime)
  await bus.createTopic('t')
  await bus.publish(
    't',
    ['1', '2'].map((text) => message(text)),
  )
  const member = await bus.subscribe({ group: 'g', topics: ['t'] })
  const texts: string[] = []
  void member.next().then((messages) => {
    for (const { value } of messages) texts.push(decoder.decode(value))
  })
  await settle()
  assert.deepEqual(texts, ['1', '2'], 'a member gets what is there before anything is published')
  await bus.close()
}

/** Messages are published at every step of a replay: while it waits, reads, works, and commits. */
async function newOnesDuringAReplay(): Promise<void> {
  const runtime = manualRuntime()
  const bus = await busOn(memoryFiles(), runtime)
  await bus.createTopic('t', { partitions: 2 })
  const sent: Record<string, string[]> = { a: [], b: [], c: [] }
  let count = 0
  const publish = async () => {
    for (const [key, texts] of Object.entries(sent)) {
      const text = `${key}${count}`
      texts.push(text)
      await does('it publishes', bus.publish('t', [message(text, key)]))
    }
    count += 1
  }
  for (let round = 0; round < 30; round += 1) await publish()
  const got: Record<string, string[]> = { a: [], b: [], c: [] }
  const member = await bus.subscribe({ group: 'g', topics: ['t'] })
  const idle = new AbortController()
  const consuming = (async () => {
    for (;;) {
      const messages = await member.next({ countMax: 7, signal: idle.signal })
      for (const { key, value } of messages) got[key ?? '']?.push(decoder.decode(value))
      await member.commit(
        messages.map(({ topic, partition, offset }) => ({ topic, partition, offset: offset + 1 })),
      )
    }
  })().catch(() => {})
  for (let round = 0; round < 30; round += 1) {
    for (let turn = 0; turn < round; turn += 1) await undefined
    await publish()
  }
  for (let turn = 0; turn < 30; turn += 1) await settle()
  assert.deepEqual(got, sent, 'everything has come once, in the order of its key')
  idle.abort()
  await consuming
}

/** The last of several messages has nobody behind it who would wake the reader once more. */
async function nothingIsMissed(): Promise<void> {
  for (let turns = 0; turns < 60; turns += 1) {
    // Without a disk a publication is quick enough to come while its reader looks.
    const bus = memoryBus({ runtime: manualRuntime() })
    await bus.createTopic('t')
    const member = await bus.subscribe({ group: 'g', topics: ['t'] })
    const texts: string[] = []
    const idle = new AbortController()
    const consuming = (async () => {
      for (;;)
        for (const { value } of await member.next({ signal: idle.signal })) texts.push(decoder.decode(value))
    })().catch(() => {})
    const first = bus.publish('t', [message('1')])
    for (let turn = 0; turn < turns; turn += 1) await undefined
    await does('it publishes', bus.publish('t', [message('2')]))
    await does('it publishes', first)
    await settle()
    assert.deepEqual(texts, ['1', '2'], `${turns} turns between them`)
    idle.abort()
    await consuming
    await bus.close()
  }
}

interface Attempts {
  readonly texts: string[]
  readonly finish: (() => void)[]
}

/** A processor whose step waits until it is told that the other side has answered. */
async function processorOn(bus: Bus, runtime: ManualRuntime, attempts: Attempts) {
  return startProcessor(
    {
      name: 'sender',
      topics: ['t'],
      step: {
        kind: 'message',
        handle: ({ value }) => {
          attempts.texts.push(decoder.decode(value))
          return new Promise((resolve) => attempts.finish.push(() => resolve()))
        },
      },
    },
    { bus, runtime },
  )
}

/** The peer answers the second of three, then the link is gone, and later the process. */
async function whatNobodyHasAnsweredComesAgain(): Promise<void> {
  const files = memoryFiles()
  const first = manualRuntime()
  const bus = await busOn(files, first)
  await bus.createTopic('t')
  await bus.publish('t', [message('1', 'a'), message('2', 'b'), message('3', 'c')])
  const attempts: Attempts = { texts: [], finish: [] }
  await processorOn(bus, first, attempts)
  await first.advance(10)
  assert.deepEqual(attempts.texts, ['1', '2', '3'])
  attempts.finish[1]?.()
  await first.advance(5000)
  const second = manualRuntime()
  const again = await busOn(files.afterKill(), second)
  const later: Attempts = { texts: [], finish: [] }
  await processorOn(again, second, later)
  await second.advance(10)
  assert.equal(later.texts[0], '1', 'what the peer has not answered comes again')
  for (let round = 0; round < 3; round += 1) {
    for (const finish of later.finish.splice(0)) finish()
    await second.advance(500)
  }
  const [group] = await again.listGroups()
  assert.equal(group?.positions[0]?.offset, 3, 'and is let go when it has')
}

interface QueueFacts {
  readonly put: readonly string[]
  /** Acknowledgements that were begun, and those that were durable. */
  readonly begun: readonly string[]
  readonly done: readonly string[]
}

/** Small segments, so that what is done is given back on the way. */
function queueOn(files: MemoryFiles): Promise<Queue> {
  const sizes = { segmentBytesMax: 64 * 1024, itemBytesMax: 8 * 1024 }
  return does('the queue opens', openQueue({ files, directory: 'queue', runtime: manualRuntime(), ...sizes }))
}

/** Every moment of a queue that is filled, half emptied, and closed; its lane is trimmed on the way. */
function momentsOfAQueue(): Promise<readonly Moment<QueueFacts>[]> {
  const facts = { put: [] as string[], begun: [] as string[], done: [] as string[] }
  const work = async (files: MemoryFiles) => {
    const queue = await queueOn(files)
    const consumer = await does('the consumer is there', queue.consumer('peer'))
    for (let round = 0; round < 10; round += 1) {
      const names = [0, 1, 2, 3].map((index) => `i${round * 4 + index}`)
      await does('it is put', queue.put(names.map((name) => ({ value: large(name, 4000).value }))))
      facts.put.push(...names)
      const finished = await does('it is taken', consumer.take({ countMax: 3, waitMsMax: 0 }))
      facts.begun.push(...finished.map(textOf))
      await does('it is acknowledged', consumer.acknowledge(finished))
      facts.done.push(...finished.map(textOf))
    }
    await does('the peer has it, and says nothing', consumer.take({ countMax: 3, waitMsMax: 0 }))
    await does('it closes', queue.close())
  }
  return everyMoment(work, () => ({ put: [...facts.put], begun: [...facts.begun], done: [...facts.done] }))
}

function textOf({ value }: { readonly value: Uint8Array }): string {
  return decoder.decode(value).replace(/\.+$/, '')
}

async function aQueueLetsGoWhenItIsDone(): Promise<void> {
  for (const { place, facts, killed, powerless } of await momentsOfAQueue()) {
    for (const [end, disk] of [['killed', killed] as const, ['no power', powerless.least()] as const]) {
      const queue = await queueOn(disk)
      const consumer = await does('the consumer is there', queue.consumer('peer'))
      const items = await does('it is taken', consumer.take({ countMax: 1000, bytesMax: 1e9, waitMsMax: 0 }))
      const come = new Set(items.map(textOf))
      const again = facts.done.filter((name) => come.has(name))
      assert.deepEqual(again, [], `${end} in ${place}: what was acknowledged does not come again`)
      const due = facts.put.filter((name) => !facts.begun.includes(name) && !come.has(name))
      assert.deepEqual(due, [], `${end} in ${place}: what nobody has acknowledged comes`)
      await does('it closes', queue.close())
    }
  }
}

/** No FIN: the device's side is cut, and the server does not hear of it. */
async function aSilentLink(): Promise<void> {
  const runtime = manualRuntime()
  const bus = await busOn(memoryFiles(), runtime)
  const tier = await tierOn(bus, runtime)
  const first = await Device.connect(tier, 'd')
  await first.subscribe('devices/d/notes')
  first.publish('devices/d/notes', 'one', 1)
  first.publish('devices/d/notes', 'two', 2)
  first.publish('devices/d/notes', 'three', 3)
  await settle()
  first.acknowledge('one')
  await settle()
  first.connection.cut()
  await settle()
  const second = await Device.connect(tier, 'd')
  assert.deepEqual(
    second.texts,
    ['two', 'three'],
    'what was not acknowledged comes again, in order, by itself',
  )
  second.publish('devices/d/notes', 'four', 4)
  await settle()
  for (const text of ['two', 'three', 'four']) second.acknowledge(text)
  await settle()
  const third = await Device.connect(tier, 'd')
  assert.deepEqual(third.texts, [], 'what was acknowledged does not')
  await tier.devices.close()
}

/** The PUBACK is the promise: a device may forget what it was given one for. */
async function nothingIsAnsweredBeforeItIsKept(): Promise<void> {
  const runtime = manualRuntime()
  const files = memoryFiles({
    scheduler: runtime.scheduler,
    latencyMs: (operation) => (operation === 'sync' ? 20 : 0),
  })
  const opening = busOn(files, runtime)
  await runtime.advance(5000)
  const bus = await opening
  const open = tierOn(bus, runtime)
  await runtime.advance(5000)
  const tier = await open
  const device = await Device.connect(tier, 'd')
  await runtime.advance(1000)
  device.publish('devices/d/events/greenhouse.reading', JSON.stringify({ celsius: 21 }), 9)
  for (let step = 0; step < 200 && device.all('puback').length === 0; step += 1) await runtime.advance(5)
  assert.equal(device.all('puback').length, 1, 'it is answered')
  const left = files.crashStates({}).least()
  const again = await busOn(left, manualRuntime())
  const kept = await does('it is read', again.read({ topic: 'greenhouse.reading', partition: 0, offset: 0 }))
  assert.equal(kept.length, 1, 'and is there after a power cut')
}

export const bug = {
  number: 10,
  title: 'Deleted before the peer has it; a backlog that waits for something new',
  seenIn: ['NanoMQ #2432, #2423', 'MQTT.js #2015, #607'],
  scenarios: {
    'a backlog is passed on by itself, before anything new comes': aBacklogMovesByItself,
    'what is published during a replay comes once, in the order of its key': newOnesDuringAReplay,
    'what comes just when its reader looks away is not missed': nothingIsMissed,
    'what the peer has not answered is handled again, and let go when it has':
      whatNobodyHasAnsweredComesAgain,
    'a queue lets an item go when its acknowledgement is durable, and not before': aQueueLetsGoWhenItIsDone,
    'what a device has not acknowledged comes again on its next connection, although the link died in silence':
      aSilentLink,
    'a device is answered when its publication is durable': nothingIsAnsweredBeforeItIsKept,
  },
}
