import { type CollectionSchema, readOne } from '@millrace/documents'
import { openSqlite } from '@millrace/sqlite'
import { expect, test } from 'vitest'
import { codeOf, store } from './bench-operations.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const NO_INDEX: CollectionSchema = { name: 'benches' }
const PROPERTY: CollectionSchema = {
  name: 'benches',
  indexes: [{ kind: 'property', name: 'by-n', paths: [['n']] }],
}
const COLUMN: CollectionSchema = {
  name: 'benches',
  indexes: [{ kind: 'column', name: 'n', path: ['n'], type: 'number', unique: true }],
}

test.each([
  ['no index', NO_INDEX],
  ['an index', PROPERTY],
  ['a column', COLUMN],
])('a text that is not JSON is refused as that, also where %s would have to read it', async (_, schema) => {
  await using directory = await temporaryDirectory()
  await using database = await openSqlite({ file: directory.path('store.db') })
  await database.prepare({ collections: [schema] })
  const wrong = { kind: 'store', collection: 'benches', id: 'b1', text: '{n:}' } as const
  expect(await codeOf(database.commit([wrong]))).toBe('DOCUMENT_INVALID')
  await database.commit([store('b1', { n: 1 })])
  expect(await codeOf(database.commit([{ ...wrong, expectedRevision: 1 }]))).toBe('DOCUMENT_INVALID')
  expect(await readOne(database, { kind: 'count', collection: 'benches' })).toBe(1)
})

test.each([
  ['no index', NO_INDEX],
  ['an index', PROPERTY],
  ['a column', COLUMN],
])('lists may have as many values as the port allows, and find the same, with %s', async (_, schema) => {
  await using directory = await temporaryDirectory()
  await using database = await openSqlite({ file: directory.path('store.db') })
  await database.prepare({ collections: [schema] })
  const values = [0.1, 1, 1e300, 2 ** 53 + 2, 2 ** 60, -(2 ** 63), 'x', "'", '', 'ä', true, null]
  await database.commit(values.map((n, index) => store(`b${index}`, { n })))
  const many = [...values, ...Array.from({ length: 980 }, (_, index) => index + 1_000), 'y']
  const lists = { kind: 'in', path: ['n'], values: many } as const
  const where = { kind: 'or', filters: Array.from({ length: 190 }, () => lists) } as const
  expect(await readOne(database, { kind: 'count', collection: 'benches', where })).toBe(values.length)
})
