import { DatabaseSync } from 'node:sqlite'
import { type Database, readOne, type StoreSchema } from '@millrace/documents'
import { openSqlite } from '@millrace/sqlite'
import { describe, expect, test } from 'vitest'
import { codeOf, store } from './bench-operations.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const FULL: StoreSchema = {
  collections: [
    {
      name: 'benches',
      softDelete: true,
      fullText: [['note'], ['tags']],
      indexes: [
        { kind: 'property', name: 'by-zone', paths: [['zone'], ['last', 'celsius']] },
        {
          kind: 'property',
          name: 'by-socket',
          paths: [['socket']],
          unique: true,
          where: { kind: 'compare', path: ['isOn'], operator: 'eq', value: true },
        },
        { kind: 'column', name: 'Serial', path: ['serial'], type: 'text', unique: true },
        { kind: 'containment', name: 'all' },
      ],
      references: [{ path: ['house'], collection: 'houses' }],
    },
    { name: 'houses' },
  ],
  tables: [{ name: 'totals', columns: { zone: 'text', n: 'number', open: 'boolean' }, key: ['zone'] }],
}

/** Runs the plan's text as somebody would who has it in a file. */
async function runByHand(file: string, database: Database, schema: StoreSchema): Promise<void> {
  const { steps } = await database.plan(schema)
  const raw = new DatabaseSync(file)
  raw.exec(`BEGIN;\n${steps.map(({ sql }) => sql).join('\n')}\nCOMMIT;`)
  raw.close()
}

describe('the plan', () => {
  test('is complete SQL: run by hand it leaves nothing to do', async () => {
    await using directory = await temporaryDirectory()
    const file = directory.path('store.db')
    await using database = await openSqlite({ file })
    await runByHand(file, database, FULL)
    const left = await database.plan(FULL)
    expect(left.steps.map(({ what }) => what)).toEqual(['words of benches'])
    await database.prepare(FULL)
    expect(await database.plan(FULL)).toEqual({ steps: [] })
    expect(await codeOf(database.prepare(FULL, { checkOnly: true }))).toBe('no error')
  })

  test('says of each step what it is for, and which one is not SQL alone', async () => {
    await using directory = await temporaryDirectory()
    await using database = await openSqlite({ file: directory.path('store.db') })
    const { steps } = await database.plan(FULL)
    expect(steps.map(({ what }) => what)).toEqual([
      'collection benches',
      'column benches.c_$serial',
      'index benches.by-zone',
      'index benches.by-socket',
      'index benches.$serial',
      'index benches.>1',
      'full text of benches',
      'declaration of benches',
      'collection houses',
      'declaration of houses',
      'table totals',
      'declaration of totals',
    ])
    expect(steps.every(({ hazard, sql }) => hazard === 'none' && sql.endsWith(';'))).toBe(true)
    expect(steps.filter(({ sql }) => sql.startsWith('--')).map(({ what }) => what)).toEqual([
      'full text of benches',
    ])
  })

  test('gathers words by itself where the tables of full text were made by hand', async () => {
    await using directory = await temporaryDirectory()
    const file = directory.path('store.db')
    await using database = await openSqlite({ file })
    await database.prepare({ collections: [{ name: 'benches' }, { name: 'houses' }] })
    await database.commit([store('b1', { note: 'wet', tags: ['north', 'old'] })])
    await runByHand(file, database, FULL)
    await database.prepare(FULL)
    const search = { kind: 'search', text: 'nor', prefix: true } as const
    const { documents } = await readOne(database, { kind: 'query', collection: 'benches', where: search })
    expect(documents.map(({ id }) => id)).toEqual(['b1'])
  })

  test('takes away what is not declared any more, and the columns with it', async () => {
    await using directory = await temporaryDirectory()
    const file = directory.path('store.db')
    const database = await openSqlite({ file })
    const bare = { collections: [{ name: 'benches' }, { name: 'houses' }] }
    await database.prepare(bare)
    const before = namesIn(file)
    await database.prepare({ collections: FULL.collections })
    expect(namesIn(file).length).toBeGreaterThan(before.length)
    await database.prepare(bare)
    expect(namesIn(file)).toEqual(before)
    await database.close()
  })

  test('refuses a table whose name SQLite keeps for itself', async () => {
    await using directory = await temporaryDirectory()
    await using database = await openSqlite({ file: directory.path('store.db') })
    const tables = [{ name: 'sqlite_mine', columns: { a: 'text' }, key: ['a'] }] as const
    expect(await codeOf(database.prepare({ collections: [], tables }))).toBe('SCHEMA_INVALID')
    expect(await codeOf(database.plan({ collections: [], tables }))).toBe('SCHEMA_INVALID')
  })

  test('declares a table of any other name, also one of ours or of SQL', async () => {
    await using directory = await temporaryDirectory()
    await using database = await openSqlite({ file: directory.path('store.db') })
    const columns = { select: 'text', from: 'number', group: 'boolean' } as const
    const names = ['events', 'positions', 'order', 'documents_benches', 'rowid']
    const tables = names.map((name) => ({ name, columns, key: ['select'] }))
    await database.prepare({ collections: [{ name: 'benches' }], tables })
    const put = names.map(
      (table) => ({ kind: 'put-row', table, key: { select: 'a' }, add: { from: 2 } }) as const,
    )
    await database.commit([...put, ...put])
    expect(await database.raw('SELECT "from" FROM "order"')).toEqual([{ from: 4 }])
    expect(await database.raw('SELECT "from" FROM events')).toEqual([{ from: 4 }])
  })
})

test('what a refused prepare would have declared is not mistaken for what another one declares', async () => {
  await using directory = await temporaryDirectory()
  const file = directory.path('store.db')
  await using one = await openSqlite({ file })
  await using other = await openSqlite({ file })
  const bare = { collections: [{ name: 'benches' }, { name: 'houses' }] }
  for (const database of [one, other]) await database.prepare(bare)
  await one.commit([store('b1', { house: 'none' })])
  const references = [{ path: ['house'], collection: 'houses' }]
  const referring = { collections: [{ name: 'benches', references }, { name: 'houses' }] }
  expect(await codeOf(one.prepare(referring))).toBe('DOCUMENT_REFERENCE_BROKEN')
  await other.prepare({ collections: [{ name: 'benches', softDelete: true }] })
  expect(await codeOf(one.commit([store('b2', { house: 'none' })]))).toBe('no error')
})

describe('documents that exchange their places', () => {
  test('keep their indexes, words and uniqueness, however often, and prepare finds nothing to do', async () => {
    await using directory = await temporaryDirectory()
    await using database = await openSqlite({ file: directory.path('store.db') })
    const [benches, houses] = FULL.collections
    const schema = { collections: [benches, { ...benches, name: 'next' }, houses] } as StoreSchema
    await database.prepare(schema)
    for (let round = 1; round <= 3; round += 1) {
      const body = { zone: 'z', serial: `s${round}`, note: `round${round}` }
      const text = JSON.stringify(body)
      await database.commit([{ kind: 'store', collection: 'next', id: `n${round}`, text }])
      await database.commit([{ kind: 'replace-all', collection: 'benches', from: 'next' }])
      const search = { kind: 'search', text: `round${round}` } as const
      const [found, rest] = await database.read([
        { kind: 'query', collection: 'benches', where: search },
        { kind: 'count', collection: 'next' },
      ])
      expect(found.documents.map(({ id }) => id)).toEqual([`n${round}`])
      expect(rest).toBe(0)
      const double = { kind: 'store', collection: 'benches', id: 'double', text } as const
      expect(await codeOf(database.commit([double]))).toBe('DOCUMENT_NOT_UNIQUE')
      expect(await database.plan(schema)).toEqual({ steps: [] })
    }
  })

  test('can be declared otherwise afterwards, though the other ones have the names of their indexes', async () => {
    await using directory = await temporaryDirectory()
    await using database = await openSqlite({ file: directory.path('store.db') })
    const indexed = (name: string, path: string) =>
      ({ name, indexes: [{ kind: 'property', name: 'by', paths: [[path]] }] }) as const
    await database.prepare({ collections: [indexed('benches', 'zone'), indexed('next', 'zone')] })
    await database.commit([{ kind: 'replace-all', collection: 'benches', from: 'next' }])
    const schema = { collections: [indexed('benches', 'row'), indexed('next', 'row')] }
    await database.prepare(schema)
    expect(await database.plan(schema)).toEqual({ steps: [] })
    for (const collection of ['benches', 'next']) {
      const where = { kind: 'compare', path: ['row'], operator: 'eq', value: 1 } as const
      const { lines } = await database.explain({ kind: 'query', collection, where })
      expect(lines.join()).toMatch(/USING INDEX .*\.by /)
    }
  })
})

function namesIn(file: string): string[] {
  const database = new DatabaseSync(file)
  const names = database.prepare('SELECT name FROM sqlite_schema ORDER BY name').all()
  const columns = database.prepare(`SELECT name FROM pragma_table_xinfo('_documents_benches')`).all()
  database.close()
  return [...names, ...columns].map(({ name }) => String(name))
}
