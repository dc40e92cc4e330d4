import type { Patch, QueryRead, WriteOperation } from '@millrace/documents'
import { expect, test } from 'vitest'
import { codeOf, type DatabaseFactory, nowMsOf, refusal, useTenant } from './database-harness.ts'
import { BENCHES, type Body, idIs, patch, patchWhere, remove, store } from './database-operations.ts'

const SCHEMA = { collections: ['benches', 'Benches', 'BENCHES', 'be-n_ch9'].map((name) => ({ name })) }

const setN = (id: string, rest: { expectedRevision?: number } = {}) =>
  patch(id, [{ kind: 'set', path: ['n'], value: 3 }], rest)

/** Storing, loading and deleting documents by id. */
export function databaseDocumentTests(open: DatabaseFactory): void {
  const tenant = useTenant(open, SCHEMA)

  test('a stored document comes back as it was, with revision 1', async () => {
    const body = {
      id: 'b1',
      celsius: 21.5,
      last: { at: null, tags: ['a', 1, true], nothing: {}, none: [] },
      note: 'käse 🧀 \u0001 "\'\\ \u2028\ud83d\ude00 \t\n',
      '': { ' ': 0 },
    }
    expect(await tenant().commit([store('b1', body)])).toEqual([{ revision: 1 }])
    expect(await tenant().load('b1')).toMatchObject({ id: 'b1', revision: 1 })
    expect(await tenant().body('b1')).toEqual(body)
  })

  test.each([
    0,
    -1,
    0.1,
    1.5e300,
    -1e-300,
    5e-324,
    1.7976931348623157e308,
    2 ** 53,
    2 ** 53 + 2,
    2 ** 63,
    1e21,
    1e-7,
    0.30000000000000004,
    123456789012345680,
  ])('the number %d comes back to the last digit', async (v) => {
    await tenant().put({ n: { v, list: [v], in: { v } } })
    expect(await tenant().body('n')).toEqual({ v, list: [v], in: { v } })
  })

  test.each([
    ['__proto__', '{"__proto__": {"a": 1}}'],
    ['a name with a dot', '{"a.b": 1, "a": {"b": 2}}'],
    ['quotes', String.raw`{"\"": 1, "'": 2, "\\": 3}`],
    ['dollar signs and brackets', '{"$": 1, "$.a": 2, "[0]": 3, "#-1": 4, "a[1]": 5}'],
    ['names that only differ by case or by form', '{"a": 1, "A": 2, "\u00e9": 3, "e\u0301": 4}'],
    ['numbers as names', '{"1": "a", "0": "b", "-1": "c", "1.5": "d"}'],
    ['an empty object', '{}'],
    ['an empty name', '{"": {"": {"": 1}}}'],
    ['nothing but null', '{"a": null}'],
    ['names that are words of SQL and JavaScript', '{"null": 1, "select": 2, "constructor": 3, "length": 4}'],
    ['text that looks like JSON', String.raw`{"a": "{\"b\": 1}", "c": "null", "d": "[1]"}`],
    ['lists in lists', '{"a": [[], [[]], [1, [2, {"b": [3]}]], null]}'],
  ])('a document with %s comes back as it was', async (_, text) => {
    await tenant().commit([{ kind: 'store', collection: BENCHES, id: 'd', text }])
    expect(JSON.stringify(sorted(await tenant().body('d')))).toBe(JSON.stringify(sorted(JSON.parse(text))))
  })

  test('numbers that JavaScript cannot hold keep their digits, also beside what a patch changes', async () => {
    const numbers = [
      '12345678901234567890',
      '-98765432109876543210',
      '0.1234567890123456789',
      '3.14159265358979323846',
    ]
    const written = `{"n": 1, "list": [${numbers.join(', ')}], "in": {"v": ${numbers[0]}}}`
    const one = { kind: 'set', path: ['n'], value: 2 } as const
    const more: readonly Patch[] = [
      { kind: 'append', path: ['list'], value: 1 },
      { kind: 'rename', path: ['in', 'v'], to: 'w' },
      { kind: 'duplicate', path: ['list'], to: [['copy']] },
    ]
    const digits = async (parts: Pick<QueryRead, 'select'> = {}) => {
      const [{ documents }] = await tenant().database.read([
        { kind: 'query', collection: BENCHES, tenant: tenant().name, ...parts },
      ])
      return numbers.filter((number) => documents[0]?.text.includes(number))
    }
    await tenant().commit([{ kind: 'store', collection: BENCHES, id: 'b1', text: written }])
    expect(await digits()).toEqual(numbers)
    expect(await digits({ select: { list: ['list'] } })).toEqual(numbers)
    await tenant().commit([patch('b1', [one])])
    await tenant().commit([patchWhere(idIs('b1'), more)])
    expect(await digits()).toEqual(numbers)
    expect(await digits({ select: { copy: ['copy'] } })).toEqual(numbers)
    const where = { kind: 'compare', path: ['in', 'w'], operator: 'eq', value: 12345678901234567000 } as const
    expect(await tenant().ids({ where }), 'as 64-bit floating point').toEqual(['b1'])
  })

  test('every change of a document raises its revision by one', async () => {
    await tenant().put({ b1: { n: 1 } })
    expect(await tenant().commit([store('b1', { n: 2 }), store('b1', { n: 3 })])).toEqual([
      { revision: 2 },
      { revision: 3 },
    ])
    expect(await tenant().load('b1')).toMatchObject({ revision: 3, body: { n: 3 } })
  })

  test('storing a document replaces all of it', async () => {
    await tenant().put({ b1: { a: 1, in: { b: 2 } } })
    await tenant().put({ b1: { in: {} } })
    expect(await tenant().body('b1')).toEqual({ in: {} })
  })

  test('a deleted document is gone, deleting it again does nothing, and storing it again starts at revision 1', async () => {
    await tenant().commit([store('b1', {}), store('b1', {})])
    expect(await tenant().commit([remove('b1')])).toMatchObject([{ count: 1 }])
    expect(await tenant().load('b1')).toBeUndefined()
    expect(await tenant().commit([remove('b1'), store('b1', {})])).toMatchObject([
      { count: 0 },
      { revision: 1 },
    ])
  })

  test('loading gives each document that exists once, and nothing for the others', async () => {
    await tenant().put({ b1: {}, b2: {}, b3: {} })
    const load = (ids: string[]) =>
      tenant().database.read([{ kind: 'load', collection: BENCHES, ids, tenant: tenant().name }])
    const [documents] = await load(['b2', 'none', 'b1', 'b2'])
    expect(documents.map(({ id }) => id).sort()).toEqual(['b1', 'b2'])
    expect(await load([])).toEqual([[]])
  })

  test('ten thousand ids can be loaded at once', async () => {
    await tenant().put({ b1: {}, b9999: {} })
    const ids = Array.from({ length: 10_000 }, (_, index) => `b${index}`)
    const [documents] = await tenant().database.read([
      { kind: 'load', collection: BENCHES, ids, tenant: tenant().name },
    ])
    expect(documents.map(({ id }) => id).sort()).toEqual(['b1', 'b9999'])
  })

  test('operations are copied before commit returns: changing them afterwards changes nothing', async () => {
    const operations = [{ ...store('b1', { celsius: 1 }) }]
    const committed = tenant().commit(operations)
    Object.assign(operations[0]!, { id: 'b2', text: '{"celsius": 2}' })
    operations.push(store('b3', {}))
    await committed
    expect(await tenant().ids()).toEqual(['b1'])
    expect(await tenant().body('b1')).toEqual({ celsius: 1 })
  })

  test('collections whose names differ by case are different collections', async () => {
    await tenant().commit([store('b1', {}), store('b1', { big: true }, { collection: 'Benches' })])
    expect(await tenant().body('b1')).toEqual({})
    expect(await tenant().body('b1', 'Benches')).toEqual({ big: true })
    expect(await tenant().load('b1', 'BENCHES')).toBeUndefined()
  })

  test.each([
    `'; DROP TABLE "documents_benches"; --`,
    '" OR 1=1',
    '?',
    '$1',
    '\\',
    '%',
    'ünï😀',
    ' ',
    'a\nb',
    'null',
    'x'.repeat(500),
  ])('the id %j and contents like it are texts like any other', async (id) => {
    const body = { id, text: [id], [id]: { [id]: id } }
    await tenant().put({ [id]: body, other: {} })
    expect(await tenant().load(id)).toMatchObject({ id, revision: 1, body })
    await tenant().commit([remove(id)])
    expect(await tenant().ids()).toEqual(['other'])
  })

  conflictTests(tenant)
  metadataTests(tenant)
}

type ByTenant = ReturnType<typeof useTenant>

function conflictTests(tenant: ByTenant): void {
  test.each([
    ['storing at a revision that has passed', store('b1', {}, { expectedRevision: 1 })],
    ['storing at a revision that has not come', store('b1', {}, { expectedRevision: 3 })],
    ['inserting what exists', store('b1', {}, { expectedRevision: 0 })],
    ['updating what does not exist', store('none', {}, { expectedRevision: 1 })],
    ['deleting at a revision that has passed', remove('b1', { expectedRevision: 1 })],
    ['deleting what does not exist at a revision', remove('none', { expectedRevision: 2 })],
    ['deleting, if it does not exist, what exists', remove('b1', { expectedRevision: 0 })],
    ['patching at a revision that has passed', setN('b1', { expectedRevision: 1 })],
    ['patching what does not exist at a revision', setN('none', { expectedRevision: 1 })],
    ['patching, if it does not exist, what exists', setN('b1', { expectedRevision: 0 })],
  ] satisfies [string, WriteOperation][])('%s is a conflict', async (_, operation) => {
    await tenant().commit([store('b1', { n: 1 }), store('b1', { n: 2 })])
    expect(await codeOf(tenant().commit([store('new', {}), operation]))).toBe('DOCUMENT_CONFLICT')
    expect(await tenant().query()).toMatchObject([{ id: 'b1', revision: 2, body: { n: 2 } }])
  })

  test('a conflict says which document, which revision was expected, and which was seen', async () => {
    await tenant().commit([store('b1', {}), store('b1', {})])
    const error = await refusal(
      tenant().commit([store('b1', {}, { expectedRevision: 7 })]),
      'DOCUMENT_CONFLICT',
    )
    expect(error.parameters).toMatchObject({ collection: BENCHES, id: 'b1', seen: 2, expected: 7 })
  })

  test('expected revisions that hold let the write pass', async () => {
    const operations = [
      store('b1', {}, { expectedRevision: 0 }),
      store('b1', {}, { expectedRevision: 1 }),
      remove('b1', { expectedRevision: 2 }),
      remove('b1', { expectedRevision: 0 }),
    ]
    expect(await tenant().commit(operations)).toMatchObject([
      { revision: 1 },
      { revision: 2 },
      { count: 1 },
      { count: 0 },
    ])
  })

  test('of two writers that read the same revision, one wins and the other is told', async () => {
    await tenant().put({ b1: { by: 'nobody' } })
    const writes = ['first', 'second'].map((by) =>
      tenant().commit([store('b1', { by }, { expectedRevision: 1 })]),
    )
    const outcomes = await Promise.allSettled(writes)
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const by = outcomes[0]?.status === 'fulfilled' ? 'first' : 'second'
    expect(await tenant().load('b1')).toMatchObject({ revision: 2, body: { by } })
  })
}

function metadataTests(tenant: ByTenant): void {
  test('a document knows when it was created and when it was changed last', async () => {
    const beforeMs = nowMsOf(tenant().under)
    await tenant().put({ b1: {} })
    const created = (await tenant().load('b1'))!
    const afterMs = nowMsOf(tenant().under)
    // An engine on a server has the server's clock.
    expect(created.createdAtMs).toBeGreaterThanOrEqual(beforeMs - 5_000)
    expect(created.createdAtMs).toBeLessThanOrEqual(afterMs + 5_000)
    expect(created.createdAtMs).toSatisfy(Number.isSafeInteger)
    expect(created.changedAtMs).toBe(created.createdAtMs)
    expect(created.deletedAtMs).toBeUndefined()
    const laterMs = await tenant().laterMs()
    await tenant().put({ b1: {} })
    const changed = (await tenant().load('b1'))!
    expect(changed.createdAtMs).toBe(created.createdAtMs)
    expect(changed.changedAtMs).toBeGreaterThan(laterMs)
  })

  test('a document that was deleted for good and stored again is created anew', async () => {
    await tenant().put({ b1: {} })
    const laterMs = await tenant().laterMs()
    await tenant().commit([remove('b1')])
    await tenant().put({ b1: {} })
    expect((await tenant().load('b1'))!.createdAtMs).toBeGreaterThan(laterMs)
  })

  test('a document carries the correlation and causation of the last unit that changed it', async () => {
    const metadata = { correlationId: "c'1", causationId: 'e"1' }
    await tenant().commit([store('b1', {}), store('b2', {})], metadata)
    expect(await tenant().load('b1')).toMatchObject(metadata)
    await tenant().commit([store('b1', {})], { causationId: 'e2' })
    const b1 = (await tenant().load('b1'))!
    expect([b1.correlationId, b1.causationId]).toEqual([undefined, 'e2'])
    await tenant().commit([setN('b2')], { correlationId: 'c2' })
    const b2 = (await tenant().load('b2'))!
    expect([b2.correlationId, b2.causationId]).toEqual(['c2', undefined])
  })

  test('a query gives the same metadata as loading', async () => {
    await tenant().commit([store('b1', { n: 1 })], { correlationId: 'c' })
    expect(await tenant().query()).toEqual([await tenant().load('b1')])
  })
}

/** With the properties of every object in the order of their names: engines may keep them in any order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const names = Object.keys(value).sort()
  return names.map((name) => [name, sorted((value as Body)[name])])
}
