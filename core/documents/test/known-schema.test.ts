import { type CollectionSchema, KnownSchema, type StoreSchema, type TableSchema } from '@millrace/documents'
import type { ErrorCode } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'
import { codeOf } from './code-of.ts'

const check = (schema: StoreSchema) => new KnownSchema().check(schema)
const withIndex = (index: unknown) => ({ collections: [{ name: 'benches', indexes: [index as never] }] })
const withTable = (table: Partial<TableSchema>) => ({
  collections: [],
  tables: [
    { name: 'hours', columns: { day: 'text', zone: 'text', sum: 'number' }, key: ['day'], ...table },
  ] as never,
})

describe('a known schema', () => {
  test('fills in what is left out, and copies', () => {
    const paths = [['zone']]
    const benches: CollectionSchema = {
      name: 'benches',
      indexes: [{ kind: 'property', name: 'by-zone', paths }],
    }
    const [checked] = check({ collections: [benches] }).collections
    paths.push(['other'])
    expect(checked).toEqual({
      name: 'benches',
      softDelete: false,
      indexes: [{ kind: 'property', name: 'by-zone', paths: [['zone']], unique: false }],
      references: [],
      fullText: [],
    })
  })

  test('knows nothing that was only checked', () => {
    const known = new KnownSchema()
    const checked = known.check({ collections: [{ name: 'benches' }] })
    expect(codeOf(() => known.collection('benches'))).toBe('COLLECTION_UNKNOWN')
    known.add(checked)
    expect(known.collection('benches').name).toBe('benches')
    expect(known.has('vents')).toBe(false)
  })

  test('keeps what was declared before, and takes what is declared again as it is declared last', () => {
    const known = new KnownSchema()
    known.add(known.check({ collections: [{ name: 'benches', softDelete: true }, { name: 'vents' }] }))
    known.add(known.check({ collections: [{ name: 'benches' }] }))
    expect(known.schema.collections.map(({ name, softDelete }) => [name, softDelete])).toEqual([
      ['benches', false],
      ['vents', false],
    ])
  })

  test('lets a collection refer to one declared with it, to one declared before, and to itself', () => {
    const known = new KnownSchema()
    known.add(known.check({ collections: [{ name: 'houses' }] }))
    const references = ['houses', 'benches', 'vents'].map((collection) => ({
      path: [collection],
      collection,
    }))
    const checked = known.check({ collections: [{ name: 'benches', references }, { name: 'vents' }] })
    expect(checked.collections[0]?.references).toEqual(references)
  })

  test('takes names that differ by case for different collections', () => {
    expect(check({ collections: [{ name: 'benches' }, { name: 'Benches' }] }).collections).toHaveLength(2)
  })

  const paths = [['zone']]
  const eq = (value: string) => ({ kind: 'compare', path: ['a'], operator: 'eq', value })
  const refused: readonly (readonly [string, unknown, ErrorCode?])[] = [
    ['a collection without a name', { collections: [{}] }, 'COLLECTION_NAME_INVALID'],
    ['a collection that is nothing', { collections: [null] }, 'COLLECTION_NAME_INVALID'],
    ['a name that begins with a digit', { collections: [{ name: '1st' }] }, 'COLLECTION_NAME_INVALID'],
    ['a name that is too long', { collections: [{ name: 'x'.repeat(61) }] }, 'COLLECTION_NAME_INVALID'],
    ['collections that are no list', { collections: 'benches' }],
    ['one collection twice', { collections: [{ name: 'benches' }, { name: 'benches' }] }],
    ['softDelete that is no choice', { collections: [{ name: 'benches', softDelete: 1 }] }],
    ['a full-text path that is empty', { collections: [{ name: 'benches', fullText: [[]] }] }],
    [
      'a reference to a collection that nobody declares',
      { collections: [{ name: 'benches', references: [{ path: ['house'], collection: 'houses' }] }] },
    ],
    ['an index of an unknown kind', withIndex({ kind: 'hash', name: 'a', paths })],
    ['an index without a name', withIndex({ kind: 'property', paths })],
    ['an index with a name of quotes', withIndex({ kind: 'property', name: 'a"b', paths })],
    ['an index without paths', withIndex({ kind: 'property', name: 'a', paths: [] })],
    ['a path with a quote', withIndex({ kind: 'property', name: 'a', paths: [["it's"]] })],
    ['a path with a line break', withIndex({ kind: 'property', name: 'a', paths: [['a\nb']] })],
    ['a path with an empty name', withIndex({ kind: 'property', name: 'a', paths: [['']] })],
    ['a column of an unknown type', withIndex({ kind: 'column', name: 'a', path: ['a'], type: 'date' })],
    [
      'an index filter that looks into arrays',
      withIndex({ kind: 'property', name: 'a', paths, where: { kind: 'any', path: ['a'], filter: eq('b') } }),
    ],
    [
      'an index filter with a quote, deep inside',
      withIndex({
        kind: 'property',
        name: 'a',
        paths,
        where: { kind: 'not', filter: { kind: 'and', filters: [eq("x' OR 1")] } },
      }),
    ],
    [
      'two indexes of one name, whatever the case',
      {
        collections: [
          {
            name: 'benches',
            indexes: [
              { kind: 'property', name: 'a', paths },
              { kind: 'containment', name: 'A' },
            ],
          },
        ],
      },
    ],
    ['a table whose name has capitals', withTable({ name: 'Hours' })],
    ['a table whose name SQLite keeps for itself', withTable({ name: 'sqlite_hours' })],
    ['a column that tables of PostgreSQL have', withTable({ columns: { day: 'text', xmin: 'number' } })],
    ['a table without columns', withTable({ columns: {} })],
    ['a column of quotes', withTable({ columns: { 'a"': 'text' } })],
    ['a column of an unknown type, in a table', withTable({ columns: { day: 'date' as never } })],
    ['a table without a key', withTable({ key: [] })],
    ['a key that is no column', withTable({ key: ['month'] })],
    ['a key column twice', withTable({ key: ['day', 'day'] })],
    ['a key of booleans', withTable({ columns: { day: 'boolean' } })],
    ['a key called like something inherited', withTable({ key: ['constructor'] })],
  ]
  test.each(refused)('refuses %s', (_, schema, code = 'SCHEMA_INVALID') => {
    expect(codeOf(() => check(schema as StoreSchema))).toBe(code)
  })
})
