import { messageToEvent } from '@millrace/bus'
import { discardRefusal, listRefusals, retryRefusal } from '@millrace/event-store'
import { formatTime, millraceError, settle } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'
import { InterruptedProcess } from './interrupted.ts'
import { idsOn, messagesOf, openRelayWorld } from './relay-world.ts'
import { allOf, eventOf, Paid, Placed, Shipped } from './shop.ts'

describe('a relay', () => {
  test('publishes what has a topic, as it was written, keyed by subject or stream, in the order of the store', async () => {
    const { runtime, bus, events, start } = await openRelayWorld()
    await events.append('order-1', [eventOf('a', { subject: 's1' })], { publish: true })
    await events.append('order-2', [eventOf('silent')])
    await events.append('order-2', [eventOf('b'), eventOf('c', { type: Paid.type })], {
      publish: true,
      tenant: 'north',
    })
    await using relay = start()
    await runtime.advance(100)
    const placed = await messagesOf(bus, Placed.type)
    expect(placed.map(({ key }) => key)).toEqual(['s1', 'order-2'])
    expect(placed.map((message) => messageToEvent(message))).toMatchObject([
      eventOf('a', { subject: 's1' }),
      eventOf('b', { extensions: { tenant: 'north' } }),
    ])
    expect(await idsOn(bus, Paid.type)).toEqual(['c'])
    expect(relay.progress).toEqual({
      state: 'running',
      position: 4,
      endPosition: 4,
      lagMs: 0,
      published: 3,
      recognised: 0,
      refused: 0,
      failures: 0,
    })
  })

  test('goes on with what comes, and after a stop with what has come meanwhile', async () => {
    const { runtime, bus, events, start } = await openRelayWorld()
    const append = (id: string) => events.append('s', [eventOf(id)], { publish: true })
    const first = start()
    await append('1')
    await runtime.advance(100)
    await append('2')
    await runtime.advance(100)
    expect(await idsOn(bus, Placed.type)).toEqual(['1', '2'])
    await first.stop()
    expect(first.progress.state).toBe('stopped')
    await append('3')
    await runtime.advance(1_000)
    await using second = start()
    await runtime.advance(100)
    expect(await idsOn(bus, Placed.type)).toEqual(['1', '2', '3'])
    expect(second.progress).toMatchObject({ published: 1, recognised: 0, position: 3 })
  })

  test('keeps events of streams in the store, and removes published ones that belong to none', async () => {
    const { runtime, events, start } = await openRelayWorld()
    await events.publish([Shipped.draft({ parcel: 'p1' })])
    await events.append('s', [eventOf('a')], { publish: true })
    await events.publish([Shipped.draft({ parcel: 'p2' })])
    await using _ = start()
    await runtime.advance(100)
    expect((await allOf(events.feed({ until: 'end' }))).map(({ id }) => id)).toEqual(['a'])
  })

  test('leaves topics that exist as they are, and uses all their partitions', async () => {
    const { runtime, bus, events, start } = await openRelayWorld()
    await bus.createTopic(Placed.type, { partitions: 4 })
    const all = Array.from({ length: 50 }, (_, index) => eventOf(`${index}`, { subject: `s${index % 10}` }))
    await events.append('s', all, { publish: true })
    await using _ = start()
    await runtime.advance(100)
    const messages = await messagesOf(bus, Placed.type)
    expect(new Set(messages.map(({ partition }) => partition)).size).toBeGreaterThan(1)
    for (const [subject, ofKey] of Map.groupBy(messages, ({ key }) => key)) {
      const expected = all.filter((each) => each.subject === subject).map(({ id }) => id)
      expect(ofKey.map((message) => messageToEvent(message).id)).toEqual(expected)
    }
  })

  test('delivers a delayed event when its time has come', async () => {
    const { runtime, bus, events, start } = await openRelayWorld()
    const deliverAtMs = runtime.clock.now() + 60_000
    await events.publish([Paid.draft({}, { deliverAtMs })])
    await using _ = start()
    await runtime.advance(59_000)
    expect(await idsOn(bus, Paid.topic)).toEqual([])
    await runtime.advance(2_000)
    const [message] = await messagesOf(bus, Paid.topic)
    expect(message?.headers.ce_deliverat).toBe(formatTime(deliverAtMs))
  })

  test('takes events whose source and id are longer than a key of the bus', async () => {
    const { runtime, bus, events, start } = await openRelayWorld()
    await events.append('s', [eventOf('x'.repeat(400))], { publish: true })
    await using _ = start()
    await runtime.advance(100)
    expect(await idsOn(bus, Placed.type)).toEqual(['x'.repeat(400)])
  })
})

describe('a relay that begins where another one has died', () => {
  test('looks through the topics for what was there at its beginning, and no more after that', async () => {
    const { runtime, bus, events, start } = await openRelayWorld({ idempotencyKeysMax: 0 })
    const append = (id: string) => events.append('s', [eventOf(id)], { publish: true })
    const read = bus.read.bind(bus)
    let reads = 0
    bus.read = (...call) => {
      reads += 1
      return read(...call)
    }
    await append('1')
    const dead = new InterruptedProcess(1, 'dies after', ['publish'])
    start({ bus: dead.bus(bus) })
    await runtime.advance(100)
    await append('2')
    await using relay = start({ pollMs: 3_600_000 })
    await runtime.advance(100)
    expect(relay.progress).toMatchObject({ published: 1, recognised: 1 })
    const readsAtFirst = reads
    expect(readsAtFirst).toBeGreaterThan(0)
    for (const id of ['3', '4', '5']) {
      await runtime.advance(60_000)
      await append(id)
    }
    await runtime.advance(100)
    expect(reads).toBe(readsAtFirst)
    expect(await idsOn(bus, Placed.type)).toEqual(['1', '2', '3', '4', '5'])
  })
})

describe('a relay of many topics', () => {
  test('takes batches of so few that the note about them fits', async () => {
    const { runtime, bus, database, events, start } = await openRelayWorld()
    const topics = Array.from({ length: 250 }, (_, index) => `t${index}`)
    const all = topics.map((type, index) => eventOf(`${index}`, { type }))
    await events.append('s', all, { publish: true })
    const noted: number[] = []
    const commit = database.commit.bind(database)
    database.commit = (operations, options) => {
      for (const each of operations) {
        if (each.kind === 'position') noted.push(each.position.offset - 1)
      }
      return commit(operations, options)
    }
    await using relay = start()
    for (let round = 0; round < 50; round += 1) await runtime.advance(20)
    expect(relay.progress).toMatchObject({ position: 250, published: 250 })
    expect(noted).toEqual([100, 200, 250])
    expect((await bus.listTopics()).map(({ name }) => name).toSorted()).toEqual(topics.toSorted())
  })
})

describe('a relay that meets something that the bus does not take', () => {
  test('notes it as refused, in the same unit as its position, and goes on with the rest in order', async () => {
    const { runtime, bus, database, events, start } = await openRelayWorld()
    const large = eventOf('large', { data: { text: 'x'.repeat(1_040_000), more: 'ü'.repeat(8_000) } })
    await events.append('s', [eventOf('1'), eventOf('2'), large, eventOf('3')], { publish: true })
    await events.append('s', [eventOf('nameless', { type: 'not a topic' }), eventOf('4')], { publish: true })
    await using relay = start()
    await runtime.advance(100)
    expect(await idsOn(bus, Placed.type)).toEqual(['1', '2', '3', '4'])
    expect(relay.progress).toMatchObject({
      state: 'running',
      published: 4,
      refused: 2,
      position: 6,
      failures: 0,
    })
    expect(await listRefusals(database, 'relay')).toMatchObject([
      { position: 3, eventId: 'large', topic: Placed.type, code: 'MESSAGE_TOO_LARGE' },
      { position: 5, eventId: 'nameless', topic: 'not a topic', code: 'TOPIC_NAME_INVALID' },
    ])
  })

  test('keeps it in the store, though it belongs to no stream, until somebody has decided', async () => {
    const { runtime, bus, database, events, start } = await openRelayWorld()
    await bus.createTopic('exclusive', { exclusive: true })
    const publish = (id: string, type: string) => events.publish([eventOf(id, { type })])
    await publish('a', 'fine')
    await publish('b', 'exclusive')
    await publish('c', 'fine')
    await using _ = start()
    await runtime.advance(100)
    await publish('d', 'fine')
    await runtime.advance(100)
    const left = async () => (await allOf(events.feed({ until: 'end' }))).map(({ id }) => id)
    expect(await left()).toEqual(['b', 'c', 'd'])
    const [refusal] = await listRefusals(database, 'relay')
    if (refusal === undefined) throw new Error('nothing was refused')
    await expect(retryRefusal(database, bus, refusal)).rejects.toMatchObject({ code: 'TOPIC_EXCLUSIVE' })
    expect(await listRefusals(database, 'relay')).toHaveLength(1)
    await discardRefusal(database, refusal)
    await publish('e', 'fine')
    await runtime.advance(100)
    expect(await left()).toEqual([])
    expect(await idsOn(bus, 'fine')).toEqual(['a', 'c', 'd', 'e'])
  })

  test('publishes it when it is tried again and the reason is gone', async () => {
    const { runtime, bus, database, events, start } = await openRelayWorld()
    await events.publish([eventOf('a', { type: 'later' })])
    const publish = bus.publish.bind(bus)
    bus.publish = async () => {
      throw millraceError('NOT_SUPPORTED', { what: 'This', engine: 'test' })
    }
    await using _ = start()
    await runtime.advance(100)
    bus.publish = publish
    const [refusal] = await listRefusals(database, 'relay')
    if (refusal === undefined) throw new Error('nothing was refused')
    expect(await retryRefusal(database, bus, refusal)).toBe(true)
    expect(await retryRefusal(database, bus, refusal)).toBe(true)
    expect(await idsOn(bus, 'later')).toEqual(['a'])
    expect(await listRefusals(database, 'relay')).toEqual([])
  })
})

describe('a relay whose engines are down', () => {
  test('waits for the bus with growing pauses, and publishes everything once it is back', async () => {
    const { runtime, bus, events, start } = await openRelayWorld()
    await events.append('s', [eventOf('1')], { publish: true })
    const publish = bus.publish.bind(bus)
    const triedAtMs: number[] = []
    bus.publish = async (topic) => {
      triedAtMs.push(runtime.clock.monotonic())
      throw millraceError('PARTITION_UNAVAILABLE', { topic, partition: 0, reason: 'the test' })
    }
    await using relay = start({ retry: { delayMsMin: 100, delayMsMax: 1_000, jitter: 0 } })
    await runtime.advance(5_000)
    expect(relay.progress).toMatchObject({
      state: 'retrying',
      position: 0,
      endPosition: 1,
      lagMs: 5_000,
      lastError: { code: 'PARTITION_UNAVAILABLE' },
    })
    const pauses = triedAtMs.slice(1).map((atMs, index) => atMs - (triedAtMs[index] ?? 0))
    expect(pauses.slice(0, 5)).toEqual([100, 200, 400, 800, 1_000])
    bus.publish = publish
    await runtime.advance(1_000)
    expect(await idsOn(bus, Placed.type)).toEqual(['1'])
    expect(relay.progress).toMatchObject({ state: 'running', position: 1, lagMs: 0 })
  })

  test('begins no new attempt before everything of the last one has ended, which could overtake it', async () => {
    const { runtime, bus, events, start } = await openRelayWorld()
    await events.append('s', [eventOf('1', { type: 'red' }), eventOf('2', { type: 'blue' })], {
      publish: true,
    })
    const publish = bus.publish.bind(bus)
    const calls: string[] = []
    let go = () => {}
    const gone = new Promise<void>((resolve) => {
      go = resolve
    })
    bus.publish = async (...call) => {
      const [topic] = call
      calls.push(topic)
      if (calls.length > 2) return publish(...call)
      if (topic === 'red')
        throw millraceError('PARTITION_UNAVAILABLE', { topic, partition: 0, reason: 'the test' })
      await gone
      return publish(...call)
    }
    await using relay = start()
    await runtime.advance(5_000)
    expect(calls).toEqual(['red', 'blue'])
    go()
    await runtime.advance(1_000)
    expect(relay.progress).toMatchObject({ published: 1, recognised: 1, position: 2 })
  })

  test('gives up after as many failures in a row as it was told, with the lease given back', async () => {
    const { runtime, bus, events, start } = await openRelayWorld()
    await events.append('s', [eventOf('1')], { publish: true })
    const publish = bus.publish.bind(bus)
    bus.publish = async (topic) => {
      throw millraceError('PARTITION_UNAVAILABLE', { topic, partition: 0, reason: 'the test' })
    }
    const relay = start({ holder: 'one', retry: { failuresMax: 3 } })
    await runtime.advance(60_000)
    await relay.ended
    expect(relay.progress).toMatchObject({ state: 'failed', failures: 3 })
    bus.publish = publish
    await using _ = start({ holder: 'two' })
    await runtime.advance(100)
    expect(await idsOn(bus, Placed.type)).toEqual(['1'])
  })

  test('ends when the bus is closed under it', async () => {
    const { runtime, bus, events, start } = await openRelayWorld()
    const relay = start()
    await runtime.advance(100)
    await bus.close()
    await events.append('s', [eventOf('1')], { publish: true })
    await runtime.advance(100)
    await relay.ended
    expect(relay.progress).toMatchObject({ state: 'failed', lastError: { code: 'BUS_CLOSED' } })
  })
})

describe('a relay that is to stop', () => {
  test('finishes the batch at hand and notes its position', async () => {
    const { runtime, bus, events, start } = await openRelayWorld()
    await events.append('s', [eventOf('1'), eventOf('2')], { publish: true })
    const publish = bus.publish.bind(bus)
    let go = () => {}
    bus.publish = async (...call) => {
      await new Promise<void>((resolve) => {
        go = resolve
      })
      return publish(...call)
    }
    const controller = new AbortController()
    const relay = start({ batchEventsMax: 1, signal: controller.signal })
    await settle()
    controller.abort()
    await settle()
    expect(relay.progress.state).toBe('stopping')
    go()
    await relay.ended
    expect(relay.progress).toMatchObject({ state: 'stopped', position: 1, published: 1 })
    bus.publish = publish
    const next = start()
    await runtime.advance(100)
    expect(next.progress).toMatchObject({ published: 1, recognised: 0 })
    await next.stop()
  })

  test('notes how far it has looked, though nothing was to be published', async () => {
    const { runtime, database, events, start } = await openRelayWorld()
    const noted = async () => {
      const [[position]] = await database.read([{ kind: 'positions', processor: 'millrace-relay relay' }])
      return position?.offset
    }
    const silent = Array.from({ length: 5_000 }, (_, index) => eventOf(`${index}`))
    const relay = start()
    await events.append('s', silent)
    await runtime.advance(100)
    expect(await noted()).toBeUndefined()
    await events.append('s', [...silent, eventOf('one more')])
    await runtime.advance(100)
    expect(await noted()).toBe(10_002)
    await events.append('s', [eventOf('and another')])
    await runtime.advance(100)
    await relay.stop()
    expect(await noted()).toBe(10_003)
  })

  test('waits for a bus that does not answer only as long as it was told', async () => {
    const { runtime, bus, events, start } = await openRelayWorld()
    await events.append('s', [eventOf('1')], { publish: true })
    bus.publish = () => new Promise(() => {})
    const relay = start()
    await settle()
    const stopped = relay.stop({ limitMs: 500 })
    await runtime.advance(499)
    expect(relay.progress.state).toBe('stopping')
    await runtime.advance(1)
    await stopped
    expect(relay.progress).toMatchObject({ state: 'stopped', position: 0 })
  })
})

describe('one of two relays', () => {
  test('stands by, and goes on where the other one has died', async () => {
    const { runtime, bus, database, events, start } = await openRelayWorld()
    const append = (id: string) => events.append('s', [eventOf(id)], { publish: true })
    const dying = { ...facade(database), supports: database.supports }
    const first = start({ holder: 'one', leaseTtlMs: 3_000, database: dying })
    const second = start({ holder: 'two', leaseTtlMs: 3_000 })
    await append('1')
    await runtime.advance(10_000)
    expect(second.progress).toMatchObject({ state: 'standby', published: 0 })
    dying.commit = () => new Promise(() => {})
    await append('2')
    await runtime.advance(4_000)
    expect(await idsOn(bus, Placed.type)).toEqual(['1', '2'])
    expect(second.progress).toMatchObject({ state: 'running', recognised: 1, position: 2 })
    expect(first.progress.position).toBe(1)
    await second.stop()
  })

  test('ends when another comes with its name', async () => {
    const { runtime, events, start } = await openRelayWorld()
    const first = start()
    await runtime.advance(10)
    await using second = start()
    await events.append('s', [eventOf('1')], { publish: true })
    await runtime.advance(20_000)
    await first.ended
    expect(first.progress).toMatchObject({ state: 'failed', lastError: { code: 'LEASE_LOST' } })
    expect(second.progress).toMatchObject({ state: 'running', position: 1 })
  })
})

/** The same database, of which single calls can be replaced. */
function facade(database: Awaited<ReturnType<typeof openRelayWorld>>['database']) {
  return {
    prepare: database.prepare.bind(database),
    plan: database.plan.bind(database),
    commit: database.commit.bind(database),
    read: database.read.bind(database),
    explain: database.explain.bind(database),
    raw: database.raw.bind(database),
    transform: database.transform.bind(database),
    eventsBeyond: database.eventsBeyond.bind(database),
    close: database.close.bind(database),
    [Symbol.asyncDispose]: database[Symbol.asyncDispose].bind(database),
  }
}
