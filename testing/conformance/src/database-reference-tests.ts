import type { CollectionSchema, WriteOperation } from '@millrace/documents'
import { expect, test } from 'vitest'
import { and, compare } from './database-filter-cases.ts'
import { codeOf, type DatabaseFactory, opened, refusal, useTenant } from './database-harness.ts'
import { BENCHES, patch, patchWhere, remove, store } from './database-operations.ts'
import { erase, rename, set } from './database-patch-cases.ts'
import { Tenant } from './database-tenant.ts'

const ZONES: CollectionSchema = { name: 'zones' }
const SITES: CollectionSchema = { name: 'sites', softDelete: true }
const BENCH_SCHEMA: CollectionSchema = {
  name: BENCHES,
  softDelete: true,
  references: [
    { path: ['zone'], collection: 'zones' },
    { path: ['at', 'site'], collection: 'sites' },
    { path: ['next'], collection: BENCHES },
  ],
}
const SCHEMA = { collections: [ZONES, SITES, BENCH_SCHEMA] }
const BROKEN = 'DOCUMENT_REFERENCE_BROKEN'

const zones = { collection: 'zones' }
const sites = { collection: 'sites' }

/** References from documents to others, which must exist. */
export function databaseReferenceTests(open: DatabaseFactory): void {
  const tenant = useTenant(open, SCHEMA)
  const commit = (...operations: WriteOperation[]) => codeOf(tenant().commit(operations))

  test.each([
    ['to a document that exists', { zone: 'z1' }, 'no error'],
    ['to one that does not', { zone: 'z2' }, BROKEN],
    ['to one of another collection with that id', { at: { site: 'z1' } }, BROKEN],
    ['on a nested path', { at: { site: 's1' } }, 'no error'],
    ['that is null', { zone: null, at: null, next: null }, 'no error'],
    ['that is missing', { at: {} }, 'no error'],
    ['to itself', { next: 'b1' }, 'no error'],
    ['to another of the same collection that does not exist', { next: 'b9' }, BROKEN],
    ['by another case', { zone: 'Z1' }, BROKEN],
    ['of the empty text', { zone: '' }, BROKEN],
    ['of which one is broken', { zone: 'z1', at: { site: 's2' } }, BROKEN],
  ])('a document with a reference %s: %j, %s', async (_, body, code) => {
    await tenant().commit([store('z1', {}, zones), store('s1', {}, sites)])
    expect(await commit(store('b1', body))).toBe(code)
    expect(await tenant().ids()).toEqual(code === 'no error' ? ['b1'] : [])
  })

  test('a refusal names both collections, and nothing of the unit is done', async () => {
    const error = await refusal(tenant().commit([store('b1', {}), store('b2', { zone: 'z' })]), BROKEN)
    expect(error.parameters).toMatchObject({ collection: BENCHES, target: 'zones' })
    expect(await tenant().ids()).toEqual([])
  })

  test('what a document refers to may be stored in the same unit, before it or after it', async () => {
    expect(await commit(store('z1', {}, zones), store('b1', { zone: 'z1' }))).toBe('no error')
    expect(
      await commit(
        store('b2', { zone: 'z2', next: 'b3' }),
        store('z2', {}, zones),
        store('b3', { next: 'b2' }),
      ),
    ).toBe('no error')
  })

  test('a document that is referred to cannot be deleted for good', async () => {
    await tenant().commit([store('z1', {}, zones), store('z2', {}, zones), store('b1', { zone: 'z1' })])
    expect(await commit(remove('z1', zones))).toBe(BROKEN)
    expect(await commit({ kind: 'delete-where', ...zones, where: and() })).toBe(BROKEN)
    expect(await commit({ kind: 'replace-all', ...zones })).toBe(BROKEN)
    expect(await tenant().ids(zones)).toEqual(['z1', 'z2'])
    expect(await commit(remove('z2', zones))).toBe('no error')
  })

  test('it can be deleted together with what refers to it, or when that has changed, in any order', async () => {
    await tenant().commit([store('z1', {}, zones), store('b1', { zone: 'z1' }), store('b2', { zone: 'z1' })])
    expect(
      await commit(remove('z1', zones), remove('b1', { hard: true }), patch('b2', [erase('zone')])),
    ).toBe('no error')
  })

  test('a soft delete of what is referred to is no concern, a hard one is', async () => {
    await tenant().commit([store('s1', {}, sites), store('b1', { at: { site: 's1' } })])
    expect(await commit(remove('s1', sites))).toBe('no error')
    expect(await commit(store('b2', { at: { site: 's1' } })), 'to a marked one').toBe('no error')
    expect(await commit(remove('s1', { ...sites, hard: true }))).toBe(BROKEN)
  })

  test('a marked document still refers to others', async () => {
    await tenant().commit([store('z1', {}, zones), store('b1', { zone: 'z1' })])
    await tenant().commit([remove('b1')])
    expect(await commit(remove('z1', zones))).toBe(BROKEN)
    expect(await commit(remove('b1', { hard: true }), remove('z1', zones))).toBe('no error')
  })

  test.each([
    ['by id', patch('b1', [set('zone', 'none')]), BROKEN],
    ['by filter', patchWhere(compare('eq', 'z1', ['zone']), [set('zone', 'none')]), BROKEN],
    ['by renaming', patch('b1', [rename('other', 'zone')]), BROKEN],
    ['to another that exists', patch('b1', [set('zone', 'z2')]), 'no error'],
    ['to nothing', patch('b1', [set('zone', null)]), 'no error'],
  ] satisfies [string, WriteOperation, string][])(
    'a patch %s that changes a reference is looked at',
    async (_, operation, code) => {
      await tenant().commit([
        store('z1', {}, zones),
        store('z2', {}, zones),
        store('b1', { zone: 'z1', other: 'none' }),
      ])
      expect(await commit(operation)).toBe(code)
    },
  )

  test('a replacement keeps every reference whole', async () => {
    const near = [{ path: ['near'], collection: 'places' }]
    const collections = [
      { name: 'places', references: near },
      { name: 'rebuilt', references: near },
      { name: BENCHES, references: [{ path: ['place'], collection: 'places' }] },
    ]
    await using under = await opened(open, { collections })
    const own = new Tenant(under, '')
    await own.put({ a: { near: 'b' }, b: { near: 'a' } }, 'places')
    await own.put({ b1: { place: 'a' } })
    const replace = () => codeOf(own.commit([{ kind: 'replace-all', collection: 'places', from: 'rebuilt' }]))
    await own.put({ b: { near: 'a' } }, 'rebuilt')
    expect(await replace(), 'without what a bench refers to').toBe(BROKEN)
    await own.put({ a: { near: 'b', isNew: true } }, 'rebuilt')
    expect(await replace()).toBe('no error')
    expect(await own.query({ collection: 'places' })).toMatchObject([{ body: { isNew: true } }, { id: 'b' }])
    await own.put({ c: {} }, 'places')
    await own.put({ a: { near: 'c' } }, 'rebuilt')
    expect(await replace(), 'with a reference to what goes').toBe(BROKEN)
    expect(await own.ids({ collection: 'places' })).toEqual(['a', 'b', 'c'])
  })

  test('units that store and delete what is referred to at the same time leave no broken reference', async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `z${index}`)
    await tenant().commit(ids.map((id) => store(id, {}, zones)))
    await Promise.all(
      ids.flatMap((id) => [commit(store(`b-${id}`, { zone: id })), commit(remove(id, zones))]),
    )
    const left = new Set(await tenant().ids(zones))
    for (const { body } of await tenant().query()) expect(left).toContain(body.zone)
    expect(left.size + 20 - (await tenant().count())).toBeGreaterThanOrEqual(20)
  })

  test('documents that are there already and refer to nothing keep the reference from being declared', async () => {
    await using under = await opened(open, { collections: [ZONES, { name: 'vents' }] })
    const vents = new Tenant(under, '')
    await vents.put({ v1: { zone: 'z1' } }, 'vents')
    const schema = { collections: [{ name: 'vents', references: [{ path: ['zone'], collection: 'zones' }] }] }
    expect(await codeOf(under.database.prepare(schema))).toBe(BROKEN)
    await vents.put({ z1: {} }, 'zones')
    await under.database.prepare(schema)
    expect(await codeOf(vents.put({ v2: { zone: 'z2' } }, 'vents'))).toBe(BROKEN)
    await under.database.prepare({ collections: [{ name: 'vents' }] })
    expect(await codeOf(vents.put({ v2: { zone: 'z2' } }, 'vents')), 'not declared any more').toBe('no error')
  })
}
