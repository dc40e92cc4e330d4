import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, messageToEvent, openLogBus } from '@millrace/bus'
import type { Database } from '@millrace/documents'
import { type EventStore, openEventStore, type Relay, startRelay } from '@millrace/event-store'
import { randomInteger, seededRandom } from '@millrace/kernel'
import { nodeFiles, nodeRuntime } from '@millrace/node'
import { openPostgres } from '@millrace/postgres'
import { findServers, services, startTestServer } from '@millrace/services'
import { openSqlite } from '@millrace/sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { InterruptedProcess } from './interrupted.ts'
import { messagesOf } from './relay-world.ts'
import { eventOf } from './shop.ts'

const WRITERS = 8
const EVENTS_A_WRITER = 100
const TOPICS = ['red', 'blue', 'green']
const runtime = nodeRuntime()

/** Where databases are. */
interface Engine {
  open(name: string): Promise<Database>
  close(): Promise<void>
}

async function sqlite(): Promise<Engine> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-events-'))
  return {
    open: (name) => openSqlite({ file: join(directory, `${name}.db`) }),
    close: () => rm(directory, { recursive: true, force: true }),
  }
}

/** One server; each test has tables of its own in it. */
function postgres(program: ReturnType<typeof findServers>[number]) {
  return async (): Promise<Engine> => {
    const server = await startTestServer('postgres', program)
    return { open: (name) => openPostgres({ url: server.url, schema: name }), close: () => server.stop() }
  }
}

const engines = [
  { name: 'SQLite', start: sqlite },
  ...findServers(services.postgres).map((program) => ({
    name: `PostgreSQL ${program.version.join('.')}`,
    start: postgres(program),
  })),
]

describe.each(engines)('on $name', ({ start }) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  }, 60_000)
  afterAll(() => engine.close())

  test('a feed misses none of the events that many writers commit at the same time', async () => {
    await using database = await engine.open('feed')
    const events = await openEventStore({ database, runtime })
    const positions: number[] = []
    const ids = new Set<string>()
    const following = (async () => {
      for await (const { id, position } of events.feed({ pageEventsMax: 7 })) {
        positions.push(position)
        ids.add(id)
        if (ids.size === WRITERS * EVENTS_A_WRITER) return
      }
    })()
    await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(events, writer)))
    await following
    expect(positions).toHaveLength(WRITERS * EVENTS_A_WRITER)
    expect(positions).toEqual(positions.toSorted((a, b) => a - b))
    expect(await events.feedEnd()).toBe(positions.at(-1))
  })

  test('relays that die again and again publish everything once and in order per key', async () => {
    await using database = await engine.open('relay')
    const directory = await mkdtemp(join(tmpdir(), 'millrace-relay-'))
    await using bus = await openLogBus({ files: nodeFiles(directory), runtime })
    for (const topic of TOPICS) await bus.createTopic(topic, { partitions: 2 })
    const events = await openEventStore({ database, runtime })
    const random = seededRandom(7)
    const relays: Relay[] = []
    const writing = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(events, writer)))
    for (let life = 1; life <= 12; life += 1) {
      const process = new InterruptedProcess(randomInteger(random, 5, 25), 'dies after')
      relays.push(startOne(process.database(database), process.bus(bus)))
      await process.reached
    }
    await using last = startOne(database, bus)
    await writing
    await arrived(bus, WRITERS * EVENTS_A_WRITER)
    await last.stop()
    expect(last.progress).toMatchObject({ state: 'stopped', position: await events.feedEnd() })
    const expected = await inOrder(events)
    for (const topic of TOPICS) {
      for (const [key, messages] of Map.groupBy(await messagesOf(bus, topic), (each) => each.key)) {
        const ids = messages.map((message) => messageToEvent(message).id)
        expect(ids, `${topic} ${key}`).toEqual(expected.get(`${topic} ${key}`))
        expected.delete(`${topic} ${key}`)
      }
    }
    expect([...expected.keys()]).toEqual([])
    for (const relay of relays) void relay.stop({ limitMs: 0 })
    await bus.close()
    await rm(directory, { recursive: true, force: true })
  })
})

function startOne(database: Database, bus: Bus): Relay {
  return startRelay({ database, bus, runtime, holder: 'the relay', batchEventsMax: 10, pollMs: 20 })
}

/** Appends to a stream of its own and to one that all share. */
async function write(events: EventStore, writer: number): Promise<void> {
  for (let number = 0; number < EVENTS_A_WRITER; number += 1) {
    const event = eventOf(`${writer}-${number}`, {
      type: TOPICS[number % TOPICS.length] ?? '',
      subject: `s${number % 5}`,
    })
    const stream = number % 2 === 0 ? `own-${writer}` : 'shared'
    await events.append(stream, [event], { publish: true })
  }
}

/** Resolves when so many messages are there. */
async function arrived(bus: Bus, count: number): Promise<void> {
  await using subscription = await bus.subscribe({ group: 'test', topics: TOPICS })
  for (let seen = 0; seen < count; ) seen += (await subscription.next()).length
}

/** The ids of the store's events by topic and key, in the order of positions. */
async function inOrder(events: EventStore): Promise<Map<string, string[]>> {
  const byKey = new Map<string, string[]>()
  for await (const { id, type, subject } of events.feed({ until: 'end' })) {
    const key = `${type} ${subject}`
    byKey.set(key, [...(byKey.get(key) ?? []), id])
  }
  return byKey
}
