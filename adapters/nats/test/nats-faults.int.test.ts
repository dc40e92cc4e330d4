import type { Bus, Message, Subscription } from '@millrace/bus'
import { isMillraceError } from '@millrace/kernel'
import { openNatsBus } from '@millrace/nats'
import { startTestServer, type TestServer } from '@millrace/services'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { cuttingProxy } from './cutting-proxy.ts'
import { natsServers, versionText } from './nats-server.ts'
import { otherProcess } from './other-process.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const KEYS = ['a', 'b', 'c', 'd', 'e']
const PREFIX = 'faults'
const LIMITS = { goneMs: 300, silentMsMax: 1_000, groupCheckMs: 200, acknowledgeMsMax: 500 }

/** Without the addresses that the server tells of itself, which would lead past the proxy. */
const THROUGH_PROXY = {
  prefix: PREFIX,
  limits: LIMITS,
  connection: { timeout: 500, ignoreClusterUpdates: true },
}

describe.each(natsServers.map((server) => [versionText(server), server] as const))(
  'nats-server %s',
  (_, program) => {
    let server: TestServer
    beforeEach(async () => {
      server = await startTestServer('nats', program)
    })
    afterEach(() => server.stop())

    test('a server that is killed while it is published to has what it acknowledged, in order, and nothing twice', async () => {
      await using bus = await openNatsBus({ servers: server.url, prefix: PREFIX, limits: LIMITS })
      await bus.createTopic('t', { partitions: 3 })
      const publisher = publishUntilStopped(bus)
      for (let kills = 1; kills <= 4; kills += 1) {
        await vi.waitFor(() => expect(publisher.acknowledged.length).toBeGreaterThan(kills * 300), 20_000)
        await server.kill()
        await server.restart()
      }
      await publisher.stop()
      await expectAllOnceInOrder(bus, publisher.acknowledged, publisher.tried)
    })

    test('connections that break while they carry publications lose, double and turn around nothing', async () => {
      await using proxy = await cuttingProxy(server.port)
      await using bus = await openNatsBus({ servers: proxy.url, ...THROUGH_PROXY })
      await bus.createTopic('t', { partitions: 3 })
      await using member = await bus.subscribe({ group: 'g', topics: ['t'] })
      const seen = collect(member)
      const publisher = publishUntilStopped(bus)
      for (let cuts = 1; cuts <= 12; cuts += 1) {
        const before = publisher.acknowledged.length
        await vi.waitFor(() => expect(publisher.acknowledged.length).toBeGreaterThan(before + 100), 20_000)
        // Every other time what was written is not acknowledged: it must be recognised when it comes again.
        if (cuts % 2 === 0) {
          proxy.muteServer()
          const heard = proxy.bytesToServer
          await vi.waitFor(() => expect(proxy.bytesToServer).toBeGreaterThan(heard), 5_000)
        }
        proxy.cut()
      }
      await publisher.stop()
      expect(proxy.connections).toBeGreaterThan(12)
      await expectAllOnceInOrder(bus, publisher.acknowledged, publisher.tried)
      // The member has seen the same, across its own broken connections.
      await vi.waitFor(() => expect(seen.texts).toHaveLength(publisher.tried), 20_000)
      await seen.stop()
      expect(inOrder(seen.messages)).toEqual(inOrder(await everything(bus)))
    })

    test('an answer that never comes makes the bus connect anew, and what it sends again is not doubled', async () => {
      await using proxy = await cuttingProxy(server.port)
      await using bus = await openNatsBus({ servers: proxy.url, ...THROUGH_PROXY })
      await bus.createTopic('t')
      await bus.publish('t', [text('a')])
      proxy.muteServer()
      const [place] = await bus.publish('t', [text('b')])
      // Written once before the mute connection was given up, and recognised when it came again.
      expect(place?.duplicate).toBe(false)
      expect(texts(await bus.read({ topic: 't', partition: 0, offset: 1 }))).toEqual(['a', 'b'])
    })

    test('a server that stays away fails a publication in time, and those behind it with it, so that order is kept', async () => {
      const limits = { ...LIMITS, publishMsMax: 700, requestMsMax: 700 }
      await using bus = await openNatsBus({ servers: server.url, prefix: PREFIX, limits })
      await bus.createTopic('t')
      await bus.publish('t', [text('before')])
      await server.kill()
      const outcomes = await Promise.allSettled([
        bus.publish('t', [text('a')]),
        bus.publish('t', [text('b')]),
      ])
      expect(outcomes).toMatchObject(
        [1, 2].map(() => ({ status: 'rejected', reason: { code: 'PARTITION_UNAVAILABLE' } })),
      )
      await expect(bus.listTopics()).rejects.toMatchObject({ code: 'BUS_UNREACHABLE' })
      await server.restart()
      await bus.publish('t', [text('after')])
      expect(texts(await everything(bus))).toEqual(['before', 'after'])
    })

    test('a writer in another process is fenced by a newer one here, refused by the server itself', async () => {
      await using bus = await openNatsBus({ servers: server.url, prefix: PREFIX })
      await bus.createTopic('state', { exclusive: true })
      await using other = await otherProcess(server.url, PREFIX)
      const epoch = await other.ask({ kind: 'open writer', topic: 'state' })
      await other.ask({ kind: 'append', text: 'older' })
      const writer = await bus.openWriter('state')
      expect(writer.epoch).toBeGreaterThan(epoch as number)
      await expect(other.ask({ kind: 'append', text: 'stale' })).rejects.toThrow('WRITER_FENCED')
      await writer.append([text('newer')])
      await expect(other.ask({ kind: 'append', text: 'stale' })).rejects.toThrow('WRITER_FENCED')
      expect(texts(await bus.read({ topic: 'state', partition: 0, offset: 4_096 }))).toEqual([
        'older',
        'newer',
      ])
    })

    test('a writer goes on over a server that is killed, and an append whose answer was lost is there once', async () => {
      await using bus = await openNatsBus({ servers: server.url, prefix: PREFIX })
      await bus.createTopic('state', { exclusive: true })
      const writer = await bus.openWriter('state')
      await writer.append([text('a'), text('b')])
      await server.kill()
      const appended = writer.append([text('c')], { expectedOffset: writer.endOffset })
      await server.restart()
      await appended
      await writer.append([text('d')], { expectedOffset: writer.endOffset })
      expect(texts(await bus.read({ topic: 'state', partition: 0, offset: 4_096 }))).toEqual([
        'a',
        'b',
        'c',
        'd',
      ])
    })

    test('the partitions of a process that is killed move, and what it had not committed comes again', async () => {
      await using bus = await openNatsBus({ servers: server.url, prefix: PREFIX, limits: LIMITS })
      await bus.createTopic('t', { partitions: 4 })
      await using other = await otherProcess(server.url, PREFIX)
      expect(await other.ask({ kind: 'subscribe', group: 'g', topic: 't' })).toHaveLength(4)
      await using member = await bus.subscribe({ group: 'g', topics: ['t'] })
      await vi.waitFor(() => expect(member.assigned()).toHaveLength(2), 5_000)
      await publishNumbers(bus, 0, 40)
      const theirs = (await other.ask({ kind: 'assigned' })) as { partition: number }[]
      expect(theirs).toHaveLength(2)
      const ours = member.assigned()
      expect(new Set([...theirs, ...ours].map(({ partition }) => partition)).size).toBe(4)
      const taken = (await other.ask({ kind: 'take', count: 4 })) as { partition: number; offset: number }[]
      const first = taken[0] as { partition: number; offset: number }
      await other.ask({ kind: 'commit', positions: [{ topic: 't', ...first, offset: first.offset + 1 }] })
      await other.kill()
      await vi.waitFor(() => expect(member.assigned()).toHaveLength(4), 10_000)
      // Everything but what the dead one had committed.
      const seen = await take(member, 39)
      expect(
        seen.some(({ partition, offset }) => partition === first.partition && offset === first.offset),
      ).toBe(false)
      for (const key of KEYS) expect(sorted(numbersOf(seen, key))).toEqual(numbersOf(seen, key))
    })

    test('a process that was taken for dead and wakes up commits nothing any more, and joins again', async () => {
      await using bus = await openNatsBus({ servers: server.url, prefix: PREFIX, limits: LIMITS })
      await bus.createTopic('t')
      await publishNumbers(bus, 0, 10)
      await using other = await otherProcess(server.url, PREFIX)
      await other.ask({ kind: 'subscribe', group: 'g', topic: 't' })
      const taken = (await other.ask({ kind: 'take', count: 10 })) as { partition: number; offset: number }[]
      other.process.kill('SIGSTOP')
      await using member = await bus.subscribe({ group: 'g', topics: ['t'] })
      await vi.waitFor(() => expect(member.assigned()).toHaveLength(1), 15_000)
      const [first] = await take(member, 10)
      await member.commit([{ topic: 't', partition: 0, offset: (first as Message).offset + 1 }])
      other.process.kill('SIGCONT')
      const stale = { topic: 't', partition: 0, offset: (taken.at(-1)?.offset ?? 0) + 1 }
      expect(await other.ask({ kind: 'commit', positions: [stale] })).toEqual([])
      const positions = (await bus.listGroups())[0]?.positions
      expect(positions).toMatchObject([{ offset: (first as Message).offset + 1, lag: 9 }])
      await vi.waitFor(async () => expect(await bus.listGroups()).toMatchObject([{ members: 2 }]), 5_000)
    })
  },
)

function text(value: string) {
  return { headers: {}, value: encoder.encode(value) }
}

function texts(messages: readonly Message[]): string[] {
  return messages.map(({ value }) => decoder.decode(value))
}

/** Publishes numbered messages, some calls at a time, each with an idempotency key, and repeats a call that fails. */
function publishUntilStopped(bus: Bus) {
  const acknowledged: number[] = []
  let tried = 0
  let stopped = false
  const run = async () => {
    while (!stopped) {
      const from = tried
      tried += 50
      await Promise.all(
        Array.from({ length: 5 }, async (_, call) => {
          const start = from + call * 10
          await publishNumbers(bus, start, 10)
          for (let number = start; number < start + 10; number += 1) acknowledged.push(number)
        }),
      )
    }
  }
  const running = run()
  return {
    acknowledged,
    get tried() {
      return tried
    },
    stop: async () => {
      stopped = true
      await running
    },
  }
}

async function publishNumbers(bus: Bus, start: number, count: number): Promise<void> {
  const messages = Array.from({ length: count }, (_, index) => ({
    key: KEYS[(start + index) % KEYS.length] as string,
    ...text(String(start + index)),
    idempotencyKey: `id ${start + index}`,
  }))
  await bus.publish('t', messages)
}

async function everything(bus: Bus): Promise<Message[]> {
  const topic = (await bus.listTopics()).find(({ name }) => name === 't')
  const messages: Message[] = []
  for (const { partition, startOffset, endOffset } of topic?.partitions ?? []) {
    for (let offset = startOffset; offset < endOffset; ) {
      const page = await bus.read({ topic: 't', partition, offset })
      messages.push(...page)
      offset = (page.at(-1)?.offset ?? endOffset) + 1
    }
  }
  return messages
}

function numbersOf(messages: readonly Message[], key: string): number[] {
  return texts(messages.filter((message) => message.key === key)).map(Number)
}

/** The numbers of each key, as they came. */
function inOrder(messages: readonly Message[]): number[][] {
  return KEYS.map((key) => numbersOf(messages, key))
}

function sorted(numbers: readonly number[]): number[] {
  return [...numbers].sort((a, b) => a - b)
}

async function expectAllOnceInOrder(bus: Bus, acknowledged: readonly number[], tried: number): Promise<void> {
  const messages = await everything(bus)
  const there = new Set(texts(messages).map(Number))
  expect(acknowledged.filter((number) => !there.has(number))).toEqual([])
  expect(messages).toHaveLength(there.size)
  expect(there.size).toBe(tried)
  for (const numbers of inOrder(messages)) expect(numbers).toEqual(sorted(numbers))
}

async function take(member: Subscription, count: number): Promise<Message[]> {
  const messages: Message[] = []
  while (messages.length < count) messages.push(...(await member.next({ countMax: count - messages.length })))
  return messages
}

/** Takes whatever comes; a failure on the way is told by the next message that does not come. */
function collect(member: Subscription) {
  const controller = new AbortController()
  const messages: Message[] = []
  const run = async () => {
    while (!controller.signal.aborted) {
      try {
        messages.push(...(await member.next({ signal: controller.signal })))
      } catch (error) {
        if (isMillraceError(error, 'SUBSCRIPTION_CLOSED')) return
        // No connection for a moment.
      }
    }
  }
  const running = run()
  return {
    messages,
    get texts() {
      return texts(messages)
    },
    stop: async () => {
      controller.abort()
      await running
    },
  }
}
