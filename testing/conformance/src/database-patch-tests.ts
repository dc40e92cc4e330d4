import { applyPatches, type JsonValue, type Patch, type PatchedDocument } from '@millrace/documents'
import { isMillraceError } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'
import { and, compare } from './database-filter-cases.ts'
import { codeOf, type DatabaseFactory, refusal, useTenant } from './database-harness.ts'
import { BENCHES, idIs, patch, patchWhere, remove, store } from './database-operations.ts'
import {
  add,
  duplicate,
  erase,
  increment,
  insertAt,
  PATCH_CASES,
  rename,
  set,
} from './database-patch-cases.ts'

const SCHEMA = { collections: [{ name: 'benches' }] }

/** Changing parts of documents. */
export function databasePatchTests(open: DatabaseFactory): void {
  const tenant = useTenant(open, SCHEMA)
  describe('each patch', () => tableTests(tenant))
  describe('by id', () => idTests(tenant))
  describe('that make documents grow', () => growthTests(tenant))
  describe('by filter', () => filterTests(tenant))
  describe('that cannot be meant', () => badTests(tenant))
}

type ByTenant = ReturnType<typeof useTenant>

function tableTests(tenant: ByTenant): void {
  test.each(PATCH_CASES)('%s', async (_, before, change, after) => {
    const patches = listed(change)
    const isRefused = after === 'PATCH_REFUSED'
    expect(applied(before, patches), 'by definition').toEqual(after)
    await tenant().put({ 'by id': before, 'by filter': before, other: before })
    const outcomes = [
      await codeOf(tenant().commit([patch('by id', patches)])),
      await codeOf(tenant().commit([patchWhere(idIs('by filter'), patches)])),
    ]
    expect(outcomes).toEqual(Array(2).fill(isRefused ? 'PATCH_REFUSED' : 'no error'))
    const expected = { revision: isRefused ? 1 : 2, body: isRefused ? before : after }
    expect(await tenant().load('by id')).toMatchObject(expected)
    expect(await tenant().body('by id')).toEqual(expected.body)
    expect(await tenant().load('by filter')).toMatchObject({ ...expected, body: {} })
    expect(await tenant().body('by filter')).toEqual(expected.body)
    expect(await tenant().body('other')).toEqual(before)
  })
}

function listed(change: Patch | readonly Patch[]): readonly Patch[] {
  return 'kind' in change ? [change] : change
}

/** The document after the patches; or the code that they are refused with. */
function applied(body: PatchedDocument['body'], patches: readonly Patch[]): unknown {
  try {
    return applyPatches({ collection: BENCHES, id: 'd', body }, patches)
  } catch (error) {
    if (isMillraceError(error)) return error.code
    throw error
  }
}

function idTests(tenant: ByTenant): void {
  test('a patch says the new revision, and that one document was changed', async () => {
    await tenant().put({ b1: { n: 1 } })
    expect(await tenant().commit([patch('b1', [increment('n')])])).toEqual([{ revision: 2, count: 1 }])
    expect(await tenant().commit([patch('b1', [erase('nothing')])])).toEqual([{ revision: 3, count: 1 }])
  })

  test('a patch of a document that does not exist changes nothing', async () => {
    expect(await tenant().commit([patch('none', [set('n', 1)])])).toMatchObject([{ count: 0 }])
    expect(await tenant().load('none')).toBeUndefined()
  })

  test('a patch under an expected revision that holds passes', async () => {
    await tenant().put({ b1: { n: 1 } })
    const results = await tenant().commit([patch('b1', [increment('n')], { expectedRevision: 1 })])
    expect(results).toMatchObject([{ revision: 2 }])
  })

  test('patches of one unit see each other, and what was stored and deleted before', async () => {
    await tenant().put({ gone: { n: 1 } })
    const results = await tenant().commit([
      store('b1', { n: 1 }),
      patch('b1', [increment('n')]),
      patch('b1', [increment('n')]),
      remove('gone'),
      patch('gone', [increment('n')]),
      patchWhere(compare('eq', 3, ['n']), [set('seen', true)]),
    ])
    expect(results).toMatchObject([
      { revision: 1 },
      { revision: 2 },
      { revision: 3 },
      {},
      { count: 0 },
      { count: 1 },
    ])
    expect(await tenant().query()).toMatchObject([{ id: 'b1', revision: 4, body: { n: 3, seen: true } }])
  })

  test('a patch keeps the time of creation and moves the time of the last change', async () => {
    await tenant().put({ b1: {} })
    const created = await tenant().load('b1')
    const laterMs = await tenant().laterMs()
    await tenant().commit([patch('b1', [set('n', 1)])])
    const changed = await tenant().load('b1')
    expect(changed!.createdAtMs).toBe(created!.createdAtMs)
    expect(changed!.changedAtMs).toBeGreaterThan(laterMs)
  })

  test('many increments at once lose none', async () => {
    await tenant().put({ b1: { n: 0 } })
    await Promise.all(Array.from({ length: 50 }, () => tenant().commit([patch('b1', [increment('n')])])))
    expect(await tenant().load('b1')).toMatchObject({ revision: 51, body: { n: 50 } })
  })

  test('a refusal says which patch, which document and which path, and nothing of the unit is done', async () => {
    await tenant().put({ b1: { a: { b: 'text' } } })
    const error = await refusal(
      tenant().commit([store('new', {}), patch('b1', [set('x', 1), increment('a.b')])]),
      'PATCH_REFUSED',
    )
    expect(error.parameters).toMatchObject({ patch: 'increment', collection: BENCHES, id: 'b1' })
    expect(error.message).toContain('a')
    expect(await tenant().query()).toMatchObject([{ id: 'b1', revision: 1, body: { a: { b: 'text' } } }])
  })

  test('a hundred patches of one document are one change', async () => {
    await tenant().put({ b1: {} })
    const patches = Array.from({ length: 100 }, (_, index) => set(['in', `p${index}`], index))
    await tenant().commit([patch('b1', patches)])
    const { revision, body } = (await tenant().load('b1'))!
    expect(revision).toBe(2)
    expect(Object.keys(body.in as object)).toHaveLength(100)
  })

  test('a patch that makes a document too large is refused', async () => {
    const half = 'x'.repeat(600_000)
    await tenant().put({ b1: { half } })
    const grow = (one: Patch) => codeOf(tenant().commit([patch('b1', [one])]))
    expect(await grow(set('other', half))).toBe('DOCUMENT_TOO_LARGE')
    expect(await grow(duplicate('half', 'other'))).toBe('DOCUMENT_TOO_LARGE')
    expect(await grow(set('half', 'y'.repeat(600_000)))).toBe('no error')
    expect(await tenant().load('b1')).toMatchObject({ revision: 2 })
  })
}

function growthTests(tenant: ByTenant): void {
  test('a patch that nests a document deeper than it may be is refused', async () => {
    const levels = (count: number): JsonValue => (count === 0 ? 1 : { x: levels(count - 1) })
    const far = (name: string) => Array<string>(20).fill(name)
    await tenant().put({ b1: { a: levels(60) } })
    const patches = [duplicate('a', far('b')), duplicate('b', far('c'))]
    expect(await codeOf(tenant().commit([patch('b1', patches)]))).toBe('no error')
    expect(await codeOf(tenant().commit([patch('b1', [duplicate('c', far('d'))])]))).toBe('PATCH_REFUSED')
    expect(await codeOf(tenant().commit([patch('b1', [set(far('e'), levels(81))])]))).toBe('QUERY_INVALID')
    expect(await codeOf(tenant().commit([patch('b1', [add(far('e'), levels(80))])]))).toBe('QUERY_INVALID')
    expect(await codeOf(tenant().commit([patch('b1', [set(far('e'), levels(80))])]))).toBe('no error')
    expect(await tenant().load('b1')).toMatchObject({ revision: 3 })
  })

  test('copies of copies are refused before they fill the memory', async () => {
    await tenant().put({ b1: { a: { b: 'text' } } })
    const doubling = Array<Patch>(90).fill(duplicate('a', 'a.x', 'a.y'))
    expect(await codeOf(tenant().commit([patch('b1', doubling)]))).toBe('DOCUMENT_TOO_LARGE')
    expect(await codeOf(tenant().commit([patchWhere(and(), doubling)]))).toBe('DOCUMENT_TOO_LARGE')
    expect(await tenant().load('b1')).toMatchObject({ revision: 1 })
  })
}

function filterTests(tenant: ByTenant): void {
  test('a patch by filter changes every document that matches, once, and says how many', async () => {
    await tenant().put({ a: { n: 1 }, b: { n: 2 }, c: { n: 3 }, d: { n: 'x' } })
    // After the change `b` is what `c` was, and matches still: it must not be taken again.
    const results = await tenant().commit([patchWhere(compare('ge', 2, ['n']), [increment('n')])])
    expect(results).toEqual([{ count: 2 }])
    const found = (await tenant().query()).map(({ id, revision, body }) => [id, revision, body.n])
    expect(found).toEqual([
      ['a', 1, 1],
      ['b', 2, 3],
      ['c', 2, 4],
      ['d', 1, 'x'],
    ])
  })

  test('a patch by filter that matches nothing changes nothing', async () => {
    await tenant().put({ a: { n: 1 } })
    expect(await tenant().commit([patchWhere(compare('gt', 1, ['n']), [set('n', 0)])])).toEqual([
      { count: 0 },
    ])
    expect(await tenant().load('a')).toMatchObject({ revision: 1 })
  })

  test('a patch by filter that one document refuses leaves all as they were', async () => {
    await tenant().put({ a: { n: 1 }, b: { n: 'x' }, c: { n: 3 } })
    const error = await refusal(tenant().commit([patchWhere(and(), [increment('n')])]), 'PATCH_REFUSED')
    expect(error.parameters).toMatchObject({ id: 'b' })
    expect((await tenant().query()).map(({ revision }) => revision)).toEqual([1, 1, 1])
  })

  test('a patch by filter says on request what it has changed', async () => {
    await tenant().put({ a: { n: 1 }, b: { n: 2 } })
    await tenant().put({ b: { n: 2 } })
    const [result] = await tenant().commit([
      patchWhere(compare('ge', 1, ['n']), [increment('n')], { withChanges: true }),
    ])
    expect(result).toMatchObject({ count: 2 })
    expect([...result!.changes!].sort((left, right) => (left.id < right.id ? -1 : 1))).toEqual([
      { id: 'a', revision: 2 },
      { id: 'b', revision: 3 },
    ])
    const [none] = await tenant().commit([patchWhere(idIs('x'), [increment('n')], { withChanges: true })])
    expect(none).toEqual({ count: 0, changes: [] })
  })

  test('a thousand documents are patched by one operation', async () => {
    await tenant().put(
      Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`n${n}`, { n, tags: [] }])),
    )
    const patches = [add('tags', 'x'), insertAt('tags', 0, 'y')]
    const results = await tenant().commit([patchWhere(compare('ge', 0, ['n']), patches)])
    expect(results).toEqual([{ count: 1_000 }])
    const where = { kind: 'any', path: ['tags'], filter: compare('eq', 'y', []) } as const
    expect(await tenant().count({ where })).toBe(1_000)
  })
}

function badTests(tenant: ByTenant): void {
  const cases: readonly (readonly [string, unknown])[] = [
    ['the id', set('id', 'x')],
    ['something below the id', set('id.x', 'x')],
    ['the id, by deleting it', erase('id')],
    ['the id, by renaming it', rename('id', 'x')],
    ['the id, by renaming something to it', rename('a', 'id')],
    ['the id, by copying something to it', duplicate('a', 'b', 'id')],
    ['an empty path', set([], 1)],
    ['a path that is a text', { kind: 'set', path: 'a', value: 1 }],
    ['a path with a number in it', { kind: 'set', path: ['a', 0], value: 1 }],
    ['a path of 21 names', set(Array(21).fill('a'), 1)],
    ['a zero character in a path', set(['a\0'], 1)],
    ['half of a character in a path', set(['\ud800'], 1)],
    ['a name of 501 characters', set(['a'.repeat(501)], 1)],
    ['undefined', { kind: 'set', path: ['a'] }],
    ['a value that JSON does not have', { kind: 'set', path: ['a'], value: Number.NaN }],
    ['a date', { kind: 'append', path: ['a'], value: new Date(0) }],
    ['a text with a zero character', set('a', '\0')],
    ['a text with half of a character', set('a', ['\udc00'])],
    ['a name with a zero character in a value', set('a', { 'b\0': 1 })],
    ['an increment that is a text', { kind: 'increment', path: ['a'], by: '1' }],
    ['an increment that is infinite', increment('a', Number.POSITIVE_INFINITY)],
    ['a negative index', insertAt('a', -1, 0)],
    ['half an index', insertAt('a', 0.5, 0)],
    ['an index that is a text', { kind: 'insert-at', path: ['a'], index: '0', value: 0 }],
    ['a removal of some', { kind: 'remove', path: ['a'], value: 1, which: 'some' }],
    ['a new name that is none', { kind: 'rename', path: ['a'], to: 1 }],
    ['a new name with a zero character', rename('a', 'b\0')],
    ['a copy to an empty path', duplicate('a', [])],
    ['a copy to nothing', { kind: 'duplicate', path: ['a'], to: [] }],
    ['a kind that does not exist', { kind: 'sql', path: ['a'] }],
    ['no patch at all', null],
  ]
  test.each(cases)('a patch of %s is refused, and nothing is done', async (_, bad) => {
    await tenant().put({ b1: { a: [] } })
    const patches = [set('ok', 1), bad as Patch]
    for (const operation of [patch('b1', patches), patchWhere(idIs('b1'), patches)]) {
      expect(await codeOf(tenant().commit([store('new', {}), operation]))).toBe('QUERY_INVALID')
    }
    expect(await tenant().query()).toMatchObject([{ id: 'b1', revision: 1, body: { a: [] } }])
  })

  test.each([
    ['none', []],
    ['more than a hundred', Array.from({ length: 101 }, () => set('a', 1))],
    ['a text', 'a'],
  ])('patches that are %s are refused', async (_, patches) => {
    expect(await codeOf(tenant().commit([patch('b1', patches as Patch[])]))).toBe('QUERY_INVALID')
  })
}
