import type { CollectionSchema, Read, StoreSchema, WriteOperation } from '@millrace/documents'
import { describe, expect, test } from 'vitest'
import { and, compare } from './database-filter-cases.ts'
import { codeOf, type DatabaseFactory, opened, refusal, useDatabase } from './database-harness.ts'
import {
  append,
  BENCHES,
  expectRevision,
  idIs,
  patch,
  patchWhere,
  remove,
  store,
} from './database-operations.ts'
import { set } from './database-patch-cases.ts'
import { Tenant } from './database-tenant.ts'

const WHOLE: StoreSchema = {
  collections: [
    { name: 'zones' },
    {
      name: BENCHES,
      softDelete: true,
      indexes: [
        {
          kind: 'property',
          name: 'by-zone',
          paths: [['zone'], ['at', 'row']],
          where: compare('gt', 0, ['n']),
        },
        { kind: 'property', name: 'by-code', paths: [['code']], unique: true },
        { kind: 'column', name: 'celsius', path: ['last', 'celsius'], type: 'number' },
        { kind: 'containment', name: 'everything' },
      ],
      references: [{ path: ['zone'], collection: 'zones' }],
      fullText: [['note'], ['tags']],
    },
  ],
  tables: [{ name: 'totals', columns: { zone: 'text', n: 'number', open: 'boolean' }, key: ['zone'] }],
}

/** Declaring what there is. */
export function databaseSchemaTests(open: DatabaseFactory): void {
  describe('preparing', () => prepareTests(open))
  describe('planning', () => planTests(open))
  describe('tables', () => tableTests(open))
  describe('names', () => nameTests(open))
  describe('what cannot be declared', () => badTests(open))
}

function prepareTests(open: DatabaseFactory): void {
  test('preparing again, or more, keeps what is stored and what is known', async () => {
    await using under = await opened(open, WHOLE)
    const tenant = new Tenant(under, '')
    await tenant.put({ z: {} }, 'zones')
    await tenant.put({ b1: { zone: 'z', note: 'word' } })
    await under.database.prepare(WHOLE)
    await under.database.prepare({ collections: [{ name: 'vents' }] })
    await under.database.prepare({ collections: [] })
    expect(await tenant.ids({ where: { kind: 'search', text: 'word' } })).toEqual(['b1'])
    expect(await codeOf(tenant.put({ b2: { zone: 'none' } }))).toBe('DOCUMENT_REFERENCE_BROKEN')
    await tenant.put({ v1: {} }, 'vents')
    expect(await tenant.count({ collection: 'vents' })).toBe(1)
  })

  test('many calls at once prepare what each declares', async () => {
    await using under = await opened(open, { collections: [] })
    const names = Array.from({ length: 8 }, (_, index) => `c${index % 4}`)
    await Promise.all(
      names.map((name) => {
        const indexes = [{ kind: 'property', name: 'by-n', paths: [['n']], unique: true }] as const
        return under.database.prepare({ collections: [{ name, indexes }, ...WHOLE.collections] })
      }),
    )
    const tenant = new Tenant(under, '')
    for (const name of names) await tenant.put({ a: { n: 1 } }, name)
    expect(await codeOf(tenant.put({ b: { n: 1 } }, 'c0'))).toBe('DOCUMENT_NOT_UNIQUE')
  })

  test('an index under the same name is as it was declared last', async () => {
    const unique = (path: string): StoreSchema => ({
      collections: [
        { name: BENCHES, indexes: [{ kind: 'property', name: 'one', paths: [[path]], unique: true }] },
      ],
    })
    await using under = await opened(open, unique('a'))
    const tenant = new Tenant(under, '')
    await tenant.put({ b1: { a: 1, b: 1 }, b2: { a: 2, b: 2 } })
    await under.database.prepare(unique('b'))
    expect(await codeOf(tenant.put({ b3: { a: 1, b: 3 } }))).toBe('no error')
    expect(await codeOf(tenant.put({ b4: { a: 4, b: 1 } }))).toBe('DOCUMENT_NOT_UNIQUE')
  })

  test('a column under the same name is as it was declared last', async () => {
    const column = (type: 'text' | 'number'): StoreSchema => ({
      collections: [
        { name: BENCHES, indexes: [{ kind: 'column', name: 'v', path: ['v'], type, unique: true }] },
      ],
    })
    await using under = await opened(open, column('text'))
    const tenant = new Tenant(under, '')
    await tenant.put({ b1: { v: 'x' }, b2: { v: 1 } })
    await under.database.prepare(column('number'))
    expect(await codeOf(tenant.put({ b3: { v: 'x' } }))).toBe('no error')
    expect(await codeOf(tenant.put({ b4: { v: 1 } }))).toBe('DOCUMENT_NOT_UNIQUE')
  })

  test('a collection comes to mark its documents when it is declared so', async () => {
    await using under = await opened(open, { collections: [{ name: BENCHES }] })
    const tenant = new Tenant(under, '')
    await tenant.put({ b1: {}, b2: {} })
    await tenant.commit([remove('b1')])
    await under.database.prepare({ collections: [{ name: BENCHES, softDelete: true }] })
    await tenant.commit([remove('b2')])
    expect(await tenant.ids({ deleted: 'include' })).toEqual(['b2'])
  })

  test('with checkOnly nothing is made, and what is missing is an error', async () => {
    await using under = await opened(open, { collections: [{ name: 'zones' }] })
    const check = (schema: StoreSchema) => codeOf(under.database.prepare(schema, { checkOnly: true }))
    expect(await check(WHOLE)).toBe('STORE_SCHEMA_DIFFERS')
    expect(await codeOf(new Tenant(under, '').put({ b1: {} }))).toBe('COLLECTION_UNKNOWN')
    await under.database.prepare(WHOLE)
    expect(await check(WHOLE)).toBe('no error')
    expect(await check({ collections: [{ name: 'zones' }] })).toBe('no error')
    const more: readonly Partial<CollectionSchema>[] = [
      { indexes: [{ kind: 'property', name: 'by-more', paths: [['more']] }] },
      { references: [{ path: ['more'], collection: BENCHES }] },
      { fullText: [['more']] },
    ]
    for (const each of more) {
      expect(await check({ collections: [{ name: 'zones', ...each }] }), JSON.stringify(each)).toBe(
        'STORE_SCHEMA_DIFFERS',
      )
    }
    const tables = [
      { ...WHOLE.tables![0]!, columns: { ...WHOLE.tables![0]!.columns, more: 'text' } },
    ] as const
    expect(await check({ collections: [], tables })).toBe('STORE_SCHEMA_DIFFERS')
  })

  test('a database knows only what was declared to it, whatever is stored', async () => {
    await using under = await opened(open, WHOLE)
    if (!under.database.supports.durable) return
    await new Tenant(under, '').put({ z: {} }, 'zones')
    const reopened = await under.reopen()
    const read = { kind: 'count', collection: 'zones' } as const
    expect(await codeOf(reopened.read([read]))).toBe('COLLECTION_UNKNOWN')
    await reopened.prepare({ collections: [{ name: 'zones' }] })
    expect(await reopened.read([read])).toEqual([1])
    expect(await codeOf(reopened.read([{ ...read, collection: BENCHES }]))).toBe('COLLECTION_UNKNOWN')
  })

  test('several processes can prepare the same at once', async () => {
    await using under = await open()
    if (!under.database.supports.shared) return
    const others = await Promise.all([under.open!(), under.open!(), under.open!()])
    const databases = [under.database, ...others]
    await Promise.all(databases.map((database) => database.prepare(WHOLE)))
    const unit = [store('z', {}, { collection: 'zones' }), store('b1', { zone: 'z', code: 1 })]
    await databases[1]!.commit(unit)
    for (const database of databases) expect((await database.plan(WHOLE)).steps).toEqual([])
    expect(await codeOf(databases[2]!.commit([store('b2', { code: 1 })]))).toBe('DOCUMENT_NOT_UNIQUE')
  })
}

function planTests(open: DatabaseFactory): void {
  test('a plan is empty when all is there, also after opening again', async () => {
    await using under = await opened(open, WHOLE)
    expect(await under.database.plan(WHOLE)).toEqual({ steps: [] })
    expect(await under.database.plan({ collections: [{ name: 'zones' }] })).toEqual({ steps: [] })
    if (!under.database.supports.durable) return
    const reopened = await under.reopen()
    expect(await reopened.plan(WHOLE)).toEqual({ steps: [] })
  })

  test('a plan names what is missing, in statements, and makes nothing', async () => {
    await using under = await opened(open, { collections: [{ name: 'zones' }] })
    const { steps } = await under.database.plan(WHOLE)
    expect(await codeOf(under.database.read([{ kind: 'count', collection: BENCHES }]))).toBe(
      'COLLECTION_UNKNOWN',
    )
    if (!under.database.supports.raw) return
    const said = steps.map(({ what }) => what).join('\n')
    for (const name of [BENCHES, 'by-zone', 'by-code', 'celsius', 'totals']) expect(said).toContain(name)
    for (const { sql, hazard } of steps) {
      expect(sql.trim()).toMatch(/;$/)
      expect(hazard).toBe('none')
    }
    expect((await under.database.plan(WHOLE)).steps).toEqual(steps)
    await under.database.prepare(WHOLE)
    expect((await under.database.plan(WHOLE)).steps).toEqual([])
  })

  test('a plan names an index that is missing, one that has changed, and one that goes', async () => {
    await using under = await opened(open, WHOLE)
    if (!under.database.supports.raw) return
    const tenant = new Tenant(under, '')
    await tenant.put({ b1: { code: 1 } })
    const declared = WHOLE.collections[1]!
    const change = async (indexes: CollectionSchema['indexes']) => {
      const { steps } = await under.database.plan({ collections: [{ ...declared, indexes: indexes! }] })
      return steps.map(({ what }) => what).join('\n')
    }
    const { indexes = [] } = declared
    expect(await change([...indexes, { kind: 'property', name: 'more', paths: [['more']] }])).toContain(
      'more',
    )
    expect(await change(indexes.filter(({ name }) => name !== 'by-code'))).toContain('by-code')
    const others = indexes.filter(({ name }) => name !== 'by-zone')
    expect(await change([...others, { kind: 'property', name: 'by-zone', paths: [['zone']] }])).toContain(
      'by-zone',
    )
    expect((await under.database.plan(WHOLE)).steps).toEqual([])
    expect(await codeOf(tenant.put({ b2: { code: 1 } }))).toBe('DOCUMENT_NOT_UNIQUE')
  })
}

function tableTests(open: DatabaseFactory): void {
  const under = useDatabase(open, { collections: [] })
  const table = {
    name: 'totals',
    columns: { zone: 'text', n: 'number', note: 'text' },
    key: ['zone'],
  } as const

  test.each([
    ['without a column', 'first', { ...table, columns: { zone: 'text', n: 'number' } }],
    [
      'with a column of another type',
      'second',
      { ...table, columns: { zone: 'text', n: 'text', note: 'text' } },
    ],
    ['with another key', 'third', { ...table, key: ['zone', 'n'] }],
  ] as const)(
    'a table %s would lose something: it is refused, unless that is allowed',
    async (_, name, changed) => {
      const { database } = under()
      await database.prepare({ collections: [], tables: [table] }, { allow: 'destructive' })
      const row = { kind: 'put-row', table: 'totals', key: { zone: 'z' }, set: { n: 1 } } as const
      await database.commit([row])
      const schema = { collections: [{ name }], tables: [changed] }
      expect(await codeOf(database.prepare(schema))).toBe('STORE_SCHEMA_DIFFERS')
      expect(await codeOf(database.prepare(schema, { checkOnly: true }))).toBe('STORE_SCHEMA_DIFFERS')
      expect(await codeOf(database.read([{ kind: 'count', collection: name }]))).toBe('COLLECTION_UNKNOWN')
      expect(await codeOf(database.commit([row])), 'it is as it was').toBe('no error')
      if (database.supports.raw) {
        const { steps } = await database.plan(schema)
        expect(steps.filter(({ hazard }) => hazard === 'destructive').length).toBeGreaterThan(0)
        expect(steps.map(({ what }) => what).join('\n')).toContain('totals')
      }
      await database.prepare(schema, { allow: 'destructive' })
      expect(await database.plan(schema)).toEqual({ steps: [] })
      expect(await database.read([{ kind: 'count', collection: name }])).toEqual([0])
    },
  )

  const kept = { ...table, name: 'kept' }

  test('a table that is not declared any more stays', async () => {
    const { database } = under()
    await database.prepare({ collections: [], tables: [kept] })
    await database.commit([{ kind: 'put-row', table: 'kept', key: { zone: 'z' }, set: { n: 1 } }])
    await database.prepare({ collections: [] }, { allow: 'destructive' })
    await database.prepare({ collections: [], tables: [kept] })
    const rows = under().rows?.('kept') ?? (await database.raw('select * from kept'))
    expect(rows).toHaveLength(1)
  })
}

function nameTests(open: DatabaseFactory): void {
  const under = useDatabase(open, { collections: [{ name: BENCHES }] })

  test.each([
    ['nothing', ''],
    ['a digit first', '1benches'],
    ['61 characters', 'b'.repeat(61)],
    ['a quote', 'benches"; DROP TABLE positions; --'],
    ['a space', 'my benches'],
    ['a dollar', 'b$x'],
    ['an umlaut', 'bänke'],
    ['a line end', 'benches\n'],
    ['a dot', 'a.b'],
    ['no text', 7 as unknown as string],
  ])('a collection name with %s is refused, and nothing is declared', async (_, name) => {
    const { database } = under()
    const schema = { collections: [{ name: 'fine' }, { name }] }
    expect(await codeOf(database.prepare(schema))).toBe('COLLECTION_NAME_INVALID')
    expect(await codeOf(database.plan(schema))).toBe('COLLECTION_NAME_INVALID')
    expect(await codeOf(database.read([{ kind: 'count', collection: 'fine' }]))).toBe('COLLECTION_UNKNOWN')
  })

  test('a collection that was not declared is refused by every operation and read', async () => {
    const { database } = under()
    const collection = 'nobody'
    const operations: readonly WriteOperation[] = [
      store('b1', {}, { collection }),
      patch('b1', [set('a', 1)], { collection }),
      patchWhere(and(), [set('a', 1)], { collection }),
      remove('b1', { collection }),
      { kind: 'delete-where', collection },
      { kind: 'restore-where', collection, where: idIs('b1') },
      { kind: 'replace-all', collection },
      { kind: 'replace-all', collection: BENCHES, from: collection },
      expectRevision('b1', 0, collection),
    ]
    const reads: readonly Read[] = [
      { kind: 'load', collection, ids: [] },
      { kind: 'query', collection },
      { kind: 'count', collection },
      { kind: 'aggregate', collection, figures: [{ kind: 'sum', path: ['n'] }] },
    ]
    for (const operation of operations) {
      const code = await codeOf(database.commit([append('s', ['a']), operation]))
      expect(code, operation.kind).toBe('COLLECTION_UNKNOWN')
    }
    for (const read of reads) {
      expect(await codeOf(database.read([{ kind: 'feed-end' }, read])), read.kind).toBe('COLLECTION_UNKNOWN')
      expect(await codeOf(database.explain(read)), read.kind).toBe('COLLECTION_UNKNOWN')
    }
    const error = await refusal(database.read([reads[0]!]), 'COLLECTION_UNKNOWN')
    expect(error.parameters).toEqual({ collection })
    expect(await database.read([{ kind: 'stream', stream: 's' }])).toEqual([[]])
  })
}

function badTests(open: DatabaseFactory): void {
  const index = (rest: object) => ({
    collections: [{ name: 'b', indexes: [{ kind: 'property', name: 'i', paths: [['a']], ...rest }] }],
  })
  const table = (rest: object) => ({
    collections: [],
    tables: [{ name: 't', columns: { k: 'text', n: 'number' }, key: ['k'], ...rest }],
  })
  const CASES: readonly (readonly [string, unknown])[] = [
    ['a collection twice', { collections: [{ name: 'b' }, { name: 'b' }] }],
    ['collections that are no list', { collections: { b: {} } }],
    ['a soft delete that is a text', { collections: [{ name: 'b', softDelete: 'yes' }] }],
    ['an index without a name', index({ name: undefined })],
    ['an index with a quote in its name', index({ name: 'a"b' })],
    ['an index of a kind that does not exist', index({ kind: 'sql' })],
    ['an index without paths', index({ paths: [] })],
    ['an index on an empty path', index({ paths: [[]] })],
    ['an index on an empty name', index({ paths: [['']] })],
    ['an index on a name with a quote', index({ paths: [["a'"]] })],
    ['an index on a name with a backslash', index({ paths: [['a\\']] })],
    ['an index on a name with a line end', index({ paths: [['a\n']] })],
    ['an index of eleven paths', index({ paths: Array(11).fill(['a']) })],
    [
      'an index that is limited to what is in lists',
      index({ where: { kind: 'any', path: ['a'], filter: and() } }),
    ],
    ['an index that is limited to an id', index({ where: idIs('x') })],
    ['an index that is limited to a text with a quote', index({ where: compare('eq', "'", ['a']) })],
    ['an index that is limited to nonsense', index({ where: { kind: 'sql' } })],
    [
      'two indexes of one name',
      {
        collections: [
          {
            name: 'b',
            indexes: [
              { kind: 'containment', name: 'i' },
              { kind: 'containment', name: 'I' },
            ],
          },
        ],
      },
    ],
    [
      '33 indexes',
      {
        collections: [
          {
            name: 'b',
            indexes: Array.from({ length: 33 }, (_, n) => ({
              kind: 'property',
              name: `i${n}`,
              paths: [['a']],
            })),
          },
        ],
      },
    ],
    ['a column of a type that does not exist', index({ kind: 'column', path: ['a'], type: 'date' })],
    [
      'a reference to an unknown collection',
      { collections: [{ name: 'b', references: [{ path: ['a'], collection: 'nobody' }] }] },
    ],
    [
      'a reference on an empty path',
      { collections: [{ name: 'b', references: [{ path: [], collection: 'b' }] }] },
    ],
    ['full text on a path that is a text', { collections: [{ name: 'b', fullText: ['a'] }] }],
    ['a table twice', { collections: [], tables: [...table({}).tables, ...table({}).tables] }],
    ['a table with a large letter', table({ name: 'T' })],
    ['a table with a quote', table({ name: 't"; --' })],
    ['a table whose name an engine keeps for itself', table({ name: 'sqlite_totals' })],
    ['a column whose name an engine keeps for itself', table({ columns: { k: 'text', ctid: 'text' } })],
    ['a table without columns', table({ columns: {}, key: [] })],
    ['a table without a key', table({ key: [] })],
    ['a key that is no column', table({ key: ['x'] })],
    ['a key of truths', table({ columns: { k: 'boolean' } })],
    ['a key that names a column twice', table({ key: ['k', 'k'] })],
    ['a column with a quote', table({ columns: { k: 'text', "n'": 'number' } })],
    ['a column of a type that does not exist', table({ columns: { k: 'text', n: 'integer' } })],
  ]

  test('each is refused with SCHEMA_INVALID, and nothing is declared', async () => {
    await using under = await open()
    for (const [title, schema] of CASES) {
      expect(await codeOf(under.database.prepare(schema as StoreSchema)), title).toBe('SCHEMA_INVALID')
      expect(await codeOf(under.database.plan(schema as StoreSchema)), title).toBe('SCHEMA_INVALID')
    }
    expect(await codeOf(under.database.read([{ kind: 'count', collection: 'b' }]))).toBe('COLLECTION_UNKNOWN')
    await under.database.prepare(WHOLE)
  })
}
