import type { Database, FeedRead, StoredEvent, WriteOperation } from '@millrace/documents'
import { describe, expect, test } from 'vitest'
import { HOSTILE_TEXTS } from './database-filter-cases.ts'
import {
  codeOf,
  type DatabaseFactory,
  type DatabaseUnderTest,
  opened,
  useFilled,
} from './database-harness.ts'
import { append, event, position, publish } from './database-operations.ts'
import { Tenant } from './database-tenant.ts'

const SCHEMA = { collections: [] }

type Feed = Omit<FeedRead, 'kind' | 'after'> & { readonly after?: number }

async function feed(database: Database, rest: Feed = {}) {
  const [answer] = await database.read([{ kind: 'feed', after: 0, ...rest }])
  return answer
}

/** The types of the events that a feed gives. */
async function types(database: Database, rest: Feed = {}): Promise<string[]> {
  return (await feed(database, rest)).events.map(({ type }) => type)
}

/** Reads page by page until nothing comes any more. */
async function readAll(database: Database, rest: Feed): Promise<StoredEvent[]> {
  const events: StoredEvent[] = []
  for (let after = rest.after ?? 0; ; ) {
    const page = await feed(database, { ...rest, after })
    expect(page.through).toBeGreaterThanOrEqual(page.events.at(-1)?.position ?? after)
    events.push(...page.events)
    if (page.through === after) return events
    after = page.through
  }
}

/** Events of several streams, stream types, tenants and topics. */
const MIXED: readonly WriteOperation[] = [
  append('s', ['a', 'b'], { streamType: 'bench' }),
  publish('p1'),
  append('t', ['a'], { streamType: 'vent', tenant: 'north' }),
  append('s', ['c']),
  { kind: 'append', stream: 'u', events: [event('b', 1, { topic: 'news' })] },
  { ...publish('p2'), tenant: 'north' },
  append('s', ['b'], { tenant: 'north' }),
]

async function commitMixed({ database }: Pick<DatabaseUnderTest, 'database'>): Promise<void> {
  for (const operation of MIXED) await database.commit([operation])
}

async function mixed(open: DatabaseFactory): Promise<DatabaseUnderTest> {
  const under = await opened(open, SCHEMA)
  await commitMixed(under)
  return under
}

/** The events of the whole store, in their order. */
export function databaseFeedTests(open: DatabaseFactory): void {
  describe('reading', () => readTests(open))
  describe('what is left out', () => endTests(open))
  describe('while others write', () => concurrencyTests(open))
}

function readTests(open: DatabaseFactory): void {
  const filled = useFilled(open, SCHEMA, commitMixed)

  test('events of all streams, tenants and topics come in the order of their positions', async () => {
    const under = filled()
    const { events, through } = await feed(under.database)
    expect(events.map(({ type }) => type)).toEqual(['a', 'b', 'p1', 'a', 'c', 'b', 'p2', 'b'])
    const positions = events.map((each) => each.position)
    expect(positions).toEqual([...new Set(positions)].sort((left, right) => left - right))
    expect(through).toBeGreaterThanOrEqual(positions.at(-1)!)
    expect(await feed(under.database, { after: through })).toEqual({ events: [], through })
  })

  test('an event in the feed is the same as in its stream, and an event without a stream says so', async () => {
    await using under = await opened(open, SCHEMA)
    const tenant = new Tenant(under, 'north')
    const text = '{"specversion": "1.0",  "data": 1.0}'
    await tenant.commit([append('s', ['a'], { streamType: 'bench' }), publish('p')], { correlationId: 'c' })
    await tenant.commit([{ kind: 'publish', events: [event('q', 0, { topic: "n'ews", text })] }])
    const { events } = await feed(under.database)
    expect(events[0]).toEqual((await tenant.stream('s'))[0])
    expect(events[1]).toEqual({
      ...event('p', 0, { topic: 'news' }),
      position: events[1]?.position,
      version: 0,
      tenant: 'north',
      recordedAtMs: expect.any(Number),
      correlationId: 'c',
    })
    expect(events[2]).toMatchObject({ text, topic: "n'ews" })
  })

  test.each([
    ['types', { types: ['a', 'p2'] }, ['a', 'a', 'p2']],
    ['types that nothing has', { types: ['x'] }, []],
    ['no types at all', { types: [] }, []],
    ['stream types', { streamTypes: ['bench'] }, ['a', 'b', 'c']],
    ['several stream types', { streamTypes: ['bench', 'vent', 'x'] }, ['a', 'b', 'a', 'c']],
    ['a tenant', { tenant: 'north' }, ['a', 'p2', 'b']],
    ['the empty tenant', { tenant: '' }, ['a', 'b', 'p1', 'c', 'b']],
    ['a stream of all tenants', { stream: 's' }, ['a', 'b', 'c', 'b']],
    ['a stream of one tenant', { stream: 's', tenant: 'north' }, ['b']],
    ['topics', { withTopicOnly: true }, ['p1', 'b', 'p2']],
    ['topics of a tenant', { withTopicOnly: true, tenant: 'north' }, ['p2']],
    ['topics and types', { withTopicOnly: true, types: ['b', 'c'] }, ['b']],
    ['types and stream types', { types: ['a'], streamTypes: ['vent'] }, ['a']],
    [
      'everything at once',
      { types: ['b', 'c'], streamTypes: ['bench'], tenant: '', stream: 's' },
      ['b', 'c'],
    ],
    ['a limit', { limit: 3 }, ['a', 'b', 'p1']],
    ['a limit of none', { limit: 0 }, []],
    ['a limit among what is asked for', { tenant: 'north', limit: 2 }, ['a', 'p2']],
  ] satisfies [string, Feed, string[]][])('a feed by %s gives just those', async (_, rest, expected) => {
    const under = filled()
    expect(await types(under.database, rest)).toEqual(expected)
    const whole = (await readAll(under.database, { ...rest, limit: 1 })).map(({ type }) => type)
    expect(whole.slice(0, expected.length), 'page by page').toEqual(expected)
  })

  test('types, stream types and topics may be any texts', async () => {
    await using under = await opened(open, SCHEMA)
    const texts = HOSTILE_TEXTS.filter((text) => text !== '')
    for (const text of texts) {
      const events = [event(text, 0, { topic: text })]
      await under.database.commit([{ kind: 'append', stream: text, streamType: text, events }])
    }
    for (const text of texts) {
      for (const rest of [{ types: [text] }, { streamTypes: [text] }, { stream: text }]) {
        expect((await feed(under.database, rest)).events, text).toMatchObject([{ type: text, topic: text }])
      }
    }
    expect(await types(under.database, { types: texts, streamTypes: texts })).toEqual(texts)
  })

  test('a feed goes on behind a position, its own one left out', async () => {
    const under = filled()
    const { events } = await feed(under.database)
    for (const [index, each] of events.entries()) {
      expect((await feed(under.database, { after: each.position })).events).toEqual(events.slice(index + 1))
    }
  })

  test('through is the last event’s position if the limit was reached, else as far as the engine has looked', async () => {
    const under = filled()
    const { events } = await feed(under.database)
    expect((await feed(under.database, { limit: 3 })).through).toBe(events[2]!.position)
    expect((await feed(under.database, { limit: 8 })).through).toBe(events[7]!.position)
    const [none, end] = await under.database.read([
      { kind: 'feed', after: 2, types: ['x'] },
      { kind: 'feed-end' },
    ])
    expect(none.events).toEqual([])
    expect(none.through).toBeGreaterThanOrEqual(2)
    expect(none.through).toBeLessThanOrEqual(end)
    const beyond = end + 1_000
    expect(await feed(under.database, { after: beyond })).toEqual({ events: [], through: beyond })
  })

  test('the end of the feed is at or behind the last event, and nothing comes behind it', async () => {
    await using under = await opened(open, SCHEMA)
    const endOf = async () => (await under.database.read([{ kind: 'feed-end' }]))[0]
    expect(await endOf()).toBeGreaterThanOrEqual(0)
    const { results } = await under.database.commit([append('s', ['a', 'b'])])
    const end = await endOf()
    expect(end).toBeGreaterThanOrEqual(results[0]!.position!)
    expect(await types(under.database, { after: end })).toEqual([])
    await under.database.commit([append('s', ['c'])])
    expect(await types(under.database, { after: end })).toEqual(['c'])
  })

  test('a feed without a limit gives 500 events', async () => {
    await using under = await opened(open, SCHEMA)
    await under.database.commit([
      append(
        's',
        Array.from({ length: 501 }, () => 'a'),
      ),
    ])
    expect(await types(under.database)).toHaveLength(500)
    expect(await types(under.database, { limit: 10_000 })).toHaveLength(501)
  })
}

function endTests(open: DatabaseFactory): void {
  test('an archived stream is not in the feed any more, but for what is to be published', async () => {
    await using under = await mixed(open)
    await under.database.commit([
      { kind: 'append', stream: 's', events: [event('last', 0, { topic: 'news' })] },
      { kind: 'archive', stream: 's' },
      { kind: 'archive', stream: 'u' },
    ])
    expect(await types(under.database)).toEqual(['p1', 'a', 'p2', 'b'])
    expect(await types(under.database, { stream: 's' })).toEqual(['b'])
    expect(await types(under.database, { withTopicOnly: true })).toEqual(['p1', 'b', 'p2', 'last'])
  })

  test('a tombstoned stream is not in the feed any more, and erased', async () => {
    await using under = await mixed(open)
    await under.database.commit([
      { kind: 'tombstone', stream: 's' },
      { kind: 'tombstone', stream: 'u' },
    ])
    expect(await types(under.database)).toEqual(['p1', 'a', 'p2', 'b'])
    expect(await types(under.database, { withTopicOnly: true })).toEqual(['p1', 'p2'])
    expect(await types(under.database, { stream: 's', tenant: '' })).toEqual([])
  })

  test('published events can be forgotten below a position, those of streams and later ones stay', async () => {
    await using under = await mixed(open)
    const { events } = await feed(under.database)
    const forget = (before: number) => under.database.commit([{ kind: 'forget-published', before }])
    const second = events.find(({ type }) => type === 'p2')!.position
    await forget(second)
    expect(await types(under.database)).toEqual(['a', 'b', 'a', 'c', 'b', 'p2', 'b'])
    await forget(second)
    await forget(second + 1)
    expect(await types(under.database)).toEqual(['a', 'b', 'a', 'c', 'b', 'b'])
    expect(await types(under.database, { withTopicOnly: true })).toEqual(['b'])
    const { results } = await under.database.commit([publish('p3')])
    expect(results[0]!.position).toBeGreaterThan(events.at(-1)!.position)
  })

  test('positions are not used again, also when the last event is gone', async () => {
    await using under = await opened(open, SCHEMA)
    const { results } = await under.database.commit([publish('p1', 'p2')])
    const last = results[0]!.position!
    await under.database.commit([{ kind: 'forget-published', before: last + 1 }])
    await under.database.commit([append('s', ['a'])])
    expect((await feed(under.database, { after: last })).events).toMatchObject([{ type: 'a' }])
  })

  test('a unit that is refused leaves no events, and what is written next comes behind', async () => {
    await using under = await opened(open, SCHEMA)
    await under.database.commit([append('s', ['a'])])
    const refused = [append('s', ['x', 'y']), publish('z'), append('s', ['w'], { expectedVersion: 1 })]
    expect(await codeOf(under.database.commit(refused))).toBe('STREAM_CONFLICT')
    await under.database.commit([append('s', ['b'])])
    expect(await types(under.database)).toEqual(['a', 'b'])
    expect((await readAll(under.database, { limit: 1 })).map(({ version }) => version)).toEqual([1, 2])
  })
}

interface Writing {
  /** The ids of events of units that were committed. */
  readonly written: Set<string>
  isOver: boolean
}

/** Units of up to four events each, some of which are refused, from several writers at once. */
async function writeMuch(databases: readonly Database[], writing: Writing): Promise<void> {
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    const database = databases[writer % databases.length]!
    for (let round = 0; round < 15; round += 1) {
      const events = Array.from({ length: 1 + ((writer + round) % 4) }, (_, index) =>
        event('a', `${writer}-${round}-${index}`, round % 3 === 0 ? { topic: 'news' } : {}),
      )
      const stream = `s${(writer + round) % 3}`
      // A position that does not hold refuses the unit after its events have got their positions: that leaves holes.
      const isRefused = (writer + round) % 5 === 0
      const last = isRefused ? [position(`p${writer}`, 1, 7)] : []
      const code = await codeOf(database.commit([{ kind: 'append', stream, events }, ...last]))
      expect(code).toBe(isRefused ? 'POSITION_CONFLICT' : 'no error')
      if (!isRefused) for (const { id } of events) writing.written.add(id)
    }
  })
  await Promise.all(writers).finally(() => {
    writing.isOver = true
  })
}

/** Follows the feed by pages until the writing is over and nothing comes any more. */
async function follow(database: Database, writing: Writing, rest: Feed): Promise<StoredEvent[]> {
  const events: StoredEvent[] = []
  for (let after = 0; ; ) {
    const wasOver = writing.isOver
    const page = await feed(database, { ...rest, after })
    events.push(...page.events)
    if (wasOver && page.through === after) return events
    after = page.through
  }
}

function concurrencyTests(open: DatabaseFactory): void {
  test('readers that go on behind their pages while others write see each committed event once, in order', async () => {
    await using under = await opened(open, SCHEMA)
    const databases = [under.database]
    if (under.database.supports.shared) databases.push(await openOther(under))
    const writing: Writing = { written: new Set(), isOver: false }
    const limits = [1, 7, 500]
    const [, ...seen] = await Promise.all([
      writeMuch(databases, writing),
      ...limits.map((limit, index) => follow(databases[index % databases.length]!, writing, { limit })),
      follow(under.database, writing, { withTopicOnly: true, limit: 2 }),
      follow(under.database, writing, { stream: 's1', limit: 3 }),
    ])
    const all = await readAll(under.database, { limit: 10_000 })
    expect(new Set(all.map(({ id }) => id))).toEqual(writing.written)
    for (const events of seen.slice(0, limits.length)) {
      expect(events.map((each) => each.position)).toEqual(all.map((each) => each.position))
    }
    const positions = (events: readonly StoredEvent[] = []) => events.map((each) => each.position)
    expect(positions(seen[3])).toEqual(positions(all.filter(({ topic }) => topic !== undefined)))
    expect(positions(seen[4])).toEqual(positions(all.filter(({ stream }) => stream === 's1')))
  })

  test('the versions of a stream go in the order of positions, whoever writes', async () => {
    await using under = await opened(open, SCHEMA)
    const databases = [under.database]
    if (under.database.supports.shared) databases.push(await openOther(under))
    await writeMuch(databases, { written: new Set(), isOver: false })
    for (const stream of ['s0', 's1', 's2']) {
      const events = await readAll(under.database, { stream })
      expect(events.length).toBeGreaterThan(0)
      expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1))
    }
  })
}

async function openOther(under: DatabaseUnderTest): Promise<Database> {
  expect(under.open, 'an engine that can be shared can be opened a second time').toBeDefined()
  const other = await under.open!()
  await other.prepare(SCHEMA)
  return other
}
