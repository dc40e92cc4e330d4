import type { TransformStep } from '@millrace/documents'
import { expect, test } from 'vitest'
import { compare } from './database-filter-cases.ts'
import { codeOf, type DatabaseFactory, refusal, useTenant } from './database-harness.ts'
import { BENCHES, remove, store } from './database-operations.ts'

const SCHEMA = {
  collections: [
    {
      name: BENCHES,
      softDelete: true,
      fullText: [['note']],
      indexes: [{ kind: 'property', name: 'by-code', paths: [['code']], unique: true }],
    },
  ],
} as const

/** Changing documents with a function inside the engine, where it can. */
export function databaseTransformTests(open: DatabaseFactory): void {
  const tenant = useTenant(open, SCHEMA)
  const can = () => tenant().database.supports.transforms
  const transform = (source: string, rest: Partial<TransformStep> = {}) =>
    tenant().database.transform({ collection: BENCHES, tenant: tenant().name, source, limit: 100, ...rest })

  test('a function changes documents, leaves them as they are, or deletes them for good', async () => {
    if (!can()) return
    await tenant().put({ a: { n: 1 }, b: { n: 2 }, c: { n: 3 } })
    const source = `(document) => {
      if (document.n === 2) return undefined
      if (document.n === 3) return null
      return { ...document, n: document.n + 10, note: 'changed' }
    }`
    expect(await transform(source)).toEqual({ seen: 3, changed: 1, deleted: 1, last: 'c' })
    expect(await tenant().query({ deleted: 'include' })).toMatchObject([
      { id: 'a', revision: 2, body: { n: 11, note: 'changed' } },
      { id: 'b', revision: 1, body: { n: 2 } },
    ])
    expect(await tenant().ids({ where: { kind: 'search', text: 'changed' } })).toEqual(['a'])
    expect(await tenant().ids({ where: compare('eq', 11, ['n']) })).toEqual(['a'])
  })

  test.each([
    'function (document) { return { ...document, n: 2 } }',
    'function named(document) { document.n = 2; return document }',
    '({ ...rest }) => ({ ...rest, n: 2 })',
    '(document) => { const add = (n) => n + 1; return { ...document, n: add(document.n) } } // comment',
    '(() => { const two = 2; return (document) => ({ ...document, n: two }) })()',
  ])('%s is a function that can be used', async (source) => {
    if (!can()) return
    await tenant().put({ a: { n: 1, text: 'ä🧀"\'\\' } })
    expect(await transform(source)).toMatchObject({ seen: 1, changed: 1 })
    expect(await tenant().body('a')).toEqual({ n: 2, text: 'ä🧀"\'\\' })
  })

  test('a piece goes on behind an id, in the order of ids, and the last one finds nothing', async () => {
    if (!can()) return
    const ids = ['A', 'a', 'b', 'é', '\ue000', '😀', 'c']
    await tenant().put(Object.fromEntries(ids.map((id) => [id, { n: 0 }])))
    const seen: (string | undefined)[] = []
    for (let after: string | undefined, left = 10; left > 0; left -= 1) {
      const rest = after === undefined ? { limit: 2 } : { limit: 2, after }
      const outcome = await transform('(document) => ({ n: document.n + 1 })', rest)
      seen.push(outcome.last)
      if (outcome.last === undefined) break
      after = outcome.last
    }
    expect(seen).toEqual(['a', 'c', '\ue000', '😀', undefined])
    for (const { body, revision } of await tenant().query()) expect([body.n, revision]).toEqual([1, 2])
  })

  test('documents that are marked as deleted are changed too, and stay marked', async () => {
    if (!can()) return
    await tenant().put({ a: { n: 1 } })
    await tenant().commit([remove('a')])
    expect(await transform('(document) => ({ n: 2 })')).toMatchObject({ seen: 1, changed: 1 })
    expect(await tenant().load('a')).toBeUndefined()
    expect(await tenant().load('a', BENCHES, 'include')).toMatchObject({ revision: 3, body: { n: 2 } })
  })

  test('other tenants are not touched', async () => {
    if (!can()) return
    await tenant().put({ a: { n: 1 } })
    await tenant().commit([store('b', { n: 1 }, { tenant: 'other' })])
    expect(await transform('() => null')).toEqual({ seen: 1, changed: 0, deleted: 1, last: 'a' })
    expect(await tenant().database.read([{ kind: 'count', collection: BENCHES, tenant: 'other' }])).toEqual([
      1,
    ])
    await tenant().commit([remove('b', { tenant: 'other', hard: true })])
  })

  test.each([
    ['throws', '(document) => { throw new Error("no") }'],
    ['throws something else', '() => { throw null }'],
    ['fails', '(document) => document.none.none'],
    ['returns a number', '() => 1'],
    ['returns a text', '() => "{}"'],
    ['returns a list', '() => []'],
    ['returns false', '() => false'],
    ['returns a promise', 'async (document) => document'],
    ['returns what JSON cannot hold', '(document) => ({ at: 1n })'],
    ['returns a number that is none', '(document) => ({ n: 0 / 0 })'],
    ['returns itself in itself', '(document) => { document.self = document; return document }'],
    ['changes the id', '(document) => ({ ...document, id: "other" })'],
    ['takes the id away', '(document) => ({ n: 1 })'],
    ['is no function', '5'],
    ['is no JavaScript', '(document => '],
    ['is two statements', '(document) => document; 5'],
    ['never ends', '() => { for (;;) {} }'],
    ['looks for its surroundings', '() => ({ id: process.pid })'],
    ['looks for modules', '() => ({ id: require("fs") })'],
  ])('a function that %s fails, and nothing of the piece is done', async (_, wrong) => {
    if (!can()) return
    await tenant().put({ a: { id: 'a', n: 1 }, b: { id: 'b', n: 1 } })
    const isBad = wrong.includes('=>') && !wrong.endsWith('=> ') && !wrong.endsWith('5')
    const source = isBad
      ? `(document) => document.id === 'a' ? { ...document, n: 2 } : (${wrong})(document)`
      : wrong
    const error = await refusal(transform(source), 'TRANSFORM_FAILED')
    expect(error.parameters.collection).toBe(BENCHES)
    if (isBad) expect(error.parameters.id).toBe('b')
    expect(await tenant().query()).toMatchObject([
      { id: 'a', revision: 1, body: { n: 1 } },
      { id: 'b', revision: 1, body: { n: 1 } },
    ])
  })

  test('what is unique stays so', async () => {
    if (!can()) return
    await tenant().put({ a: { code: 1 }, b: { code: 2 } })
    expect(await codeOf(transform('(document) => ({ code: 3 })'))).toBe('DOCUMENT_NOT_UNIQUE')
    expect(await tenant().query()).toMatchObject([{ body: { code: 1 } }, { body: { code: 2 } }])
  })

  test.each([
    ['an unknown collection', { collection: 'nobody' }, 'COLLECTION_UNKNOWN'],
    ['a limit of none', { limit: 0 }, 'OPERATION_INVALID'],
    ['half a limit', { limit: 0.5 }, 'OPERATION_INVALID'],
    ['a limit of 10,001', { limit: 10_001 }, 'OPERATION_INVALID'],
    ['an empty source', { source: '' }, 'OPERATION_INVALID'],
    ['a source that is no text', { source: (() => null) as unknown as string }, 'OPERATION_INVALID'],
    ['a tenant that is no text', { tenant: 5 as unknown as string }, 'OPERATION_INVALID'],
    ['half of a character to begin behind', { after: '\ud800' }, 'OPERATION_INVALID'],
  ] satisfies [string, Partial<TransformStep>, string][])('%s is refused', async (_, rest, code) => {
    if (!can()) return
    expect(await codeOf(transform('(document) => document', rest))).toBe(code)
  })
}
