import type { DeletedChoice, Filter, WriteOperation } from '@millrace/documents'
import { expect, test } from 'vitest'
import { and, compare } from './database-filter-cases.ts'
import { codeOf, type DatabaseFactory, refusal, useTenant } from './database-harness.ts'
import { BENCHES, expectRevision, idIs, patch, patchWhere, remove, store } from './database-operations.ts'
import { set } from './database-patch-cases.ts'

const SCHEMA = { collections: [{ name: 'benches', softDelete: true }, { name: 'vents' }] }
const ONLY = { kind: 'only' } as const

type DeleteWhere = Extract<WriteOperation, { readonly kind: 'delete-where' }>

const removeWhere = (where?: Filter, rest: Partial<DeleteWhere> = {}): DeleteWhere => ({
  kind: 'delete-where',
  collection: BENCHES,
  ...(where === undefined ? {} : { where }),
  ...rest,
})

const restore = (where: Filter): WriteOperation => ({ kind: 'restore-where', collection: BENCHES, where })

/** Deletes that mark documents, and what takes them back. */
export function databaseSoftDeleteTests(open: DatabaseFactory): void {
  const tenant = useTenant(open, SCHEMA)

  /** Two documents, of which `gone` is marked as deleted. */
  async function oneDeleted() {
    await tenant().put({ here: { n: 1 }, gone: { n: 2 } })
    await tenant().commit([remove('gone')])
  }

  test.each([
    [undefined, ['here']],
    ['exclude', ['here']],
    ['include', ['gone', 'here']],
    [ONLY, ['gone']],
  ] satisfies [DeletedChoice | undefined, string[]][])(
    'with the choice %j every kind of read finds %j',
    async (deleted, expected) => {
      await oneDeleted()
      const choice = deleted === undefined ? {} : { deleted }
      const rest = { collection: BENCHES, tenant: tenant().name, ...choice }
      const [loaded, { documents, total }, count, [sum]] = await tenant().database.read([
        { kind: 'load', ids: ['gone', 'here'], ...rest },
        { kind: 'query', withTotal: true, ...rest },
        { kind: 'count', ...rest },
        { kind: 'aggregate', figures: [{ kind: 'sum', path: ['n'] }], ...rest },
      ])
      expect(loaded.map(({ id }) => id).sort()).toEqual(expected)
      expect(documents.map(({ id }) => id)).toEqual(expected)
      expect([total, count]).toEqual([expected.length, expected.length])
      expect(sum).toBe(expected.reduce((before, id) => before + (id === 'gone' ? 2 : 1), 0))
    },
  )

  test('a filter applies to documents that are marked as deleted as well', async () => {
    await oneDeleted()
    const where = compare('eq', 1, ['n'])
    expect(await tenant().ids({ where, deleted: ONLY })).toEqual([])
    expect(await tenant().ids({ where, deleted: 'include' })).toEqual(['here'])
  })

  test('a marked document keeps what it said, and says when it was deleted', async () => {
    await tenant().put({ b1: { n: 1 } })
    const laterMs = await tenant().laterMs()
    await tenant().commit([remove('b1')], { correlationId: 'c' })
    const found = (await tenant().load('b1', BENCHES, 'include'))!
    expect(found).toMatchObject({ revision: 2, body: { n: 1 }, correlationId: 'c' })
    expect(found.createdAtMs).toBeLessThan(laterMs)
    expect(found.deletedAtMs).toBeGreaterThan(laterMs)
    expect(found.changedAtMs).toBe(found.deletedAtMs)
  })

  test('a deleted and a restored document carry the correlation of the unit that did it', async () => {
    await tenant().commit([store('b1', {})], { correlationId: 'c1', causationId: 'e1' })
    await tenant().commit([remove('b1')])
    const deleted = (await tenant().load('b1', BENCHES, 'include'))!
    expect([deleted.correlationId, deleted.causationId]).toEqual([undefined, undefined])
    await tenant().commit([restore(idIs('b1'))], { causationId: 'e3' })
    const restored = (await tenant().load('b1'))!
    expect([restored.correlationId, restored.causationId]).toEqual([undefined, 'e3'])
  })

  test('documents can be asked for by the time at which they were deleted', async () => {
    await tenant().put({ a: {}, b: {}, c: {} })
    await tenant().commit([remove('a')])
    const firstMs = await tenant().laterMs()
    await tenant().commit([remove('b')])
    const secondMs = await tenant().laterMs()
    await tenant().commit([remove('c')])
    const ids = (choice: { sinceMs?: number; beforeMs?: number }) =>
      tenant().ids({ deleted: { kind: 'only', ...choice } })
    expect(await ids({ sinceMs: firstMs })).toEqual(['b', 'c'])
    expect(await ids({ beforeMs: firstMs })).toEqual(['a'])
    expect(await ids({ sinceMs: firstMs, beforeMs: secondMs })).toEqual(['b'])
    expect(await ids({ sinceMs: secondMs, beforeMs: firstMs })).toEqual([])
    const { deletedAtMs } = (await tenant().load('b', BENCHES, 'include'))!
    expect(await ids({ sinceMs: deletedAtMs!, beforeMs: secondMs }), 'at the time itself').toEqual(['b'])
    expect(await ids({ sinceMs: firstMs, beforeMs: deletedAtMs! }), 'before the time itself').toEqual([])
  })

  test('deleting a marked document again changes nothing', async () => {
    await oneDeleted()
    const before = await tenant().load('gone', BENCHES, 'include')
    expect(await tenant().commit([remove('gone'), removeWhere(idIs('gone'))])).toMatchObject([
      { count: 0 },
      { count: 0 },
    ])
    expect(await tenant().load('gone', BENCHES, 'include')).toEqual(before)
  })

  test('storing a marked document brings it back, and its revision goes on', async () => {
    await oneDeleted()
    expect(await tenant().commit([store('gone', { n: 3 })])).toEqual([{ revision: 3 }])
    const found = (await tenant().load('gone'))!
    expect(found).toMatchObject({ revision: 3, body: { n: 3 } })
    expect(found.deletedAtMs).toBeUndefined()
    expect(await tenant().ids({ deleted: ONLY })).toEqual([])
  })

  test('a marked document can be inserted again, and its revision goes on', async () => {
    await oneDeleted()
    expect(await tenant().commit([store('gone', { n: 3 }, { expectedRevision: 0 })])).toEqual([
      { revision: 3 },
    ])
  })

  test.each([
    ['storing', store('gone', {}, { expectedRevision: 2 })],
    ['patching', patch('gone', [set('n', 1)], { expectedRevision: 2 })],
    ['deleting', remove('gone', { expectedRevision: 2 })],
    ['expecting', expectRevision('gone', 2)],
  ] satisfies [string, WriteOperation][])(
    '%s a marked document at its revision is a conflict with revision 0',
    async (_, operation) => {
      await oneDeleted()
      const error = await refusal(tenant().commit([operation]), 'DOCUMENT_CONFLICT')
      expect(error.parameters).toMatchObject({ seen: 0, expected: 2 })
    },
  )

  test('who expects a marked document not to exist is right', async () => {
    await oneDeleted()
    expect(await codeOf(tenant().commit([expectRevision('gone', 0)]))).toBe('no error')
    expect(await codeOf(tenant().commit([remove('gone', { expectedRevision: 0 })]))).toBe('no error')
    expect(await tenant().load('gone', BENCHES, ONLY)).toMatchObject({ revision: 2 })
  })

  test('patches do not reach marked documents', async () => {
    await oneDeleted()
    expect(await tenant().commit([patch('gone', [set('n', 9)])])).toMatchObject([{ count: 0 }])
    expect(await tenant().commit([patchWhere(and(), [set('n', 9)])])).toMatchObject([{ count: 1 }])
    expect(await tenant().load('gone', BENCHES, ONLY)).toMatchObject({ revision: 2, body: { n: 2 } })
  })

  test('a delete by filter marks what matches, and says how many', async () => {
    await tenant().put({ a: { n: 1 }, b: { n: 2 }, c: { n: 3 } })
    expect(await tenant().commit([removeWhere(compare('ge', 2, ['n']))])).toEqual([{ count: 2 }])
    expect(await tenant().ids()).toEqual(['a'])
    expect(await tenant().query({ deleted: ONLY })).toMatchObject([
      { id: 'b', revision: 2, body: { n: 2 } },
      { id: 'c', revision: 2 },
    ])
    expect(await tenant().commit([removeWhere()])).toEqual([{ count: 1 }])
    expect(await tenant().count({ deleted: 'include' })).toBe(3)
  })

  test('a delete by filter says on request what it has deleted', async () => {
    await tenant().put({ a: {}, b: {} })
    await tenant().put({ b: {} })
    const changes = async (operation: WriteOperation) => {
      const [result] = await tenant().commit([operation])
      return [...(result?.changes ?? [])].sort((left, right) => (left.id < right.id ? -1 : 1))
    }
    expect(await changes(removeWhere(undefined, { withChanges: true }))).toEqual([
      { id: 'a', revision: 2 },
      { id: 'b', revision: 3 },
    ])
    expect(await changes(removeWhere(idIs('b'), { withChanges: true, hard: true }))).toEqual([
      { id: 'b', revision: 3 },
    ])
  })

  test('a restore takes back what matches, and raises its revision', async () => {
    await tenant().put({ a: { n: 1 }, b: { n: 2 }, c: { n: 3 }, d: { n: 4 } })
    await tenant().commit([remove('a'), remove('b'), remove('c')])
    const laterMs = await tenant().laterMs()
    expect(await tenant().commit([restore(compare('ge', 2, ['n']))])).toEqual([{ count: 2 }])
    const found = await tenant().query()
    expect(found.map(({ id, revision, body }) => [id, revision, body.n])).toEqual([
      ['b', 3, 2],
      ['c', 3, 3],
      ['d', 1, 4],
    ])
    expect(found[0]!.deletedAtMs).toBeUndefined()
    expect(found[0]!.changedAtMs).toBeGreaterThan(laterMs)
    expect(await tenant().ids({ deleted: ONLY })).toEqual(['a'])
    expect(await tenant().commit([restore(idIs('b')), restore(idIs('none'))])).toEqual([
      { count: 0 },
      { count: 0 },
    ])
  })

  test('a hard delete takes a document for good, marked or not, and it begins again at revision 1', async () => {
    await oneDeleted()
    const hard = { hard: true }
    expect(
      await tenant().commit([remove('gone', hard), remove('here', hard), remove('none', hard)]),
    ).toMatchObject([{ count: 1 }, { count: 1 }, { count: 0 }])
    expect(await tenant().count({ deleted: 'include' })).toBe(0)
    expect(await tenant().commit([store('gone', {})])).toEqual([{ revision: 1 }])
  })

  test('a hard delete by filter takes marked documents as well', async () => {
    await oneDeleted()
    await tenant().put({ other: { n: 9 } })
    expect(await tenant().commit([removeWhere(compare('le', 2, ['n']), { hard: true })])).toEqual([
      { count: 2 },
    ])
    expect(await tenant().ids({ deleted: 'include' })).toEqual(['other'])
  })

  test('operations of one unit see the marks of earlier ones', async () => {
    await tenant().put({ a: { n: 1 } })
    const results = await tenant().commit([
      remove('a'),
      patch('a', [set('n', 2)]),
      restore(idIs('a')),
      patch('a', [set('n', 3)]),
      remove('a'),
      store('a', { n: 4 }, { expectedRevision: 0 }),
    ])
    expect(results).toMatchObject([
      { count: 1 },
      { count: 0 },
      { count: 1 },
      { revision: 4 },
      { count: 1 },
      { revision: 6 },
    ])
    expect(await tenant().load('a')).toMatchObject({ revision: 6, body: { n: 4 } })
  })

  test('in a collection without soft deletes, deleted documents are gone whatever is asked for', async () => {
    await tenant().put({ a: {}, b: {} }, 'vents')
    await tenant().commit([remove('a', { collection: 'vents' })])
    expect(await tenant().ids({ collection: 'vents', deleted: 'include' })).toEqual(['b'])
    expect(await tenant().ids({ collection: 'vents', deleted: ONLY })).toEqual([])
    const restored = { kind: 'restore-where', collection: 'vents', where: and() } as const
    expect(await tenant().commit([removeWhere(undefined, { collection: 'vents' }), restored])).toEqual([
      { count: 1 },
      { count: 0 },
    ])
    expect(await tenant().count({ collection: 'vents', deleted: 'include' })).toBe(0)
  })
}
