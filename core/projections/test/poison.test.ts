import type { WriteOperation } from '@millrace/documents'
import { millraceError } from '@millrace/kernel'
import { type AnyProjection, customProjection, type ErrorPolicy, projection } from '@millrace/projections'
import { describe, expect, test } from 'vitest'
import {
  type DaemonWorld,
  days,
  documentsOf,
  notes,
  openWorld,
  Paid,
  payers,
  type Till,
  Tills,
  tills,
} from './daemon-world.ts'
import { expectPlainFold } from './plain-fold.ts'
import { watched } from './watched-database.ts'

const TEXT_OF_NO_EVENT = { id: 'e-unreadable', type: 'till.paid', text: '{"specversion":"9"}' }

/** An event of each kind that a projection cannot take. */
const POISONS: readonly {
  readonly title: string
  readonly projection: AnyProjection
  readonly put: (world: DaemonWorld) => Promise<unknown>
  readonly kind: 'event' | 'apply' | 'document'
  readonly code: string
}[] = [
  {
    title: 'an event that is not readable',
    projection: tills,
    put: ({ database }) => database.commit([{ kind: 'append', stream: 't1', events: [TEXT_OF_NO_EVENT] }]),
    kind: 'event',
    code: 'STORED_EVENT_UNREADABLE',
  },
  {
    title: 'an event that does not fit its schema',
    projection: tills,
    put: ({ store }) => store.append('t1', [Paid.draft({ cents: 'many' as never })]),
    kind: 'event',
    code: 'EVENT_SCHEMA_MISMATCH',
  },
  {
    title: 'an event that the function throws for',
    projection: tills,
    put: (world) => world.pay('t1', 666),
    kind: 'apply',
    code: 'HANDLER_FAILED',
  },
  {
    title: 'an event that the function of one of its keys throws for',
    projection: payers,
    put: ({ store }) => store.append('t1', [Paid.draft({ cents: -2_000, by: ['rich', 'poor'] })]),
    kind: 'document',
    code: 'DOCUMENT_INVALID',
  },
  {
    title: 'an event whose document does not fit its schema',
    projection: tills,
    put: (world) => world.pay('t1', -5_000),
    kind: 'document',
    code: 'DOCUMENT_INVALID',
  },
  {
    title: 'an event whose key cannot be an id',
    projection: payers,
    put: ({ store }) => store.append('t1', [Paid.draft({ cents: 1, by: ['ok', ''] })]),
    kind: 'document',
    code: 'DOCUMENT_ID_INVALID',
  },
  {
    title: 'an event whose row the table has no columns for',
    projection: days.on(Paid, ({ data }) =>
      data.cents === 13 ? { kind: 'put-row', key: { till: 't1', kind: 'x' }, set: { colour: 'red' } } : [],
    ),
    put: (world) => world.pay('t1', 13),
    kind: 'document',
    code: 'TABLE_UNKNOWN',
  },
  {
    title: 'an event that a custom function throws for',
    projection: notes,
    put: (world) => world.pay('t1', 666),
    kind: 'apply',
    code: 'HANDLER_FAILED',
  },
  {
    title: 'an event for which a custom function adds what cannot be done',
    projection: customProjection('bad-notes', {
      types: [Paid],
      collections: [{ name: 'notes' }],
      handle: (events, unit) => {
        for (const { id, data } of events) {
          const collection = (data as { cents: number }).cents === 13 ? 'nowhere' : 'notes'
          unit.add({ kind: 'store', collection, id, text: JSON.stringify({ id }) })
        }
      },
    }),
    put: (world) => world.pay('t1', 13),
    kind: 'document',
    code: 'COLLECTION_UNKNOWN',
  },
]

/** Good events, the poison, and good ones again, for several streams. */
async function poisoned(put: (world: DaemonWorld) => Promise<unknown>): Promise<DaemonWorld> {
  const world = await openWorld()
  await world.store.append('t1', [Paid.draft({ cents: 1, by: ['ok', 'rich'] })])
  await world.pay('t2', 1)
  await put(world)
  await world.store.append('t1', [Paid.draft({ cents: 2, by: ['ok'] })])
  await world.pay('t3', 2)
  return world
}

/** Events that were applied, whatever the kind of projection. */
async function appliedBy({ database }: DaemonWorld, projection: AnyProjection): Promise<number> {
  if (projection.kind === 'row-projection') {
    return database.rows('days').reduce((sum, { count }) => sum + Number(count), 0)
  }
  if (projection.kind === 'custom-projection')
    return (await database.read([{ kind: 'count', collection: 'notes' }]))[0]
  const found = Object.values(await documentsOf<Till>(database, projection.collection.name))
  return new Set(found.flatMap(({ events }) => events)).size
}

describe.each(POISONS)('$title', ({ projection, put, kind, code }) => {
  const position = 3
  const retry = { attemptsMax: 2, delayMsMin: 10, delayMsMax: 10 }
  const good = projection === payers ? 2 : 4

  test('goes to the dead letters by default, in one unit with the position; everything else is applied', async () => {
    const world = await poisoned(put)
    const units: (readonly WriteOperation[])[] = []
    const database = watched(world.database, { onCommit: (unit) => units.push(unit) })
    await using daemon = await world.start(
      [{ projection, errors: { retry } }, tills === projection ? days : tills],
      {
        database,
      },
    )
    await world.waitFor(daemon.waitForNonStale([projection.name]))
    const { letters, total } = await daemon.deadLetters({ projection: projection.name })
    expect(total).toBe(1)
    expect(letters).toMatchObject([{ projection: projection.name, position, kind, code, tenant: '' }])
    expect(letters[0]?.attempts).toBe(code === 'HANDLER_FAILED' ? 2 : 1)
    const unit = units.find((each) =>
      each.some(
        (operation) => operation.kind === 'store' && operation.collection === 'millrace-dead-letters',
      ),
    )
    expect(unit?.at(-1)?.kind).toBe('position')
    expect(await appliedBy(world, projection)).toBe(good)
    const [progress] = await daemon.progress()
    expect(progress).toMatchObject({ state: 'running', deadLetters: 1, behind: 0 })
    expect(progress?.shards[0]).toMatchObject({ skipped: 1, lastError: { code } })
  })

  test('stops the projection if the policy says so, durably, and no other one; what came before is committed', async () => {
    const world = await poisoned(put)
    const errors: ErrorPolicy = { event: 'stop', apply: 'stop', document: 'stop', retry }
    const other = tills === projection ? days : tills
    const daemon = await world.start([{ projection, errors }, other])
    await world.until(async () =>
      expect((await daemon.progress())[0]).toMatchObject({ state: 'stopped', error: { code } }),
    )
    const [progress] = await daemon.progress()
    expect(progress).toMatchObject({ error: { position }, deadLetters: 0 })
    expect(progress?.shards[0]?.position).toBe(position - 1)
    await world.waitFor(daemon.waitForNonStale([other.name]))
    await world.waitFor(daemon.stop())
    // Still stopped after a restart, with the same error; with another policy it goes on when it is resumed.
    await using next = await world.start([projection])
    await world.runtime.advance(5_000)
    expect((await next.progress())[0]).toMatchObject({ state: 'stopped', error: { code } })
    await world.waitFor(next.resume(projection.name))
    await world.waitFor(next.waitForNonStale())
    expect(await appliedBy(world, projection)).toBe(good)
  })

  test('pauses the shard if the policy says so, longer each time, until it is no poison any more', async () => {
    const world = await poisoned(put)
    const errors: ErrorPolicy = { event: 'pause', apply: 'pause', document: 'pause', retry, pauseMsMin: 500 }
    await using daemon = await world.start([{ projection, errors }])
    await world.until(async () => {
      const [{ shards = [] } = {}] = await daemon.progress()
      expect(shards[0]).toMatchObject({ state: 'paused', position: position - 1, lastError: { code } })
    })
    expect((await daemon.deadLetters()).total).toBe(0)
    expect((await daemon.progress())[0]?.state).toBe('running')
    // What the poison is is gone from the feed, and so the next look finds no reason to wait.
    await world.database.commit([{ kind: 'archive', stream: 't1' }])
    await world.waitFor(daemon.pause(projection.name))
    await world.waitFor(daemon.resume(projection.name))
    await world.waitFor(daemon.waitForNonStale())
  })
})

describe('a failing event', () => {
  test('that fails for a while only is tried again, and then applied', async () => {
    const world = await openWorld()
    await world.pay('t1', 1, 2, 3)
    let failures = 3
    const flaky = customProjection('flaky', {
      types: [Paid],
      collections: [{ name: 'notes' }],
      handle: (events, unit) => {
        for (const { id, data } of events) {
          if ((data as { cents: number }).cents === 2 && failures > 0) {
            failures -= 1
            throw new RangeError('not yet')
          }
          unit.add({
            kind: 'store',
            collection: 'notes',
            id,
            text: JSON.stringify({ id }),
            expectedRevision: 0,
          })
        }
      },
    })
    await using daemon = await world.start([{ projection: flaky, errors: { retry: { delayMsMin: 10 } } }])
    await world.waitFor(daemon.waitForNonStale())
    expect(failures).toBe(0)
    expect((await daemon.deadLetters()).total).toBe(0)
    expect(Object.keys(await documentsOf(world.database, 'notes'))).toHaveLength(3)
  })

  test('leaves documents of all its keys as they were', async () => {
    const world = await openWorld()
    await world.store.append('t1', [
      Paid.draft({ cents: 100, by: ['rich'] }),
      Paid.draft({ cents: -1_050, by: ['rich', 'poor'] }),
      Paid.draft({ cents: 1, by: ['rich', 'poor'] }),
    ])
    await using daemon = await world.start([payers])
    await world.waitFor(daemon.waitForNonStale())
    const found = await documentsOf<Till>(world.database, 'payers')
    expect([found.rich?.cents, found.poor?.cents]).toEqual([101, 1])
  })

  test('among a thousand is found, and the others are applied', async () => {
    const world = await openWorld()
    const strict = customProjection('strict', {
      types: [Paid],
      collections: [{ name: 'notes' }],
      handle: (events, unit) => {
        for (const { id, data } of events) {
          const { cents } = data as { cents: number }
          const text = cents % 100 === 37 ? 'no JSON' : JSON.stringify({ id })
          unit.add({ kind: 'store', collection: 'notes', id, text })
        }
      },
    })
    await world.pay('t1', ...Array.from({ length: 1_000 }, (_, cents) => cents))
    await using daemon = await world.start([strict])
    await world.waitFor(daemon.waitForNonStale())
    expect((await daemon.deadLetters()).letters).toHaveLength(10)
    expect(await world.database.read([{ kind: 'count', collection: 'notes' }])).toEqual([990])
  })
})

describe('a database that fails', () => {
  const broken = () => millraceError('DATABASE_UNREACHABLE', { database: 'test', reason: 'made to' })

  test('is waited for, and nothing is skipped for it', async () => {
    const world = await openWorld()
    let isDown = false
    const database = watched(world.database, {
      beforeCommit: async () => {
        if (isDown) throw broken()
      },
    })
    await using daemon = await world.start([tills], { database })
    await world.waitFor(daemon.waitForNonStale())
    isDown = true
    await world.pay('t1', 1, 2, 3)
    await world.until(async () => {
      const [{ shards = [] } = {}] = await daemon.progress()
      expect(shards[0]).toMatchObject({ state: 'paused', lastError: { code: 'DATABASE_UNREACHABLE' } })
    }, 60_000)
    await world.runtime.advance(600_000)
    expect(await documentsOf(world.database, 'tills')).toEqual({})
    isDown = false
    await world.waitFor(daemon.resume('tills'))
    await world.waitFor(daemon.waitForNonStale())
    await expectPlainFold(world.database, { kinds: ['tills'] })
    expect((await daemon.deadLetters()).total).toBe(0)
  })

  test('stops the projection if the policy says so, as soon as that can be written down', async () => {
    const world = await openWorld()
    let isDown = false
    const database = watched(world.database, {
      beforeCommit: async () => {
        if (isDown) throw broken()
      },
    })
    await using daemon = await world.start([{ projection: tills, errors: { database: 'stop' } }], {
      database,
    })
    await world.waitFor(daemon.waitForNonStale())
    isDown = true
    await world.pay('t1', 1)
    await world.runtime.advance(120_000)
    isDown = false
    await world.until(async () =>
      expect((await daemon.progress())[0]).toMatchObject({
        state: 'stopped',
        error: { code: 'DATABASE_UNREACHABLE' },
      }),
    )
    await world.waitFor(daemon.resume('tills'))
    await world.waitFor(daemon.waitForNonStale())
    await expectPlainFold(world.database, { kinds: ['tills'] })
  })
})

describe('dead letters', () => {
  test('are replayed when the reason is gone, in one unit with their removal', async () => {
    const world = await openWorld()
    await world.pay('t1', 1, -5_000, 2)
    await using daemon = await world.start([tills])
    await world.waitFor(daemon.waitForNonStale())
    const [letter] = (await daemon.deadLetters()).letters
    const id = String(letter?.id)
    await expect(daemon.replayDeadLetter(id)).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' })
    expect((await daemon.deadLetters()).total).toBe(1)
    await world.pay('t1', 10_000)
    await world.waitFor(daemon.waitForNonStale())
    await daemon.replayDeadLetter(id)
    const { t1 } = await documentsOf<Till>(world.database, 'tills')
    expect([t1?.cents, t1?.events.length]).toEqual([5_003, 4])
    expect((await daemon.deadLetters()).total).toBe(0)
    await expect(daemon.replayDeadLetter(id)).rejects.toMatchObject({ code: 'DEAD_LETTER_UNKNOWN' })
    // The shard, which remembers the document as it was, goes on nevertheless.
    await world.pay('t1', 1)
    await world.waitFor(daemon.waitForNonStale())
    expect((await documentsOf<Till>(world.database, 'tills')).t1?.cents).toBe(5_004)
  })

  test('are not replayed by functions of another version than the documents are made by', async () => {
    const world = await openWorld()
    await world.pay('t1', 1, 666)
    const daemon = await world.start([tills])
    await world.waitFor(daemon.waitForNonStale())
    const [letter] = (await daemon.deadLetters()).letters
    await world.waitFor(daemon.pause('tills'))
    await world.waitFor(daemon.stop())
    const newer = projection('tills', Tills, { version: 2 }).on(Paid, (_, { id }, key) => ({
      id: key,
      cents: 0,
      events: [id],
    }))
    await using next = await world.start([newer])
    await world.runtime.advance(2_000)
    await expect(next.replayDeadLetter(String(letter?.id))).rejects.toMatchObject({
      code: 'PROJECTION_NOT_REBUILDABLE',
    })
    expect((await documentsOf<Till>(world.database, 'tills')).t1?.cents).toBe(1)
  })

  test('are listed by projection and position, in parts, and can be discarded', async () => {
    const world = await openWorld()
    await world.pay('t1', 666, 1, 666, 666)
    await using daemon = await world.start([tills, days])
    await world.waitFor(daemon.waitForNonStale())
    const all = await daemon.deadLetters()
    expect(all.total).toBe(6)
    expect(all.letters.map(({ projection, position }) => [projection, position])).toEqual([
      ['days', 1],
      ['days', 3],
      ['days', 4],
      ['tills', 1],
      ['tills', 3],
      ['tills', 4],
    ])
    const some = await daemon.deadLetters({ projection: 'tills', limit: 1, offset: 1 })
    expect(some).toMatchObject({ total: 3, letters: [{ projection: 'tills', position: 3 }] })
    const id = String(some.letters[0]?.id)
    expect(await daemon.discardDeadLetter(id)).toBe(true)
    expect(await daemon.discardDeadLetter(id)).toBe(false)
    expect((await daemon.deadLetters({ projection: 'tills' })).total).toBe(2)
  })
})
