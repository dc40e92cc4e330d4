import type { CollectionSchema, Database, DocumentQuery, Filter, OrderBy } from '@millrace/documents'
import { openSqlite } from '@millrace/sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TemporaryDirectory, temporaryDirectory } from './temporary-directory.ts'

const IS_ON = { kind: 'compare', path: ['isOn'], operator: 'eq', value: true } as const

const BENCHES: CollectionSchema = {
  name: 'benches',
  fullText: [['note']],
  indexes: [
    { kind: 'property', name: 'by-celsius', paths: [['last', 'celsius']] },
    { kind: 'property', name: 'by-zone', paths: [['zone'], ['row']] },
    { kind: 'property', name: 'by-socket', paths: [['socket']], unique: true, where: IS_ON },
    { kind: 'column', name: 'serial', path: ['serial'], type: 'text' },
  ],
}
/** A collection whose documents may be marked; its unique index leaves marked ones out. */
const PEOPLE: CollectionSchema = {
  name: 'people',
  softDelete: true,
  indexes: [{ kind: 'property', name: 'by-mail', paths: [['mail']], unique: true }],
}

const compare = (
  path: readonly string[],
  operator: 'eq' | 'ne' | 'lt' | 'ge',
  value: string | number | boolean | null,
): Filter => ({ kind: 'compare', path, operator, value })
const and = (...filters: readonly Filter[]): Filter => ({ kind: 'and', filters })
const by = (path: readonly string[], direction: OrderBy['direction'] = 'ascending'): OrderBy => ({
  path,
  direction,
})
const C = ['last', 'celsius']

let directory: TemporaryDirectory
let database: Database
beforeAll(async () => {
  directory = await temporaryDirectory()
  database = await openSqlite({ file: directory.path('store.db') })
  await database.prepare({ collections: [BENCHES, PEOPLE] })
})
afterAll(async () => {
  await database.close()
  await directory[Symbol.asyncDispose]()
})

test.each<[string, Partial<DocumentQuery>, RegExp]>([
  ['a number', { where: compare(C, 'eq', 3) }, /by-celsius \(tenant=\? AND <expr>=\? AND <expr>=\?\)/],
  ['a text', { where: compare(C, 'eq', 'x') }, /by-celsius \(tenant=\? AND <expr>=\? AND <expr>=\?\)/],
  ['true', { where: compare(C, 'eq', true) }, /by-celsius \(tenant=\? AND <expr>=\? AND <expr>=\?\)/],
  ['null', { where: compare(C, 'eq', null) }, /by-celsius \(tenant=\? AND <expr>=\? AND <expr>=\?\)/],
  ['lower numbers', { where: compare(C, 'lt', 3) }, /by-celsius \(tenant=\? AND <expr>=\? AND <expr><\?\)/],
  ['a range', { where: and(compare(C, 'ge', 1), compare(C, 'lt', 3)) }, /<expr>>\? AND <expr><\?\)/],
  ['one of several', { where: { kind: 'in', path: C, values: [1, 2] } }, /by-celsius \(.*<expr>=\?\)$/m],
  ['one of several types', { where: { kind: 'in', path: C, values: [1, 'a', null] } }, /MULTI-INDEX OR/],
  ['a beginning', { where: { kind: 'starts-with', path: C, value: 'ab' } }, /<expr>>\? AND <expr><\?\)/],
  ['an order', { orderBy: [by(C)] }, /by-celsius \(tenant=\?\)$/],
  ['a reversed order', { orderBy: [by(C, 'descending')] }, /by-celsius \(tenant=\?\)\n.*LAST TERM/],
  ['numbers in their order', { where: compare(C, 'ge', 3), orderBy: [by(C)] }, /<expr>>\?\)$/],
  [
    'both paths of an index',
    { where: and(compare(['zone'], 'eq', 'a'), compare(['row'], 'ge', 2)), orderBy: [by(['row'])] },
    /by-zone \(tenant=\? AND <expr>=\? AND <expr>=\? AND <expr>=\? AND <expr>>\?\)$/,
  ],
  [
    'the first path of an index in the order of the second',
    { where: compare(['zone'], 'eq', 'a'), orderBy: [by(['row'])] },
    /by-zone \(tenant=\? AND <expr>=\? AND <expr>=\?\)$/,
  ],
  ['what a limited index is limited to', { where: and(IS_ON, compare(['socket'], 'eq', 3)) }, /by-socket/],
  ['a column', { where: compare(['serial'], 'eq', 'x') }, /benches.serial \(tenant=\? AND c_serial=\?\)/],
  ['ids', { where: { kind: 'id', operator: 'ge', value: 'b' } }, /PRIMARY KEY \(tenant=\? AND id>\?\)/],
  [
    'words',
    { where: { kind: 'search', text: 'wet' } },
    /PRIMARY KEY \(tenant=\? AND id=\?\)[\s\S]*VIRTUAL TABLE INDEX/,
  ],
  ['a unique value among marks', { collection: 'people', where: compare(['mail'], 'eq', 'x') }, /by-mail/],
  ['nothing that is indexed', { where: compare(['other'], 'eq', 3) }, /PRIMARY KEY \(tenant=\?\)$/],
  ['anything but a value', { where: compare(C, 'ne', 3) }, /PRIMARY KEY \(tenant=\?\)$/],
])('a query for %s uses what there is', async (_, query, expected) => {
  const { sql, lines } = await database.explain({ kind: 'query', collection: 'benches', ...query })
  expect(lines.join('\n'), sql).toMatch(expected)
})
