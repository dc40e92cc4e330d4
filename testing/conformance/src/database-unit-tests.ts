import type { WriteOperation } from '@millrace/documents'
import { describe, expect, test } from 'vitest'
import { codeOf, type DatabaseFactory, refusal, useTenant } from './database-harness.ts'
import {
  append,
  event,
  expectRevision,
  patch,
  position,
  publish,
  remove,
  store,
} from './database-operations.ts'
import { increment, set } from './database-patch-cases.ts'

const SCHEMA = {
  collections: [{ name: 'benches' }, { name: 'leases' }],
  tables: [{ name: 'totals', columns: { zone: 'text', n: 'number' }, key: ['zone'] }],
} as const

/** What is done together or not at all. */
export function databaseUnitTests(open: DatabaseFactory): void {
  const tenant = useTenant(open, SCHEMA)
  describe('all or nothing', () => unitTests(tenant))
  describe('expecting', () => expectTests(tenant))
  describe('at the same time', () => concurrencyTests(tenant))
}

type ByTenant = ReturnType<typeof useTenant>

function unitTests(tenant: ByTenant): void {
  const REFUSED: readonly (readonly [string, WriteOperation, string])[] = [
    ['DOCUMENT_CONFLICT', store('here', {}, { expectedRevision: 9 }), 'a revision that does not hold'],
    ['PATCH_REFUSED', patch('here', [increment('text')]), 'a patch that is refused'],
    ['STREAM_CONFLICT', append('s', ['x'], { expectedVersion: 9 }), 'a version that does not hold'],
    ['POSITION_CONFLICT', position('p', 1, 9), 'an offset that does not hold'],
    ['DOCUMENT_CONFLICT', expectRevision('here', 9), 'an expectation that does not hold'],
    ['COLLECTION_UNKNOWN', store('here', {}, { collection: 'nobody' }), 'a collection that is not known'],
    ['TABLE_UNKNOWN', { kind: 'delete-rows', table: 'nobody' }, 'a table that is not known'],
    ['DOCUMENT_ID_INVALID', store('', {}), 'an id that is none'],
    ['DOCUMENT_INVALID', store('x', {}, { text: '{"a": }' }), 'a text that is no JSON'],
    ['QUERY_INVALID', patch('here', [set('id', 1)]), 'a patch that cannot be meant'],
    ['OPERATION_INVALID', append('', ['x']), 'a stream without a name'],
  ]

  test.each(REFUSED)(
    '%s: nothing of a unit is done if one of its operations is refused',
    async (code, bad) => {
      const name = tenant().name
      await tenant().commit([store('here', { text: 'x' }), store('kept', {}), append('s', ['a'])])
      const good: WriteOperation[] = [
        store('new', {}),
        store('here', { text: 'y' }),
        remove('kept'),
        append('s', ['b']),
        append('t', ['c']),
        publish(`published ${name}`),
        position(`processor ${name}`, 9),
        { kind: 'put-row', table: 'totals', key: { zone: name }, add: { n: 1 } },
      ]
      for (const unit of [
        [...good, bad],
        [bad, ...good],
      ]) {
        expect(await codeOf(tenant().commit(unit))).toBe(code)
      }
      expect(await tenant().query()).toMatchObject([
        { id: 'here', revision: 1, body: { text: 'x' } },
        { id: 'kept', revision: 1 },
      ])
      expect(await tenant().types('s')).toEqual(['a'])
      expect(await tenant().types('t')).toEqual([])
      const [positions, { events }] = await tenant().database.read([
        { kind: 'positions', processor: `processor ${name}` },
        { kind: 'feed', after: 0, types: [`published ${name}`] },
      ])
      expect([positions, events]).toEqual([[], []])
    },
  )

  test('documents, events, positions and rows of a unit are there together', async () => {
    const processor = `processor ${tenant().name}`
    const results = await tenant().commit([
      store('b1', { n: 1 }),
      append('s', ['a', 'b']),
      { kind: 'publish', events: [event('p', 0, { topic: 'news' })] },
      position(processor, 5, 0),
      { kind: 'put-row', table: 'totals', key: { zone: 'z' }, set: { n: 1 } },
      patch('b1', [increment('n')]),
      remove('none'),
    ])
    expect(results).toHaveLength(7)
    expect(results).toMatchObject([
      { revision: 1 },
      { version: 2 },
      {},
      {},
      {},
      { revision: 2, count: 1 },
      { count: 0 },
    ])
    expect(results[2]!.position).toBeGreaterThan(results[1]!.position!)
    expect(await tenant().body('b1')).toEqual({ n: 2 })
    expect(await tenant().types('s')).toEqual(['a', 'b'])
    const [positions] = await tenant().database.read([{ kind: 'positions', processor }])
    expect(positions).toEqual([{ topic: 't', partition: 0, offset: 5 }])
  })

  test('a unit of nothing is fine', async () => {
    expect(await tenant().commit([])).toEqual([])
  })

  test('a unit of ten thousand operations is fine', async () => {
    const operations = Array.from({ length: 10_000 }, (_, index) => store(`b${index % 100}`, { index }))
    const results = await tenant().commit(operations)
    expect(results.at(-1)).toEqual({ revision: 100 })
    expect(await tenant().count()).toBe(100)
  }, 30_000)
}

function expectTests(tenant: ByTenant): void {
  const lease = (revision: number) => expectRevision('shard', revision, 'leases')

  test.each([
    ['a revision that has passed', 1],
    ['a revision that has not come', 3],
    ['no document, and there is one', 0],
  ])('a unit that expects %s is refused', async (_, revision) => {
    await tenant().commit([
      store('shard', { owner: 'a' }, { collection: 'leases' }),
      store('shard', { owner: 'b' }, { collection: 'leases' }),
    ])
    const error = await refusal(tenant().commit([store('b1', {}), lease(revision)]), 'DOCUMENT_CONFLICT')
    expect(error.parameters).toMatchObject({ collection: 'leases', id: 'shard', seen: 2, expected: revision })
    expect(await tenant().ids()).toEqual([])
  })

  test('a unit whose expectations hold passes, and changes nothing of what it expects', async () => {
    await tenant().put({ shard: { owner: 'a' } }, 'leases')
    const before = await tenant().load('shard', 'leases')
    const results = await tenant().commit([lease(1), expectRevision('none', 0), store('b1', {}), lease(1)])
    expect(results[2]).toEqual({ revision: 1 })
    expect(await tenant().load('shard', 'leases')).toEqual(before)
    expect(await tenant().load('none')).toBeUndefined()
  })

  test('an expectation sees what the unit has done before it', async () => {
    await tenant().put({ shard: {} }, 'leases')
    const taken = store('shard', { owner: 'b' }, { collection: 'leases', expectedRevision: 1 })
    expect(await codeOf(tenant().commit([taken, lease(1)]))).toBe('DOCUMENT_CONFLICT')
    expect(await codeOf(tenant().commit([lease(1), taken, lease(2)]))).toBe('no error')
  })

  test('a former owner of a lease writes nothing after another one has taken it, whatever comes at the same time', async () => {
    await tenant().put({ shard: { owner: 'a' } }, 'leases')
    const taking = tenant().commit([
      store('shard', { owner: 'b' }, { collection: 'leases', expectedRevision: 1 }),
    ])
    const writes = Array.from({ length: 20 }, (_, index) =>
      codeOf(tenant().commit([lease(1), store(`by a ${index}`, {})])),
    )
    await taking
    const late = await codeOf(tenant().commit([lease(1), store('late', {})]))
    expect(late).toBe('DOCUMENT_CONFLICT')
    const codes = await Promise.all(writes)
    const written = codes.filter((code) => code === 'no error').length
    expect(codes.every((code) => code === 'no error' || code === 'DOCUMENT_CONFLICT')).toBe(true)
    expect(await tenant().count()).toBe(written)
    expect(await codeOf(tenant().commit([lease(2), store('by b', {})]))).toBe('no error')
  })
}

function concurrencyTests(tenant: ByTenant): void {
  test('of units sent at the same time, the refused ones do not touch the others', async () => {
    const units = Array.from({ length: 40 }, (_, index) =>
      tenant().commit([
        store(`b${index}`, {}),
        append('s', [`e${index}`]),
        store(`b${index}`, {}, { expectedRevision: index % 3 === 0 ? 5 : 1 }),
      ]),
    )
    const outcomes = (await Promise.allSettled(units)).map(({ status }) => status)
    expect(outcomes).toEqual(units.map((_, index) => (index % 3 === 0 ? 'rejected' : 'fulfilled')))
    const passed = units.flatMap((_, index) => (index % 3 === 0 ? [] : [index]))
    expect(await tenant().ids()).toEqual(passed.map((index) => `b${index}`).sort())
    expect((await tenant().types('s')).sort()).toEqual(passed.map((index) => `e${index}`).sort())
  })

  test('units that change the same documents in other orders all pass', async () => {
    const ids = Array.from({ length: 8 }, (_, index) => `b${index}`)
    await tenant().put(Object.fromEntries(ids.map((id) => [id, { n: 0 }])))
    const units = Array.from({ length: 40 }, (_, index) => {
      const order = index % 2 === 0 ? ids : [...ids].reverse()
      const turned = [...order.slice(index % 8), ...order.slice(0, index % 8)]
      return tenant().commit(turned.map((id) => patch(id, [increment('n')])))
    })
    expect(await codeOf(Promise.all(units))).toBe('no error')
    for (const { body, revision } of await tenant().query()) expect([body.n, revision]).toEqual([40, 41])
  })

  test('units that append to the same streams in other orders all pass', async () => {
    const units = Array.from({ length: 30 }, (_, index) => {
      const streams = index % 2 === 0 ? ['s', 't', 'u'] : ['u', 't', 's']
      return tenant().commit(streams.map((stream) => append(stream, [`e${index}`])))
    })
    expect(await codeOf(Promise.all(units))).toBe('no error')
    for (const stream of ['s', 't', 'u']) {
      const versions = (await tenant().stream(stream)).map(({ version }) => version)
      expect(versions).toEqual(Array.from({ length: 30 }, (_, index) => index + 1))
    }
  })

  test('what a unit has written is seen by every read that begins after it has resolved', async () => {
    for (let n = 1; n <= 20; n += 1) {
      await tenant().put({ b1: { n } })
      const seen = await Promise.all(Array.from({ length: 4 }, () => tenant().body('b1')))
      expect(seen).toEqual(Array(4).fill({ n }))
    }
  })
}
