import type { Read, WriteOperation } from '@millrace/documents'
import { beforeEach, describe, expect, test } from 'vitest'
import { and, compare } from './database-filter-cases.ts'
import { codeOf, type DatabaseFactory, opened, useTenant } from './database-harness.ts'
import {
  append,
  BENCHES,
  expectRevision,
  idIs,
  patch,
  patchWhere,
  remove,
  store,
} from './database-operations.ts'
import { increment } from './database-patch-cases.ts'
import { Tenant } from './database-tenant.ts'

const COLLECTION = {
  softDelete: true,
  indexes: [{ kind: 'property', name: 'by-name', paths: [['name']], unique: true }],
  references: [{ path: ['next'], collection: BENCHES }],
  fullText: [['name']],
} as const
const SCHEMA = {
  collections: [
    { name: BENCHES, ...COLLECTION },
    { name: 'rebuilt', ...COLLECTION },
  ],
}

/** That nobody sees or changes what belongs to another tenant. */
export function databaseTenantTests(open: DatabaseFactory): void {
  const tenant = useTenant(open, SCHEMA)
  let north: Tenant
  let south: Tenant

  beforeEach(async () => {
    north = new Tenant(tenant().under, `north ${tenant().name}`)
    south = new Tenant(tenant().under, `south ${tenant().name}`)
    for (const each of [north, south]) {
      await each.put({ a: { name: 'ann', n: 1, whose: each.name }, b: { name: 'bob', n: 2, next: 'a' } })
      await each.commit([append('s', ['x', 'y'], { streamType: each.name })])
    }
  })

  const remains = async (whose: Tenant) => ({
    documents: await whose.query({ deleted: 'include' }),
    events: await whose.stream('s'),
  })

  describe('reading', () => {
    test('documents with the same id are different documents', async () => {
      expect(await north.body('a')).toMatchObject({ whose: north.name })
      expect(await south.body('a')).toMatchObject({ whose: south.name })
    })

    test.each([
      ['all', and()],
      ['by a property', compare('ge', 1, ['n'])],
      ['by id', or('a', 'b')],
      ['in a negation', { kind: 'not', filter: idIs('x') }],
      [
        'by a word',
        {
          kind: 'or',
          filters: [
            { kind: 'search', text: 'ann' },
            { kind: 'search', text: 'bob' },
          ],
        },
      ],
    ] as const)('a query, a count and a figure see one tenant’s documents only: %s', async (_, where) => {
      const rest = { collection: BENCHES, where, tenant: north.name }
      const [{ documents, total }, count, figures] = await north.database.read([
        { kind: 'query', withTotal: true, ...rest },
        { kind: 'count', ...rest },
        { kind: 'aggregate', figures: [{ kind: 'sum', path: ['n'] }], ...rest },
      ])
      expect(documents.map(({ id }) => id)).toEqual(['a', 'b'])
      expect(JSON.parse(documents[0]!.text)).toMatchObject({ whose: north.name })
      expect([total, count, ...figures]).toEqual([2, 2, 3])
    })

    test('who names no tenant means the empty one, never all of them', async () => {
      await using own = await opened(open, SCHEMA)
      const [none, named] = [new Tenant(own, ''), new Tenant(own, 'named')]
      await named.put({ a: { name: 'ann' } })
      await named.commit([append('s', ['x']), remove('a')])
      const reads = [
        { kind: 'load', collection: BENCHES, ids: ['a'], deleted: 'include' },
        { kind: 'query', collection: BENCHES, deleted: 'include' },
        { kind: 'count', collection: BENCHES, deleted: 'include' },
        { kind: 'stream', stream: 's' },
        { kind: 'stream-info', streams: ['s'] },
      ] as const satisfies readonly Read[]
      expect(await own.database.read(reads)).toEqual([[], { documents: [] }, 0, [], []])
      await own.database.commit([store('a', { whose: 'nobody' }), append('s', ['y'])])
      expect(await none.body('a')).toEqual({ whose: 'nobody' })
      expect(await none.types('s')).toEqual(['y'])
      expect(await named.load('a', BENCHES, 'include')).toMatchObject({ body: { name: 'ann' } })
    })

    test('streams with the same name are different streams, each with its versions', async () => {
      const [result] = await north.commit([append('s', ['z'], { expectedVersion: 2 })])
      expect(result?.version).toBe(3)
      expect(await north.types('s')).toEqual(['x', 'y', 'z'])
      expect(await south.types('s')).toEqual(['x', 'y'])
      const infos = await south.database.read([{ kind: 'stream-info', streams: ['s'], tenant: south.name }])
      expect(infos).toMatchObject([[{ stream: 's', version: 2, streamType: south.name }]])
    })

    test('a feed gives all tenants’ events, or one tenant’s', async () => {
      const types = async (rest: object) => {
        const [answer] = await north.database.read([{ kind: 'feed', after: 0, limit: 10_000, ...rest }])
        return answer.events.map((each) => each.tenant)
      }
      const all = await types({ streamTypes: [north.name, south.name] })
      expect(all).toEqual([north.name, north.name, south.name, south.name])
      expect(await types({ tenant: south.name })).toEqual([south.name, south.name])
      expect(await types({ tenant: `none ${south.name}` })).toEqual([])
    })
  })

  describe('writing', () => {
    const OPERATIONS: readonly (readonly [string, readonly WriteOperation[]])[] = [
      ['storing', [store('a', { name: 'new' })]],
      ['patching', [patch('a', [increment('n')])]],
      ['patching by filter', [patchWhere(and(), [increment('n')])]],
      ['deleting', [remove('a')]],
      ['deleting for good', [remove('b', { hard: true })]],
      ['deleting by filter', [{ kind: 'delete-where', collection: BENCHES, where: compare('ge', 1, ['n']) }]],
      ['deleting all', [{ kind: 'delete-where', collection: BENCHES }]],
      ['deleting all for good', [{ kind: 'delete-where', collection: BENCHES, hard: true }]],
      ['restoring', [remove('a'), { kind: 'restore-where', collection: BENCHES, where: and() }]],
      ['appending', [append('s', ['z'])]],
      ['archiving', [{ kind: 'archive', stream: 's' }]],
      ['tombstoning', [{ kind: 'tombstone', stream: 's' }]],
    ]

    test.each(OPERATIONS)('%s changes nothing of another tenant', async (_, operations) => {
      const before = await remains(south)
      await north.commit(operations)
      expect(await remains(south)).toEqual(before)
      expect(await codeOf(south.commit([append('s', ['z'])])), 'appending there').toBe('no error')
    })

    test('restoring in one tenant does not restore in another', async () => {
      for (const each of [north, south]) await each.commit([remove('a')])
      await north.commit([{ kind: 'restore-where', collection: BENCHES, where: and() }])
      expect([await north.ids(), await south.ids()]).toEqual([['a', 'b'], ['b']])
    })

    test('expected revisions and expectations are about the own tenant', async () => {
      await north.put({ only: { name: 'only' } })
      const missing = [store('only', {}, { expectedRevision: 1 }), expectRevision('only', 1)]
      for (const operation of missing)
        expect(await codeOf(south.commit([operation]))).toBe('DOCUMENT_CONFLICT')
      const absent = [expectRevision('only', 0), store('only', {}, { expectedRevision: 0 })]
      expect(await codeOf(south.commit(absent))).toBe('no error')
    })

    test('one operation of a unit may be about another tenant than the unit', async () => {
      const operations = [
        store('c', { name: 'north' }),
        store('c', { name: 'south' }, { tenant: south.name }),
        append('t', ['south'], { tenant: south.name }),
        patch('a', [increment('n', 10)], { tenant: south.name }),
        patch('a', [increment('n', 100)]),
      ]
      await north.commit(operations)
      expect([await north.body('c'), await south.body('c')]).toEqual([{ name: 'north' }, { name: 'south' }])
      expect([(await north.body('a'))?.n, (await south.body('a'))?.n]).toEqual([101, 11])
      expect([await north.types('t'), await south.types('t')]).toEqual([[], ['south']])
      const toNobody = { ...store('empty', {}), tenant: '' }
      await north.commit([toNobody])
      expect(await north.load('empty')).toBeUndefined()
      expect(await new Tenant(north.under, '').load('empty')).toBeDefined()
    })

    test('what is unique is so within a tenant', async () => {
      expect(await codeOf(north.commit([store('c', { name: 'ann' })]))).toBe('DOCUMENT_NOT_UNIQUE')
      await north.put({ c: { name: 'cid' } })
      expect(await codeOf(south.commit([store('d', { name: 'cid' })]))).toBe('no error')
    })

    test('a reference leads to a document of the same tenant', async () => {
      await north.put({ only: {} })
      expect(await codeOf(north.commit([store('c', { next: 'only' })]))).toBe('no error')
      expect(await codeOf(south.commit([store('c', { next: 'only' })]))).toBe('DOCUMENT_REFERENCE_BROKEN')
      expect(await codeOf(north.commit([remove('only', { hard: true })]))).toBe('DOCUMENT_REFERENCE_BROKEN')
      await south.put({ only: {} })
      expect(await codeOf(south.commit([remove('only', { hard: true })]))).toBe('no error')
    })

    test.each(["'; DROP TABLE tenants; --", 'ä🧀', '%', '$1', 'x'.repeat(200)])(
      'the tenant %j is one like any other',
      async (name) => {
        const odd = new Tenant(tenant().under, name)
        await odd.put({ a: { name } })
        await odd.commit([append('s', ['own'])])
        expect(await odd.query()).toMatchObject([{ id: 'a', body: { name } }])
        expect(await odd.types('s')).toEqual(['own'])
      },
    )
  })

  test('tenants that differ by case are different tenants', async () => {
    const [small, large] = [new Tenant(tenant().under, 'case'), new Tenant(tenant().under, 'CASE')]
    await small.put({ a: { name: 'small' } })
    expect(await large.load('a')).toBeUndefined()
  })

  test('a replacement takes all tenants’ documents at once', async () => {
    await using own = await opened(open, SCHEMA)
    const tenants = ['', 'a', 'b'].map((name) => new Tenant(own, name))
    for (const each of tenants) {
      await each.put({ old: { name: 'old', next: 'old' }, both: { name: 'both' } })
      await each.commit([store('both', { name: `new ${each.name}` }, { collection: 'rebuilt' })])
    }
    await tenants[1]!.commit([{ kind: 'replace-all', collection: BENCHES, from: 'rebuilt' }])
    for (const each of tenants) {
      expect(await each.query({ deleted: 'include' })).toMatchObject([
        { id: 'both', revision: 1, body: { name: `new ${each.name}` } },
      ])
      expect(await each.count({ collection: 'rebuilt', deleted: 'include' })).toBe(0)
      const where = { kind: 'search', text: 'new' } as const
      expect(await each.ids({ where })).toEqual(['both'])
      expect(await codeOf(each.commit([store('c', { name: `new ${each.name}` })]))).toBe(
        'DOCUMENT_NOT_UNIQUE',
      )
    }
    await tenants[2]!.commit([{ kind: 'replace-all', collection: BENCHES }])
    for (const each of tenants) expect(await each.count({ deleted: 'include' })).toBe(0)
  })
}

const or = (...ids: string[]) => ({ kind: 'or', filters: ids.map(idIs) }) as const
