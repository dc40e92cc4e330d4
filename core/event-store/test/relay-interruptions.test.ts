import { messageToEvent } from '@millrace/bus'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InterruptedProcess, type Interruption } from './interrupted.ts'
import { messagesOf, openRelayWorld, type RelayWorld } from './relay-world.ts'
import { eventOf } from './shop.ts'

const TOPICS = ['red', 'blue', 'green']
const SUBJECTS = ['s1', 's2', 's3']
const BATCH_EVENTS_MAX = 3
/** Longer than every pause and lease of these relays together, and than a note about a topic is good for. */
const LIFE_MS = 12_000
/** More calls than a life makes. */
const CALLS_MAX = 200
/** Many worlds; a machine with other work needs its time for them. */
const SLOW = { timeout: 60_000 }

/** Writes events of all topics, subjects and kinds; answers nothing, since the store is its own record. */
class Writer {
  readonly #world: RelayWorld
  readonly written: { readonly id: string; readonly topic: string; readonly subject: string }[] = []

  constructor(world: RelayWorld) {
    this.#world = world
  }

  async write(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const number = this.written.length
      const subject = SUBJECTS[number % SUBJECTS.length] ?? ''
      const topic = TOPICS[(number * 7 + (number >> 2)) % TOPICS.length] ?? ''
      const event = eventOf(`e${number}`, { subject, type: topic })
      this.written.push({ id: event.id, topic, subject })
      const { events } = this.#world
      if (number % 3 === 0) await events.publish([event])
      else await events.append(`stream-${subject}`, [event], { publish: true })
      if (number % 4 === 0) await events.append('silent', [eventOf(`silent-${number}`)])
    }
  }
}

/** What the bus holds, topic by topic and key by key. */
async function publishedOn({ bus }: RelayWorld) {
  const all = await Promise.all(TOPICS.map(async (topic) => [topic, await messagesOf(bus, topic)] as const))
  return all.flatMap(([topic, messages]) =>
    SUBJECTS.map((subject) => {
      const ofKey = messages.filter(({ key }) => key === subject)
      return `${topic} ${subject}: ${ofKey.map((message) => messageToEvent(message).id).join(' ')}`
    }),
  )
}

function expectedOf(written: Writer['written']) {
  return TOPICS.flatMap((topic) =>
    SUBJECTS.map((subject) => {
      const ofKey = written.filter((each) => each.topic === topic && each.subject === subject)
      return `${topic} ${subject}: ${ofKey.map(({ id }) => id).join(' ')}`
    }),
  )
}

/** One life of a relay: until it is done, or has been interrupted, and some time after that. */
async function live(
  world: RelayWorld,
  interrupted: InterruptedProcess,
  holder: string,
  { lifeMs = LIFE_MS, batchEventsMax = BATCH_EVENTS_MAX } = {},
) {
  const relay = world.start({
    holder,
    database: interrupted.database(world.database),
    bus: interrupted.bus(world.bus),
    batchEventsMax,
    leaseTtlMs: 3_000,
    pollMs: 6_000,
    retry: { delayMsMax: 1_000 },
  })
  await world.runtime.advance(lifeMs)
  return relay
}

/** Messages of others, so that the bus forgets the relay's keys. */
async function chatter({ bus }: RelayWorld, messages: number, from: number): Promise<void> {
  for (const { name } of await bus.listTopics()) {
    await bus.publish(
      name,
      Array.from({ length: messages }, (_, index) => ({
        headers: { ce_id: `${index}`, ce_source: '/others' },
        value: new Uint8Array(1),
        idempotencyKey: `other ${from + index}`,
      })),
    )
  }
}

const WAYS: readonly Interruption[] = ['dies before', 'dies after', 'fails before', 'fails after']

describe.each([
  { bus: 'that remembers what was published', idempotencyKeysMax: 10_000 },
  { bus: 'that remembers nothing', idempotencyKeysMax: 0 },
])('a relay to a bus $bus', ({ idempotencyKeysMax }) => {
  test.each(WAYS)('that %s any call publishes everything once and in order per key', SLOW, async (how) => {
    let at = 1
    for (; at < CALLS_MAX; at += 1) {
      const world = await openRelayWorld({ idempotencyKeysMax })
      const writer = new Writer(world)
      await writer.write(10)
      const process = new InterruptedProcess(at, how)
      await live(world, process, 'the relay')
      await writer.write(4)
      await live(world, new InterruptedProcess(0, how), 'the relay')
      expect(await publishedOn(world), `call ${at}`).toEqual(expectedOf(writer.written))
      if (process.calls < at) break
    }
    expect(at).toBeGreaterThan(20)
    expect(at).toBeLessThan(CALLS_MAX)
  })

  test('does so over many interrupted lives', SLOW, async () => {
    const life = fc.record({
      at: fc.integer({ min: 1, max: 40 }),
      how: fc.constantFrom(...WAYS),
      written: fc.integer({ min: 0, max: 8 }),
      holder: fc.constantFrom('one', 'two'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 6 }), async (lives) => {
        const world = await openRelayWorld({ idempotencyKeysMax })
        const writer = new Writer(world)
        for (const { at, how, written, holder } of lives) {
          await writer.write(written)
          await live(world, new InterruptedProcess(at, how), holder)
        }
        await live(world, new InterruptedProcess(0, 'dies before'), 'last')
        expect(await publishedOn(world)).toEqual(expectedOf(writer.written))
      }),
      { numRuns: 40 },
    )
  })
})

test('a relay knows again what the bus has forgotten among the messages of others', SLOW, async () => {
  const world = await openRelayWorld({ idempotencyKeysMax: 100 })
  const writer = new Writer(world)
  for (let at = 1; at < 30; at += 1) {
    await writer.write(4)
    await live(world, new InterruptedProcess(at, 'dies after'), 'one')
    await chatter(world, 150, at * 150)
  }
  await live(world, new InterruptedProcess(0, 'dies after'), 'one')
  expect(await publishedOn(world)).toEqual(expectedOf(writer.written))
})

test(
  'a relay that dies in doubt about another one leaves the next enough to know what both have published',
  SLOW,
  async () => {
    const callsOfALife = 30
    const batchEventsMax = 2 * BATCH_EVENTS_MAX
    for (const published of [1, 2, 3]) {
      for (let at = 1; at < callsOfALife; at += 1) {
        const world = await openRelayWorld({ idempotencyKeysMax: 0 })
        const writer = new Writer(world)
        await writer.write(10)
        await live(world, new InterruptedProcess(published, 'dies after', ['publish']), 'one')
        await live(world, new InterruptedProcess(at, 'dies after'), 'one', { batchEventsMax })
        await live(world, new InterruptedProcess(0, 'dies after'), 'one', { batchEventsMax })
        const place = `publication ${published}, then call ${at}`
        expect(await publishedOn(world), place).toEqual(expectedOf(writer.written))
      }
    }
  },
)

test(
  'a relay that was paused for so long that another has taken its place does no harm when it wakes up',
  SLOW,
  async () => {
    for (let at = 1; at < CALLS_MAX; at += 1) {
      const world = await openRelayWorld()
      const writer = new Writer(world)
      await writer.write(10)
      const paused = new InterruptedProcess(at, 'pauses')
      await live(world, paused, 'one', { lifeMs: 2_000 })
      await writer.write(4)
      const running = live(world, new InterruptedProcess(0, 'pauses'), 'two', { lifeMs: 8_000 })
      await running
      await writer.write(4)
      paused.resume()
      await writer.write(4)
      await world.runtime.advance(LIFE_MS)
      expect(await publishedOn(world), `call ${at}`).toEqual(expectedOf(writer.written))
      if (paused.calls < at) break
    }
  },
)
