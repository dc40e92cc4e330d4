import { deadLetterTopic, type Message } from '@millrace/bus'
import { type Database, type Read, type ReadAnswers, readOne, type WriteOperation } from '@millrace/documents'
import { millraceError } from '@millrace/kernel'
import { memoryBus, memoryDatabase } from '@millrace/memory'
import { projection, runProjection } from '@millrace/projections'
import { describe, expect, test } from 'vitest'
import {
  Alarm,
  type Bench,
  Benches,
  benches,
  openSpine,
  Reading,
  Removed,
  type Spine,
  stored,
} from './spine.ts'

const bench = (celsius: number, readings: number, alarms = 0) => ({ celsius, readings, alarms })

const storedBench = (id: string, body: Omit<Bench, 'id'>): WriteOperation => ({
  kind: 'store',
  collection: 'benches',
  id,
  text: JSON.stringify({ id, ...body }),
})

/** A database whose commits go through `around`. */
function withCommit(
  database: Database,
  around: (
    commit: Database['commit'],
    operations: readonly WriteOperation[],
  ) => ReturnType<Database['commit']>,
): Database {
  const commit = database.commit.bind(database)
  database.commit = (operations) => around(commit, operations)
  return database
}

async function deadLetterCodes({ bus }: Spine, topic: string): Promise<(string | undefined)[]> {
  const letters = await bus
    .read({ topic: deadLetterTopic(topic), partition: 0, offset: 0 })
    .catch((): Message[] => [])
  return letters.map(({ headers }) =>
    Object.values(headers).find((value) => /^[A-Z]+(_[A-Z]+)+$/.test(value)),
  )
}

describe('a projection', () => {
  test('makes documents of the events of several topics, by their subjects', async () => {
    const spine = await openSpine()
    await using _ = await runProjection(benches, spine)
    await spine.publish(Reading, 'b1', { celsius: 20 })
    await spine.publish(Reading, 'b2', { celsius: 30 })
    await spine.publish(Reading, 'b1', { celsius: 21 })
    await spine.until(async () => {
      expect(await stored(spine.database)).toEqual({ b1: bench(21, 2), b2: bench(30, 1) })
    })
    await spine.publish(Alarm, 'b2', { level: 1 })
    await spine.publish(Alarm, 'unknown', { level: 1 })
    await spine.until(async () => {
      expect(await stored(spine.database)).toEqual({ b1: bench(21, 2), b2: bench(30, 1, 1) })
    })
  })

  test('deletes a document for null, leaves it for undefined, and begins anew after a deletion', async () => {
    const spine = await openSpine()
    await using _ = await runProjection(benches, spine)
    await spine.publish(Reading, 'b1', { celsius: 20 })
    await spine.publish(Reading, 'b2', { celsius: 20 })
    await spine.until(async () => expect(Object.keys(await stored(spine.database))).toHaveLength(2))
    await spine.publish(Removed, 'b1', {})
    await spine.publish(Removed, 'never-there', {})
    await spine.until(async () => expect(Object.keys(await stored(spine.database))).toEqual(['b2']))
    await spine.publish(Reading, 'b1', { celsius: 25 })
    await spine.until(async () => expect((await stored(spine.database)).b1).toEqual(bench(25, 1)))
  })

  test('asks keyOf for the document, and skips events without a key', async () => {
    const spine = await openSpine()
    const everything = projection('everything', Benches, {
      keyOf: (event) => (event.subject?.startsWith('b') ? 'all' : undefined),
    }).on(
      Reading,
      (all, { data }): Bench => ({
        id: 'all',
        alarms: 0,
        readings: (all?.readings ?? 0) + 1,
        celsius: data.celsius,
      }),
    )
    await using processor = await runProjection(everything, spine)
    for (const subject of ['b1', 'c1', undefined, 'b2'])
      await spine.publish(Reading, subject, { celsius: 20 })
    await spine.until(async () => expect(await stored(spine.database)).toEqual({ all: bench(20, 2) }))
    expect(processor.stats).toMatchObject({ handled: 4, deadLettered: 0 })
  })

  test('creates its collection and the topics that are missing', async () => {
    const spine = await openSpine()
    const bus = memoryBus({ runtime: spine.runtime })
    await bus.createTopic(Alarm.type, { partitions: 3 })
    await using _ = await runProjection(benches, { ...spine, bus })
    const topics = (await bus.listTopics()).map(({ name, partitions }) => [name, partitions.length])
    expect(topics).toEqual(
      expect.arrayContaining([
        [Alarm.type, 3],
        [Reading.type, 1],
        [Removed.type, 1],
      ]),
    )
    expect(await stored(spine.database)).toEqual({})
  })

  test('commits the documents of a batch and the positions together, each document once', async () => {
    const commits: (readonly WriteOperation[])[] = []
    const database = withCommit(memoryDatabase(), (commit, operations) => {
      commits.push(operations)
      return commit(operations)
    })
    const spine = await openSpine(database)
    for (let index = 0; index < 60; index += 1)
      await spine.publish(Reading, `b${index % 2}`, { celsius: index })
    await using _ = await runProjection(benches, spine)
    await spine.until(async () => {
      expect(await stored(database)).toEqual({ b0: bench(58, 30), b1: bench(59, 30) })
    })
    expect(commits).toHaveLength(1)
    expect(commits[0]?.map(({ kind }) => kind)).toEqual(['store', 'store', 'position'])
    expect(await readOne(database, { kind: 'positions', processor: 'benches' })).toEqual([
      { topic: Reading.type, partition: 0, offset: 60 },
    ])
  })
})

describe('a projection never counts an event twice', () => {
  test('when a commit succeeded but its answer was lost', async () => {
    let isLost = true
    const database = withCommit(memoryDatabase(), async (commit, operations) => {
      const result = await commit(operations)
      if (!isLost) return result
      isLost = false
      throw millraceError('DATABASE_FAILED', { reason: 'the answer was lost' })
    })
    const spine = await openSpine(database)
    for (const celsius of [1, 2, 3]) await spine.publish(Reading, 'b1', { celsius })
    await using processor = await runProjection(benches, spine)
    await spine.until(() => expect(processor.stats).toMatchObject({ handled: 3, state: 'running' }))
    expect(await stored(database)).toEqual({ b1: bench(3, 3) })
  })

  test('when it is stopped between two batches and started again', async () => {
    const spine = await openSpine()
    for (const celsius of [1, 2, 3]) await spine.publish(Reading, 'b1', { celsius })
    const first = await runProjection(benches, spine)
    await spine.until(async () => expect(await stored(spine.database)).toEqual({ b1: bench(3, 3) }))
    await first.stop()
    for (const celsius of [4, 5]) await spine.publish(Reading, 'b1', { celsius })
    await using _ = await runProjection(benches, spine)
    await spine.until(async () => expect((await stored(spine.database)).b1?.celsius).toBe(5))
    expect(await stored(spine.database)).toEqual({ b1: bench(5, 5) })
  })

  test('when another member of it has done the same messages meanwhile', async () => {
    const spine = await openSpine()
    const { database } = spine
    let isLate = true
    const late = withCommit({ ...bindAll(database) }, async (commit, operations) => {
      if (!isLate) return commit(operations)
      isLate = false
      await database.commit([
        storedBench('b1', bench(1, 1)),
        {
          kind: 'position',
          processor: 'benches',
          position: { topic: Reading.type, partition: 0, offset: 1 },
        },
      ])
      return commit(operations)
    })
    await spine.publish(Reading, 'b1', { celsius: 1 })
    await using processor = await runProjection(benches, { ...spine, database: late })
    await spine.until(() => expect(processor.stats.handled).toBe(1))
    expect(await stored(database)).toEqual({ b1: bench(1, 1) })
  })

  test('when somebody else changed the document between reading and writing: their change is kept', async () => {
    let isFirst = true
    const database = withCommit(memoryDatabase(), async (commit, operations) => {
      if (isFirst) {
        isFirst = false
        await commit([storedBench('b1', bench(0, 0, 7))])
      }
      return commit(operations)
    })
    const spine = await openSpine(database)
    await spine.publish(Reading, 'b1', { celsius: 1 })
    await using processor = await runProjection(benches, spine)
    await spine.until(() => expect(processor.stats.handled).toBe(1))
    expect(await stored(database)).toEqual({ b1: bench(1, 1, 7) })
  })
})

describe('a projection that keeps documents from one batch to the next', () => {
  test('does not load again what it has just written, and does not see less for it', async () => {
    const database = memoryDatabase()
    const loads: string[] = []
    const read = database.read.bind(database)
    database.read = <const Reads extends readonly Read[]>(reads: Reads): Promise<ReadAnswers<Reads>> => {
      for (const each of reads) if (each.kind === 'load') loads.push(...each.ids)
      return read(reads)
    }
    const spine = await openSpine(database)
    await using processor = await runProjection(benches, spine)
    for (const celsius of [1, 2, 3]) {
      await spine.publish(Reading, 'b1', { celsius })
      await spine.until(() => expect(processor.stats.handled).toBe(celsius))
    }
    expect(loads).toEqual(['b1'])
    expect(await stored(database)).toEqual({ b1: bench(3, 3) })
  })

  test('starts again from the database when somebody else has changed a document meanwhile', async () => {
    const spine = await openSpine()
    await using processor = await runProjection(benches, spine)
    await spine.publish(Reading, 'b1', { celsius: 1 })
    await spine.until(() => expect(processor.stats.handled).toBe(1))
    await spine.database.commit([storedBench('b1', bench(0, 0, 7))])
    await spine.publish(Reading, 'b1', { celsius: 2 })
    await spine.until(() => expect(processor.stats.handled).toBe(2))
    expect(await stored(spine.database)).toEqual({ b1: bench(2, 1, 7) })
  })

  test('keeps no more than a batch of them, and knows the right revision of all', async () => {
    const spine = await openSpine()
    await using processor = await runProjection(benches, spine)
    for (let round = 1; round <= 2; round += 1) {
      for (let index = 0; index < 700; index += 1)
        await spine.publish(Reading, `b${index}`, { celsius: round })
      await spine.until(() => expect(processor.stats.handled).toBe(700 * round))
    }
    expect(processor.stats.retried).toBe(0)
    expect(await readOne(spine.database, { kind: 'count', collection: 'benches' })).toBe(700)
  })

  test('finds out a function that changes a document in place', async () => {
    const spine = await openSpine()
    const careless = projection('careless', Benches).on(Reading, (document, { subject }) => {
      if (document === undefined) return { id: String(subject), ...bench(1, 1) }
      document.readings += 1
      return undefined
    })
    await using processor = await runProjection(careless, spine)
    await spine.publish(Reading, 'b1', { celsius: 1 })
    await spine.publish(Reading, 'b2', { celsius: 1 })
    await spine.until(() => expect(processor.stats.handled).toBe(2))
    await spine.publish(Reading, 'b1', { celsius: 1 })
    await spine.until(() => expect(processor.stats.deadLettered).toBe(1))
    expect(await stored(spine.database)).toEqual({ b1: bench(1, 1), b2: bench(1, 1) })
  })
})

describe('a projection puts among the dead letters, and goes on after', () => {
  const cases: readonly (readonly [string, (spine: Spine) => Promise<unknown>, string])[] = [
    [
      'an event that does not fit its schema',
      (spine) => spine.publish(Reading, 'b1', { celsius: 'hot' as never }),
      'EVENT_SCHEMA_MISMATCH',
    ],
    [
      'a message that is no event',
      ({ bus }) => bus.publish(Reading.type, [{ key: 'b1', headers: {}, value: new Uint8Array([1]) }]),
      'MESSAGE_UNREADABLE',
    ],
    [
      'an event that its case throws for',
      (spine) => spine.publish(Reading, 'b1', { celsius: 666 }),
      'HANDLER_FAILED',
    ],
    [
      'an event whose document does not fit its schema',
      (spine) => spine.publish(Reading, 'b1', { celsius: 101 }),
      'DOCUMENT_INVALID',
    ],
    [
      'an event whose key cannot be an id',
      (spine) => spine.publish(Reading, 'x'.repeat(501), { celsius: 1 }),
      'DOCUMENT_ID_INVALID',
    ],
  ]
  test.each(cases)('%s', async (_, poison, code) => {
    const spine = await openSpine()
    for (const celsius of [1, 2]) await spine.publish(Reading, 'b1', { celsius })
    await poison(spine)
    for (const celsius of [3, 4]) await spine.publish(Reading, 'b1', { celsius })
    await using processor = await runProjection(benches, spine)
    await spine.until(() => expect(processor.stats).toMatchObject({ handled: 4, deadLettered: 1 }))
    expect(await stored(spine.database)).toEqual({ b1: bench(4, 4) })
    expect(await deadLetterCodes(spine, Reading.type)).toEqual([code])
  })

  test('an event whose document names another id than the key', async () => {
    const spine = await openSpine()
    const wrong = projection('wrong', Benches).on(Reading, (): Bench => ({ id: 'other', ...bench(1, 1) }))
    await spine.publish(Reading, 'b1', { celsius: 1 })
    await using processor = await runProjection(wrong, spine)
    await spine.until(() => expect(processor.stats.deadLettered).toBe(1))
    expect(await deadLetterCodes(spine, Reading.type)).toEqual(['DOCUMENT_INVALID'])
    expect(await stored(spine.database)).toEqual({})
  })
})

/** The members of a database as plain functions, so that one of them can be replaced. */
function bindAll(database: Database): Database {
  return {
    supports: database.supports,
    prepare: (schema, options) => database.prepare(schema, options),
    plan: (schema) => database.plan(schema),
    commit: (operations, options) => database.commit(operations, options),
    read: (reads) => database.read(reads),
    explain: (read) => database.explain(read),
    raw: (sql, parameters) => database.raw(sql, parameters),
    transform: (step) => database.transform(step),
    eventsBeyond: (position, options) => database.eventsBeyond(position, options),
    close: () => database.close(),
    [Symbol.asyncDispose]: () => database.close(),
  }
}
