import type { CollectionSchema, Filter, IndexSchema } from '@millrace/documents'
import { describe, expect, test } from 'vitest'
import { ASCENDING, compare, LIST_CASES, LISTS, VALUE_CASES, VALUES } from './database-filter-cases.ts'
import { codeOf, type DatabaseFactory, opened, useDocuments } from './database-harness.ts'
import { BENCHES, patch, remove } from './database-operations.ts'
import { set } from './database-patch-cases.ts'
import { Tenant } from './database-tenant.ts'

const INDEXES: readonly IndexSchema[] = [
  { kind: 'property', name: 'by-v', paths: [['v']] },
  { kind: 'property', name: 'by-in-v', paths: [['in', 'v'], ['v']] },
  { kind: 'property', name: 'by-id', paths: [['id']], unique: true },
  { kind: 'property', name: 'some', paths: [['v']], where: compare('gt', 0) },
  { kind: 'column', name: 'text-v', path: ['v'], type: 'text' },
  { kind: 'column', name: 'number-v', path: ['v'], type: 'number' },
  { kind: 'column', name: 'boolean-v', path: ['v'], type: 'boolean' },
  { kind: 'column', name: 'in-v', path: ['in', 'v'], type: 'number' },
  { kind: 'containment', name: 'all' },
]
const INDEXED: CollectionSchema = { name: BENCHES, softDelete: true, indexes: INDEXES }
const SCHEMA = { collections: [INDEXED] }

/** Indexes, which make answers quick and never different. */
export function databaseIndexTests(open: DatabaseFactory): void {
  describe('over values', () => answerTests(open))
  describe('over lists', () => {
    const tenant = useDocuments(open, SCHEMA, LISTS)
    test('every filter finds what it finds without indexes', async () => {
      for (const [title, where, expected] of LIST_CASES) await expectFound(tenant(), title, where, expected)
    })
  })
  describe('over what is there', () => laterTests(open))
}

async function expectFound(tenant: Tenant, title: string, where: Filter, ids: readonly string[]) {
  expect(await tenant.ids({ where }), title).toEqual([...ids].sort())
}

function answerTests(open: DatabaseFactory): void {
  const tenant = useDocuments(open, SCHEMA, VALUES)

  test('every filter finds what it finds without indexes', async () => {
    for (const [title, where, expected] of VALUE_CASES) await expectFound(tenant(), title, where, expected)
  })

  test('orders and figures are what they are without indexes', async () => {
    const up = (...path: string[]) => ({ path, direction: 'ascending' }) as const
    const down = (...path: string[]) => ({ path, direction: 'descending' }) as const
    expect(await tenant().ids({ orderBy: [up('v')] })).toEqual(ASCENDING)
    expect(await tenant().ids({ orderBy: [up('in', 'v'), up('v')] })).toEqual(ASCENDING)
    const reversed = [...ASCENDING].reverse()
    const descending = ['list', 'object', ...reversed.slice(2, -2), 'absent', 'null']
    expect(await tenant().ids({ orderBy: [down('v')] })).toEqual(descending)
    const positive = compare('gt', 0)
    expect(await tenant().ids({ where: positive, orderBy: [down('v')] })).toEqual(['huge', 'ten', 'five'])
    expect(await tenant().ids({ where: positive, orderBy: [up('v')], limit: 1 })).toEqual(['five'])
    const figures = [
      { kind: 'min', path: ['v'] },
      { kind: 'max', path: ['v'] },
      { kind: 'max', path: ['in', 'v'] },
    ] as const
    const [answer] = await tenant().database.read([{ kind: 'aggregate', collection: BENCHES, figures }])
    expect(answer).toEqual([false, '😀', '😀'])
  })
}

function laterTests(open: DatabaseFactory): void {
  test('an index made over documents that are there finds them, and follows their changes', async () => {
    await using under = await opened(open, { collections: [{ name: BENCHES, softDelete: true }] })
    const tenant = new Tenant(under, '')
    await tenant.put(VALUES)
    await under.database.prepare(SCHEMA)
    const five = compare('eq', 5)
    expect(await tenant.ids({ where: five })).toEqual(['five'])
    await tenant.commit([patch('ten', [set('v', 5)]), patch('five', [set('v', 'five')]), remove('zero')])
    expect(await tenant.ids({ where: five })).toEqual(['ten'])
    expect(await tenant.ids({ where: compare('eq', 0) })).toEqual([])
    expect(await tenant.ids({ where: compare('eq', 0), deleted: 'include' })).toEqual(['zero'])
    await tenant.put({ new: { v: 5 } })
    expect(await tenant.ids({ where: five })).toEqual(['new', 'ten'])
  })

  test('values of every size can be indexed', async () => {
    await using under = await opened(open, SCHEMA)
    const tenant = new Tenant(under, '')
    const texts = ['', 'x'.repeat(3_000), `${'x'.repeat(3_000)}y`, 'é'.repeat(9_000), randomText(9_000)]
    await tenant.put(Object.fromEntries(texts.map((v, index) => [`t${index}`, { v }])))
    for (const [index, text] of texts.entries()) {
      expect(await tenant.ids({ where: compare('eq', text) })).toEqual([`t${index}`])
    }
    expect(await tenant.ids({ where: compare('gt', 'x'.repeat(3_000)) })).toEqual(['t2', 't3'])
    expect(await tenant.ids({ orderBy: [{ path: ['v'], direction: 'ascending' }] })).toEqual([
      't0',
      't4',
      't1',
      't2',
      't3',
    ])
  })

  test('names of collections and indexes may be as long as they are allowed to be, and differ at the end or by case', async () => {
    const long = (end: string) => end.padStart(60, 'x')
    const indexes = ['y', 'z'].map((end) => {
      return { kind: 'property', name: long(end), paths: [[end]], unique: true } as const
    })
    const names = [long('a'), long('b'), long('B'), 'benches', 'Benches']
    const column = { kind: 'column', name: long('c'), path: ['y'], type: 'number' } as const
    const schema = { collections: names.map((name) => ({ name, indexes: [...indexes, column] })) }
    await using under = await opened(open, schema)
    const tenant = new Tenant(under, '')
    for (const name of names) {
      await tenant.put({ a: { y: 1 }, b: { z: 1 }, c: { y: 2 } }, name)
      expect(await tenant.ids({ collection: name, where: compare('ge', 1, ['y']) })).toEqual(['a', 'c'])
      expect(await codeOf(tenant.put({ d: { y: 2 } }, name))).toBe('DOCUMENT_NOT_UNIQUE')
    }
    expect(await under.database.plan(schema)).toEqual({ steps: [] })
  })
}

/** Text that no engine can compress; the same each time. It begins with a digit. */
function randomText(length: number): string {
  let state = 1
  let text = '0'
  while (text.length < length) {
    state = (state * 48_271) % 2_147_483_647
    text += state.toString(36)
  }
  return text.slice(0, length)
}
