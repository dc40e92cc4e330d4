import type { Database } from '@millrace/documents'
import { expect, test } from 'vitest'
import { and } from './database-filter-cases.ts'
import { codeOf, type DatabaseFactory, opened } from './database-harness.ts'
import { append, BENCHES, position, publish, remove, store } from './database-operations.ts'
import { Tenant } from './database-tenant.ts'

const SCHEMA = {
  collections: [{ name: BENCHES, softDelete: true, fullText: [['note']] }, { name: 'vents' }],
  tables: [{ name: 'totals', columns: { zone: 'text', n: 'number' }, key: ['zone'] }],
} as const

/** Closing, and what is there when a database is opened again. */
export function databaseClosingTests(open: DatabaseFactory): void {
  test('commits in flight are finished before closing, and later calls are refused', async () => {
    await using under = await opened(open, SCHEMA)
    const { database } = under
    const flying = Array.from({ length: 5 }, (_, index) => database.commit([store(`b${index}`, {})]))
    await Promise.all([database.close(), database.close()])
    await expect(Promise.all(flying)).resolves.toHaveLength(5)
    const calls: readonly ((database: Database) => Promise<unknown>)[] = [
      (closed) => closed.prepare(SCHEMA),
      (closed) => closed.plan(SCHEMA),
      (closed) => closed.commit([store('late', {})]),
      (closed) => closed.commit([]),
      (closed) => closed.read([{ kind: 'load', collection: BENCHES, ids: ['b1'] }]),
      (closed) => closed.explain({ kind: 'count', collection: BENCHES }),
      (closed) => closed.raw('select 1'),
      (closed) => closed.eventsBeyond(0, { waitMsMax: 1 }),
    ]
    for (const call of calls) expect(await codeOf(call(database)), String(call)).toBe('DATABASE_CLOSED')
    if (database.supports.transforms) {
      const step = { collection: BENCHES, source: '() => null', limit: 1 }
      expect(await codeOf(database.transform(step))).toBe('DATABASE_CLOSED')
    }
    await database.close()
    await database[Symbol.asyncDispose]()
  })

  test('what was committed to a durable engine is there when it is opened again', async () => {
    await using under = await opened(open, SCHEMA)
    if (!under.database.supports.durable) return
    const before = new Tenant(under, 'north')
    await before.commit([store('b1', { n: 1 }), store('b1', { n: 2, note: 'words' }), store('gone', {})], {
      correlationId: 'c',
    })
    await before.commit([
      remove('gone'),
      append('s', ['a', 'b'], { streamType: 'bench' }),
      append('old', ['x']),
      publish('p'),
      position('p', 7),
      { kind: 'archive', stream: 'old' },
      { kind: 'put-row', table: 'totals', key: { zone: 'z' }, set: { n: 1 } },
    ])
    const was = { documents: await before.query({ deleted: 'include' }), events: await before.stream('s') }
    const reopened = await under.reopen()
    await reopened.prepare(SCHEMA)
    const after = new Tenant({ ...under, database: reopened }, 'north')
    expect({ documents: await after.query({ deleted: 'include' }), events: await after.stream('s') }).toEqual(
      was,
    )
    expect(await after.count({ collection: 'vents' })).toBe(0)
    expect(await after.ids({ where: { kind: 'search', text: 'words' } })).toEqual(['b1'])
    const [positions, { events }, infos] = await reopened.read([
      { kind: 'positions', processor: 'p' },
      { kind: 'feed', after: 0 },
      { kind: 'stream-info', streams: ['old'], tenant: 'north' },
    ])
    expect(positions).toEqual([{ topic: 't', partition: 0, offset: 7 }])
    expect(events.map(({ type }) => type)).toEqual(['a', 'b', 'p'])
    expect(infos).toMatchObject([{ state: 'archived', version: 1 }])
    expect(await reopened.raw('select zone from totals')).toEqual([{ zone: 'z' }])
  })

  test('versions, revisions and positions go on when a durable engine is opened again', async () => {
    await using under = await opened(open, SCHEMA)
    if (!under.database.supports.durable) return
    const unit = [store('b1', {}), append('s', ['a']), publish('p1', 'p2')]
    const { results } = await under.database.commit(unit)
    const last = results[2]!.position!
    await under.database.commit([{ kind: 'forget-published', before: last + 1 }])
    const reopened = await under.reopen()
    await reopened.prepare(SCHEMA)
    const next = await reopened.commit([
      store('b1', {}, { expectedRevision: 1 }),
      append('s', ['b'], { expectedVersion: 1 }),
      {
        kind: 'patch-where',
        collection: BENCHES,
        where: and(),
        patches: [{ kind: 'set', path: ['n'], value: 1 }],
      },
    ])
    expect(next.results).toMatchObject([{ revision: 2 }, { version: 2 }, { count: 1 }])
    expect(next.results[1]!.position).toBeGreaterThan(last)
  })
}
