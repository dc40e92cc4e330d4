import type { Database, WriteOperation } from '@millrace/documents'
import { beforeAll, expect, test } from 'vitest'
import { codeOf, type DatabaseFactory, useDatabase, useOwnTenant } from './database-harness.ts'
import {
  append,
  BENCHES,
  expectRevision,
  patch,
  position,
  publish,
  remove,
  store,
} from './database-operations.ts'
import { increment } from './database-patch-cases.ts'
import { Tenant } from './database-tenant.ts'

const SCHEMA = {
  collections: [
    { name: 'zones' },
    {
      name: BENCHES,
      softDelete: true,
      indexes: [{ kind: 'property', name: 'by-code', paths: [['code']], unique: true }],
      references: [{ path: ['zone'], collection: 'zones' }],
    },
  ],
  tables: [{ name: 'totals', columns: { zone: 'text', n: 'number' }, key: ['zone'] }],
} as const

/** Several processes that work on one database, where the engine can be shared. */
export function databaseSharedTests(open: DatabaseFactory): void {
  const under = useDatabase(open, SCHEMA)
  const tenant = useOwnTenant(under, '')
  let second: Database | undefined

  beforeAll(async () => {
    if (!under().database.supports.shared) return
    expect(under().open, 'an engine that can be shared can be opened a second time').toBeDefined()
    second = await under().open!()
    await second.prepare(SCHEMA)
  })

  /** Runs `work` with two handles to one database, if there can be two. */
  const shared = async (work: (one: Tenant, other: Tenant) => Promise<void>) => {
    if (second === undefined) return
    await work(tenant(), new Tenant({ ...under(), database: second }, tenant().name))
  }

  /** The codes of twenty units, sent at once through both handles in turn. */
  const race = (one: Tenant, other: Tenant, make: (index: number) => WriteOperation[]) =>
    Promise.all(
      Array.from({ length: 20 }, (_, index) => codeOf((index % 2 === 0 ? one : other).commit(make(index)))),
    )

  const winners = (codes: readonly string[]) => codes.filter((code) => code === 'no error').length

  test('what one has committed the other one reads, whatever it is', async () => {
    await shared(async (one, other) => {
      for (let n = 1; n <= 10; n += 1) {
        const [writer, reader] = n % 2 === 0 ? [one, other] : [other, one]
        await writer.commit([store('b1', { n }), append('s', ['a']), position(`p ${writer.name}`, n)])
        expect(await reader.load('b1')).toMatchObject({ revision: n, body: { n } })
        expect(await reader.types('s')).toHaveLength(n)
        const [positions, { events }] = await reader.database.read([
          { kind: 'positions', processor: `p ${writer.name}` },
          { kind: 'feed', after: 0, tenant: writer.name },
        ])
        expect([positions[0]?.offset, events.length]).toEqual([n, n])
      }
    })
  })

  test('increments, additions and appends of both lose none', async () => {
    await shared(async (one, other) => {
      await one.put({ b1: { n: 0 } })
      const codes = await race(one, other, (index) => [
        patch('b1', [increment('n')]),
        append('s', [`e${index}`]),
        { kind: 'put-row', table: 'totals', key: { zone: 'z' }, add: { n: 1 } },
      ])
      expect(winners(codes)).toBe(20)
      expect(await other.load('b1')).toMatchObject({ revision: 21, body: { n: 20 } })
      const events = await other.stream('s')
      expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1))
      expect(events).toHaveLength(20)
    })
  })

  test.each([
    ['the same revision', 'DOCUMENT_CONFLICT', (n) => [store('b1', { n }, { expectedRevision: 1 })]],
    ['the same new document', 'DOCUMENT_CONFLICT', (n) => [store('new', { n }, { expectedRevision: 0 })]],
    ['the same version', 'STREAM_CONFLICT', (n) => [append('s', [`e${n}`], { expectedVersion: 1 })]],
    ['the same new stream', 'STREAM_CONFLICT', (n) => [append('new', [`e${n}`], { expectedVersion: 0 })]],
    ['the same offset', 'POSITION_CONFLICT', (n) => [position('p', 10 + n, 1)]],
    ['the same new position', 'POSITION_CONFLICT', (n) => [position('new', 10 + n, 0)]],
    ['the same unique value', 'DOCUMENT_NOT_UNIQUE', (n) => [store(`u${n}`, { code: 'x' })]],
  ] satisfies [string, string, (n: number) => WriteOperation[]][])(
    'of many that go for %s, one wins and the others are told',
    async (_, code, make) => {
      await shared(async (one, other) => {
        await one.commit([store('b1', {}), append('s', ['begin']), position('p', 1)])
        const codes = await race(one, other, make)
        expect(codes.filter((each) => each !== 'no error')).toEqual(Array(19).fill(code))
      })
    },
  )

  test('units that touch the same things in other orders all pass', async () => {
    await shared(async (one, other) => {
      const ids = ['b1', 'b2', 'b3', 'b4']
      await one.put(Object.fromEntries(ids.map((id) => [id, { n: 0 }])))
      const codes = await race(one, other, (index) => {
        const order = index % 4 < 2 ? ids : [...ids].reverse()
        return order.flatMap((id) => [patch(id, [increment('n')]), append(`s-${id}`, ['a']), publish('p')])
      })
      expect(winners(codes)).toBe(20)
      for (const { body } of await other.query()) expect(body.n).toBe(20)
    })
  })

  test('a unit of a former owner of a lease is refused, also if the lease goes over at that moment', async () => {
    await shared(async (one, other) => {
      await one.put({ lease: { owner: 'one' } })
      const taking = other.commit([store('lease', { owner: 'other' }, { expectedRevision: 1 })])
      const writes = Array.from({ length: 10 }, (_, n) =>
        codeOf(one.commit([expectRevision('lease', 1), store(`d${n}`, {})])),
      )
      await taking
      expect(await codeOf(one.commit([expectRevision('lease', 1), store('late', {})]))).toBe(
        'DOCUMENT_CONFLICT',
      )
      const codes = await Promise.all(writes)
      expect(await other.count()).toBe(1 + winners(codes))
    })
  })

  test('what one refers to and the other deletes leaves no broken reference', async () => {
    await shared(async (one, other) => {
      const ids = Array.from({ length: 20 }, (_, index) => `z${index}`)
      await one.commit(ids.map((id) => store(id, {}, { collection: 'zones' })))
      await Promise.all(
        ids.flatMap((zone) => [
          codeOf(one.commit([store(`b-${zone}`, { zone })])),
          codeOf(other.commit([remove(zone, { collection: 'zones' })])),
        ]),
      )
      const left = new Set(await one.ids({ collection: 'zones' }))
      for (const { body } of await other.query()) expect(left).toContain(body.zone)
    })
  })

  test('closing one handle does not close the other', async () => {
    await shared(async (one) => {
      const third = await under().open!()
      await third.close()
      expect(await codeOf(third.read([{ kind: 'feed-end' }]))).toBe('DATABASE_CLOSED')
      expect(await codeOf(one.put({ b1: {} }))).toBe('no error')
    })
  })
}
