import type { CommitOptions, WriteOperation } from '@millrace/documents'
import { describe, expect, test } from 'vitest'
import { and } from './database-filter-cases.ts'
import { codeOf, type DatabaseFactory, useTenant } from './database-harness.ts'
import {
  append,
  BENCHES,
  event,
  expectRevision,
  patch,
  position,
  remove,
  store,
} from './database-operations.ts'
import { set } from './database-patch-cases.ts'

const SCHEMA = {
  collections: [{ name: BENCHES }, { name: 'rebuilt' }, { name: 'other', softDelete: true }],
}

/** What units cannot be made of, and how large they may be. */
export function databaseInputTests(open: DatabaseFactory): void {
  const tenant = useTenant(open, SCHEMA)
  describe('documents', () => documentTests(tenant))
  describe('operations', () => operationTests(tenant))
  describe('sizes', () => sizeTests(tenant))
}

type ByTenant = ReturnType<typeof useTenant>

const text = (json: string) => store('b1', {}, { text: json })

function documentTests(tenant: ByTenant): void {
  test.each([
    ['no JSON', '{"a": }'],
    ['half of an object', '{"a": 1'],
    ['two objects', '{"a": 1} {"b": 2}'],
    ['a list', '[1]'],
    ['a text', '"{}"'],
    ['a number', '1'],
    ['null', 'null'],
    ['nothing', ''],
    ['what only JavaScript reads', "{a: 1, 'b': 2,}"],
    ['a comment', '{"a": 1 /* one */}'],
    ['a number that is none', '{"a": NaN}'],
    ['a number with a zero in front', '{"a": 01}'],
    ['a line end in a text', '{"a": "\n"}'],
    ['a zero character', '{"a": "\0"}'],
    ['a zero character by its number', '{"a": "\\u0000"}'],
    ['a zero character in a name', '{"a\\u0000": 1}'],
    ['half of a character by its number', '{"a": "\\ud83d"}'],
    ['half of a character', '{"a": "\ud83d"}'],
    ['halves of a character in the wrong order', '{"a": "\\ude00\\ud83d"}'],
    ['101 levels', `${'{"a":'.repeat(101)}1${'}'.repeat(101)}`],
    ['2,000 levels', `${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`],
    ['2,000 levels of lists', `{"a": ${'['.repeat(2_000)}${']'.repeat(2_000)}}`],
    ['no text at all', { a: 1 } as unknown as string],
    ['undefined', undefined as unknown as string],
  ])('a document whose text is %s is refused', async (_, json) => {
    expect(await codeOf(tenant().commit([store('fine', {}), text(json)]))).toBe('DOCUMENT_INVALID')
    expect(await tenant().ids()).toEqual([])
  })

  test('a document of a hundred levels is kept and found', async () => {
    const path = Array<string>(19).fill('a')
    await tenant().commit([text(`${'{"a":'.repeat(100)}1${'}'.repeat(100)}`)])
    expect(await tenant().ids({ where: { kind: 'exists', path } })).toEqual(['b1'])
    await tenant().commit([patch('b1', [set('b', 1)])])
    expect((await tenant().load('b1'))?.body.b).toBe(1)
  })

  test('a pair of halves that make a character is fine', async () => {
    await tenant().commit([text('{"a": "\\ud83d\\ude00", "\\u00e9": "\\u0001"}')])
    expect(await tenant().body('b1')).toEqual({ a: '😀', é: '\u0001' })
  })

  test('a document that is too large is refused, one that is as large as allowed is kept', async () => {
    const ofLength = (length: number) => text(`{"a":"${'x'.repeat(length - 8)}"}`)
    expect(await codeOf(tenant().commit([ofLength(1_048_577)]))).toBe('DOCUMENT_TOO_LARGE')
    expect(await codeOf(tenant().commit([ofLength(1_048_576)]))).toBe('no error')
    const kept = await tenant().body('b1')
    expect(kept?.a).toHaveLength(1_048_568)
  })

  test.each([
    ['nothing', ''],
    ['501 characters', 'x'.repeat(501)],
    ['half of a character', '\ud800'],
    ['a zero character', 'a\0'],
    ['a number', 7 as unknown as string],
    ['undefined', undefined as unknown as string],
  ])('an id of %s is refused by every operation, and found nowhere', async (_, id) => {
    const operations: WriteOperation[] = [
      store(id, {}),
      remove(id),
      patch(id, [set('a', 1)]),
      expectRevision(id, 0),
    ]
    for (const operation of operations) {
      expect(await codeOf(tenant().commit([operation])), operation.kind).toBe('DOCUMENT_ID_INVALID')
    }
    if (typeof id === 'string') {
      const read = { kind: 'load', collection: BENCHES, ids: [id], tenant: tenant().name } as const
      expect(await tenant().database.read([read])).toEqual([[]])
    }
  })
}

/** Operations that are OPERATION_INVALID. */
const BAD: readonly (readonly [string, unknown])[] = [
  ['no operation', null],
  ['a kind that does not exist', { kind: 'sql' }],
  ['a negative revision', store('a', {}, { expectedRevision: -1 })],
  ['half a revision', remove('a', { expectedRevision: 0.5 })],
  ['a revision that is a text', patch('a', [set('b', 1)], { expectedRevision: '1' as unknown as number })],
  ['an expectation without a revision', { kind: 'expect', collection: BENCHES, id: 'a' }],
  ['a hard delete that is a text', { kind: 'delete', collection: BENCHES, id: 'a', hard: 'yes' }],
  ['changes that are asked for by a number', { kind: 'delete-where', collection: BENCHES, withChanges: 1 }],
  ['a collection that replaces itself', { kind: 'replace-all', collection: BENCHES, from: BENCHES }],
  ['a replacement that is declared otherwise', { kind: 'replace-all', collection: BENCHES, from: 'other' }],
  ['a tenant that is a number', { ...store('a', {}), tenant: 1 }],
  ['a tenant of 201 characters', { ...store('a', {}), tenant: 'x'.repeat(201) }],
  ['a stream without a name', append('', ['a'])],
  ['a stream of 501 characters', append('s'.repeat(501), ['a'])],
  ['a stream that is a number', append(1 as unknown as string, ['a'])],
  ['a stream with a zero character', append('s\0', ['a'])],
  ['a stream with half of a character', append('\udc00', ['a'])],
  ['no events', append('s', [])],
  ['events that are no list', { kind: 'append', stream: 's', events: {} }],
  ['an event that is null', { kind: 'append', stream: 's', events: [null] }],
  ['an event without an id', { kind: 'append', stream: 's', events: [event('a', 0, { id: '' })] }],
  ['an event without a type', append('s', [''])],
  [
    'an event whose text is no object',
    { kind: 'append', stream: 's', events: [event('a', 0, { text: '[1]' })] },
  ],
  ['an event without a text', { kind: 'append', stream: 's', events: [event('a', 0, { text: '' })] }],
  [
    'an event with a zero character',
    { kind: 'append', stream: 's', events: [event('a', 0, { text: '{"a": "\0"}' })] },
  ],
  ['an event with an empty topic', { kind: 'append', stream: 's', events: [event('a', 0, { topic: '' })] }],
  [
    'an event of more than 1 MiB',
    { kind: 'append', stream: 's', events: [event('a', 'x'.repeat(1_048_576))] },
  ],
  ['a negative version', append('s', ['a'], { expectedVersion: -1 })],
  ['half a version', append('s', ['a'], { expectedVersion: 0.5 })],
  ['an empty stream type', append('s', ['a'], { streamType: '' })],
  ['a published event without a topic', { kind: 'publish', events: [event('a')] }],
  ['nothing to publish', { kind: 'publish', events: [] }],
  ['an archive of nothing', { kind: 'archive', stream: '' }],
  ['a tombstone of nothing', { kind: 'tombstone' }],
  ['a negative position to forget', { kind: 'forget-published', before: -1 }],
  ['a processor without a name', position('', 1)],
  ['a negative offset', position('p', -1)],
  ['half an offset', position('p', 0.5)],
  ['an offset that is too large to count with', position('p', Number.MAX_SAFE_INTEGER + 1)],
  ['a negative expected offset', position('p', 1, -1)],
  [
    'a topic without a name',
    { kind: 'position', processor: 'p', position: { topic: '', partition: 0, offset: 0 } },
  ],
  [
    'a negative partition',
    { kind: 'position', processor: 'p', position: { topic: 't', partition: -1, offset: 0 } },
  ],
  [
    'a partition beyond 31 bits',
    { kind: 'position', processor: 'p', position: { topic: 't', partition: 2 ** 31, offset: 0 } },
  ],
  ['a position that is none', { kind: 'position', processor: 'p' }],
]

function operationTests(tenant: ByTenant): void {
  test.each(BAD)('%s is refused, and nothing of the unit is done', async (_, operation) => {
    const unit = [store('new', {}), operation as WriteOperation]
    expect(await codeOf(tenant().commit(unit))).toBe('OPERATION_INVALID')
    expect(await tenant().ids()).toEqual([])
  })

  test.each([
    ['a tenant that is a number', { tenant: 1 }],
    ['a tenant with a zero character', { tenant: 'a\0' }],
    ['a tenant of 201 characters', { tenant: 'x'.repeat(201) }],
    ['an empty correlation id', { correlationId: '' }],
    ['a causation id of 501 characters', { causationId: 'x'.repeat(501) }],
    ['a causation id that is an object', { causationId: {} }],
  ])('a unit with %s is refused', async (_, options) => {
    const commit = tenant().database.commit([store('a', {})], options as CommitOptions)
    expect(await codeOf(commit)).toBe('OPERATION_INVALID')
  })

  test('operations that are no list are refused', async () => {
    const unit = store('a', {}) as unknown as WriteOperation[]
    expect(await codeOf(tenant().database.commit(unit))).toBe('OPERATION_INVALID')
  })
}

function sizeTests(tenant: ByTenant): void {
  test.each([
    ['10,001 operations', () => Array<WriteOperation>(10_001).fill(remove('b1'))],
    ['more than 32 Mi characters of documents', () => big(34, (x) => store('b1', { x }))],
    [
      'more than 32 Mi characters of events',
      () => big(34, (x) => ({ kind: 'append', stream: 's', events: [event('a', x)] })),
    ],
    ['more than 32 Mi characters of patches', () => big(34, (x) => patch('b1', [set('x', x)]))],
    ['10,001 events', () => [append('s', Array<string>(10_000).fill('a')), append('t', ['a'])]],
  ] satisfies [string, () => WriteOperation[]][])('a unit of %s is refused', async (_, unit) => {
    expect(await codeOf(tenant().commit(unit()))).toBe('COMMIT_TOO_LARGE')
    expect(await tenant().ids()).toEqual([])
    expect(await tenant().types('s')).toEqual([])
  })

  test('more than 10,000 changes that are asked for are refused, and nothing of the unit is done', async () => {
    const put = (from: number, to: number) =>
      tenant().commit(Array.from({ length: to - from }, (_, index) => store(`b${from + index}`, {})))
    await put(0, 10_000)
    const all = {
      kind: 'patch-where',
      collection: BENCHES,
      where: and(),
      patches: [set('n', 1)],
      withChanges: true,
    } as const
    const [result] = await tenant().commit([all])
    expect([result?.count, result?.changes?.length]).toEqual([10_000, 10_000])
    await put(10_000, 10_001)
    expect(await codeOf(tenant().commit([store('new', {}), all]))).toBe('COMMIT_TOO_LARGE')
    const gone = { kind: 'delete-where', collection: BENCHES, withChanges: true } as const
    expect(await codeOf(tenant().commit([gone]))).toBe('COMMIT_TOO_LARGE')
    expect(await tenant().count()).toBe(10_001)
    expect(await tenant().load('b0')).toMatchObject({ revision: 2 })
    await tenant().commit([{ kind: 'delete-where', collection: BENCHES }])
  }, 60_000)
}

/** So many operations of a million characters each. */
function big(count: number, make: (text: string) => WriteOperation): WriteOperation[] {
  const x = 'x'.repeat(1_000_000)
  return Array.from({ length: count }, () => make(x))
}
