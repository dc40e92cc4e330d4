import {
  KnownSchema,
  documentLimits as limits,
  prepareCommit,
  type WriteOperation,
} from '@millrace/documents'
import type { ErrorCode } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'
import { codeOf } from './code-of.ts'

const known = new KnownSchema()
known.add(
  known.check({
    collections: [
      { name: 'benches', fullText: [['note']] },
      { name: 'benches-next', fullText: [['note']] },
      { name: 'vents', softDelete: true },
    ],
    tables: [
      {
        name: 'hours',
        columns: { day: 'text', hour: 'number', sum: 'number', open: 'boolean', note: 'text' },
        key: ['day', 'hour'],
      },
    ],
  }),
)

const prepare = (...operations: unknown[]) => prepareCommit(operations as WriteOperation[], undefined, known)
const prepareOne = (operation: unknown) => prepare(operation).operations[0]

const where = { kind: 'compare', path: ['a'], operator: 'eq', value: 1 }
const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
const patches = [{ kind: 'set', path: ['a'], value: 1 }]
const store = { kind: 'store', collection: 'benches', id: 'b1', text: '{}' }
const patch = { kind: 'patch', collection: 'benches', id: 'b1', patches }
const event = { id: 'e1', type: 'reading', text: '{}' }
const append = { kind: 'append', stream: 's1', events: [event] }
const position = { kind: 'position', processor: 'p', position: { topic: 't', partition: 0, offset: 1 } }
const row = { kind: 'put-row', table: 'hours', key: { day: 'monday', hour: 1 } }

describe('a prepared commit', () => {
  test('has every operation with its defaults and its tenant', () => {
    const { operations } = prepareCommit(
      [store, { ...patch, tenant: 'other' }, append, position, row] as WriteOperation[],
      { tenant: 'own', correlationId: 'c1' },
      known,
    )
    expect(operations).toEqual([
      { ...store, tenant: 'own', expectedRevision: undefined },
      { ...patch, tenant: 'other', expectedRevision: undefined },
      {
        ...append,
        tenant: 'own',
        streamType: undefined,
        expectedVersion: undefined,
        events: [{ ...event, topic: undefined }],
      },
      { ...position, tenant: 'own', expectedOffset: undefined },
      { ...row, tenant: 'own', set: {}, add: {} },
    ])
  })

  test('says of every delete in a collection without soft deletes that it is for good', () => {
    const remove = { kind: 'delete', collection: 'benches', id: 'b1' }
    expect(prepareOne(remove)).toMatchObject({ hard: true })
    expect(prepareOne({ ...remove, collection: 'vents' })).toMatchObject({ hard: false })
    expect(prepareOne({ ...remove, collection: 'vents', hard: true })).toMatchObject({ hard: true })
    expect(prepareOne({ kind: 'delete-where', collection: 'benches' })).toMatchObject({ hard: true })
  })

  test('is a copy: what callers change later changes nothing', () => {
    const value = { deep: [1] }
    const own = { kind: 'set', path: ['a'], value }
    const filter = { kind: 'in', path: ['a'], values: [1] }
    const prepared = prepareOne({ kind: 'patch-where', collection: 'benches', where: filter, patches: [own] })
    value.deep.push(2)
    own.path.push('b')
    filter.values.push(2)
    expect(prepared).toMatchObject({
      where: { kind: 'in', path: ['a'], values: [1] },
      patches: [{ kind: 'set', path: ['a'], value: { deep: [1] } }],
    })
  })

  test('is plain data that can go to another thread', () => {
    const prepared = prepare(store, patch, append, position, row, { kind: 'tombstone', stream: 's1' })
    expect(structuredClone(prepared)).toEqual(prepared)
  })

  test('counts the characters of documents, patches, events and rows', () => {
    expect(prepare(store, append).characters).toBe(4)
    expect(prepare(patch).characters).toBe(1)
    expect(prepare(row).characters).toBe('{"key":{"day":"monday","hour":1},"set":{},"add":{}}'.length)
  })

  test('takes texts with escapes that stand for whole pairs, and backslashes before a u', () => {
    for (const text of ['{"a":"\\ud83d\\ude00"}', '{"a":"\\\\u0000 \\\\ud800"}', '{"a":"\\u00e4"}']) {
      expect(prepareOne({ ...store, text })).toMatchObject({ text })
    }
  })

  test('takes documents as deep as there may be, and many objects side by side', () => {
    const wide = JSON.stringify({ list: Array.from({ length: 200 }, () => ({ a: [] })) })
    for (const text of [deep(100), wide, `{"a":"${'{['.repeat(200)}"}`]) {
      expect(prepareOne({ ...store, text })).toMatchObject({ text })
    }
  })

  test('takes events whose texts hold escaped what documents may not hold', () => {
    const text = '{"data":"\\u0000 \\ud800"}'
    expect(prepareOne({ ...append, events: [{ ...event, text }] })).toMatchObject({ events: [{ text }] })
  })

  const long = (length: number) => 'x'.repeat(length)
  const many = <Item>(count: number, item: Item) => Array<Item>(count).fill(item)
  const refused: readonly (readonly [string, unknown, ErrorCode?])[] = [
    ['nothing', undefined],
    ['a kind that does not exist', { kind: 'truncate', collection: 'benches' }],
    ['a tenant that is no text', { ...store, tenant: 7 }],
    ['a tenant that is too long', { ...store, tenant: long(201) }],

    ['an unknown collection', { ...store, collection: 'shelves' }, 'COLLECTION_UNKNOWN'],
    [
      'a collection called like something inherited',
      { ...store, collection: 'toString' },
      'COLLECTION_UNKNOWN',
    ],
    ['an empty id', { ...store, id: '' }, 'DOCUMENT_ID_INVALID'],
    ['an id that is no text', { ...patch, id: 7 }, 'DOCUMENT_ID_INVALID'],
    ['an id that is too long', { ...store, id: long(501) }, 'DOCUMENT_ID_INVALID'],
    ['an id with a zero character', { ...store, id: 'a\0' }, 'DOCUMENT_ID_INVALID'],
    ['an id with half of a surrogate pair', { ...store, id: '\ud800' }, 'DOCUMENT_ID_INVALID'],
    ['a document without a text', { ...store, text: undefined }, 'DOCUMENT_INVALID'],
    ['a document that is a list', { ...store, text: '[]' }, 'DOCUMENT_INVALID'],
    ['a document with an escaped zero', { ...store, text: '{"a":"\\u0000"}' }, 'DOCUMENT_INVALID'],
    ['a document with an escaped half of a pair', { ...store, text: '{"a":"\\uD83D"}' }, 'DOCUMENT_INVALID'],
    ['a property name with an escaped zero', { ...store, text: '{"\\u0000":1}' }, 'DOCUMENT_INVALID'],
    ['a text with half of a pair', { ...store, text: '{"a":"\ud800"}' }, 'DOCUMENT_INVALID'],
    ['a text with a zero character', { ...store, text: '{"a":"\0"}' }, 'DOCUMENT_INVALID'],
    ['a document nested too deep', { ...store, text: deep(101) }, 'DOCUMENT_INVALID'],
    [
      'lists nested too deep',
      { ...store, text: `{"a":${'['.repeat(100)}${']'.repeat(100)}}` },
      'DOCUMENT_INVALID',
    ],
    ['no JSON, with many brackets', { ...store, text: `{${'['.repeat(101)}}` }, 'DOCUMENT_INVALID'],
    ['a document too large', { ...store, text: `{"a":"${long(1_048_576)}"}` }, 'DOCUMENT_TOO_LARGE'],
    ['a revision that is not whole', { ...store, expectedRevision: 1.5 }],
    ['a revision below 0', { kind: 'expect', collection: 'benches', id: 'b1', revision: -1 }],
    ['hard that is no choice', { kind: 'delete', collection: 'vents', id: 'v1', hard: 'yes' }],
    ['a filter that is none', { kind: 'restore-where', collection: 'vents', where: {} }, 'QUERY_INVALID'],
    ['a filter left out', { kind: 'patch-where', collection: 'vents', patches }, 'QUERY_INVALID'],
    [
      'withChanges that is no choice',
      { kind: 'patch-where', collection: 'vents', where, patches, withChanges: 1 },
    ],
    ['a replacement by itself', { kind: 'replace-all', collection: 'benches', from: 'benches' }],
    [
      'a replacement by what is declared otherwise',
      { kind: 'replace-all', collection: 'benches', from: 'vents' },
    ],
    [
      'a replacement by what nobody declared',
      { kind: 'replace-all', collection: 'benches', from: 'none' },
      'COLLECTION_UNKNOWN',
    ],

    ['a stream without a name', { ...append, stream: '' }],
    ['a stream with a name too long', { kind: 'archive', stream: long(501) }],
    ['an append without events', { ...append, events: [] }],
    ['events that are no list', { ...append, events: event }],
    ['an event that is nothing', { ...append, events: [null] }],
    ['an event without an id', { ...append, events: [{ ...event, id: '' }] }],
    ['an event without a type', { ...append, events: [{ id: 'e1', text: '{}' }] }],
    ['an event whose text is no object', { ...append, events: [{ ...event, text: '1' }] }],
    ['an event whose text has a zero character', { ...append, events: [{ ...event, text: '{"a":"\0"}' }] }],
    ['an event that is too large', { ...append, events: [{ ...event, text: `{${long(1_048_576)}}` }] }],
    ['an event with an empty topic', { ...append, events: [{ ...event, topic: '' }] }],
    ['an empty type of streams', { ...append, streamType: '' }],
    ['a version below 0', { ...append, expectedVersion: -1 }],
    ['a published event without a topic', { kind: 'publish', events: [event] }],
    ['events to forget below nothing', { kind: 'forget-published' }],

    ['a processor without a name', { ...position, processor: '' }],
    ['an offset below 0', { ...position, position: { topic: 't', partition: 0, offset: -1 } }],
    ['a partition that is not whole', { ...position, position: { topic: 't', partition: 0.5, offset: 0 } }],
    ['a position without a topic', { ...position, position: { partition: 0, offset: 0 } }],
    ['an expected offset that is no number', { ...position, expectedOffset: '0' }],

    ['an unknown table', { ...row, table: 'days' }, 'TABLE_UNKNOWN'],
    ['an unknown column', { ...row, set: { celsius: 1 } }, 'TABLE_UNKNOWN'],
    ['a column called like something inherited', { ...row, set: { toString: 1 } }, 'TABLE_UNKNOWN'],
    ['a key that is not whole', { ...row, key: { day: 'monday' } }],
    ['a key with more than the key', { ...row, key: { day: 'monday', hour: 1, sum: 2 } }],
    ['null in a key', { kind: 'delete-row', table: 'hours', key: { day: null, hour: 1 } }],
    ['a key of the wrong type', { ...row, key: { day: 'monday', hour: '1' } }],
    ['a value of the wrong type', { ...row, set: { sum: '1' } }],
    ['a number that is none', { ...row, set: { sum: Number.NaN } }],
    ['a text with a zero character in a row', { ...row, set: { note: '\0' } }],
    ['an addition to a text', { ...row, add: { note: 1 } }],
    ['an addition of infinity', { ...row, add: { sum: Number.POSITIVE_INFINITY } }],
    ['a change of the key', { ...row, set: { hour: 2 } }],
    ['a column both set and added to', { ...row, set: { sum: 1 }, add: { sum: 1 } }],
    ['a set that is a list', { ...row, set: [] }],
  ]
  test.each(refused)('is refused for %s', (_, operation, code = 'OPERATION_INVALID') => {
    expect(codeOf(() => prepare(operation))).toBe(code)
  })

  const patched: readonly (readonly [string, unknown])[] = [
    ['no patches', []],
    ['too many patches', many(limits.patchesMax + 1, patches[0])],
    ['a patch that is nothing', [null]],
    ['a patch of an unknown kind', [{ kind: 'double', path: ['a'] }]],
    ['a patch without a path', [{ kind: 'delete', path: [] }]],
    ['a patch of the id', [{ kind: 'set', path: ['id'], value: 'b2' }]],
    ['a patch of a part of the id', [{ kind: 'set', path: ['id', 'a'], value: 1 }]],
    ['a name that becomes the id', [{ kind: 'rename', path: ['a'], to: 'id' }]],
    ['a copy over the id', [{ kind: 'duplicate', path: ['a'], to: [['id']] }]],
    ['a copy to nowhere', [{ kind: 'duplicate', path: ['a'], to: [] }]],
    ['an increment that is no number', [{ kind: 'increment', path: ['a'], by: '1' }]],
    ['an increment that is not finite', [{ kind: 'increment', path: ['a'], by: Number.NaN }]],
    ['an index below 0', [{ kind: 'insert-at', path: ['a'], index: -1, value: 1 }]],
    ['a value that is undefined', [{ kind: 'set', path: ['a'] }]],
    ['a value with a zero character', [{ kind: 'append', path: ['a'], value: ['\0'] }]],
    ['a value that is a date', [{ kind: 'set', path: ['a'], value: new Date(0) }]],
    ['a value nested too deep', [{ kind: 'set', path: ['a'], value: JSON.parse(deep(100)) }]],
    ['an element nested too deep', [{ kind: 'append', path: ['a'], value: JSON.parse(deep(99)) }]],
    ['a removal of some', [{ kind: 'remove', path: ['a'], value: 1, which: 'some' }]],
  ]
  test.each(patched)('is refused for %s', (_, wrong) => {
    expect(codeOf(() => prepare({ ...patch, patches: wrong }))).toBe('QUERY_INVALID')
  })

  test('takes patches with values as deep as there may be', () => {
    const set = { kind: 'set', path: ['a'], value: JSON.parse(deep(99)) }
    const insert = { kind: 'insert-at', path: ['a'], index: 0, value: JSON.parse(deep(98)) }
    expect(codeOf(() => prepare({ ...patch, patches: [set, insert] }))).toBe('no error')
  })

  test('is refused if it is too large', () => {
    const refusedAs = (...operations: unknown[]) => codeOf(() => prepare(...operations))
    expect(refusedAs(...many(limits.commitOperationsMax + 1, store))).toBe('COMMIT_TOO_LARGE')
    expect(refusedAs(...many(limits.commitOperationsMax, store))).toBe('no error')
    const half = many(limits.commitEventsMax / 2, event)
    expect(refusedAs({ ...append, events: half }, { ...append, events: half })).toBe('no error')
    expect(refusedAs({ ...append, events: half }, { ...append, events: half }, append)).toBe(
      'COMMIT_TOO_LARGE',
    )
    const large = { ...store, text: `{"a":"${'x'.repeat(1_048_568)}"}` }
    expect(refusedAs(...many(32, large))).toBe('no error')
    expect(refusedAs(...many(32, large), row)).toBe('COMMIT_TOO_LARGE')
  })

  test('is refused for what it says of itself', () => {
    const options = [{ tenant: '\0' }, { correlationId: '' }, { causationId: 7 as never }]
    for (const each of options) {
      expect(codeOf(() => prepareCommit([], each, known))).toBe('OPERATION_INVALID')
    }
    expect(codeOf(() => prepareCommit('store' as never, undefined, known))).toBe('OPERATION_INVALID')
  })
})
