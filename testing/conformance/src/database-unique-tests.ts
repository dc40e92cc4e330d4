import { type CollectionSchema, type Filter, matches, type WriteOperation } from '@millrace/documents'
import { describe, expect, test } from 'vitest'
import { and, compare, exists, not, or, VALUES } from './database-filter-cases.ts'
import { codeOf, type DatabaseFactory, opened, refusal, useTenant } from './database-harness.ts'
import { type Body, idIs, patch, patchWhere, remove, store } from './database-operations.ts'
import { erase, set } from './database-patch-cases.ts'
import { Tenant } from './database-tenant.ts'

const PEOPLE: CollectionSchema = {
  name: 'people',
  softDelete: true,
  indexes: [{ kind: 'property', name: 'by-mail', paths: [['mail']], unique: true }],
}
const SEATS: CollectionSchema = {
  name: 'seats',
  indexes: [{ kind: 'property', name: 'by-place', paths: [['row'], ['in', 'seat']], unique: true }],
}
const LAMPS: CollectionSchema = {
  name: 'lamps',
  indexes: [
    {
      kind: 'property',
      name: 'by-socket',
      paths: [['socket']],
      unique: true,
      where: and(compare('eq', true, ['isOn']), compare('ge', 10, ['watts'])),
    },
  ],
}
const CODES: CollectionSchema = {
  name: 'codes',
  indexes: [{ kind: 'column', name: 'code', path: ['code'], type: 'number', unique: true }],
}
const SCHEMA = { collections: [PEOPLE, SEATS, LAMPS, CODES] }

/** Indexes that refuse what is there already. */
export function databaseUniqueTests(open: DatabaseFactory): void {
  const tenant = useTenant(open, SCHEMA)
  const put = (collection: string, bodies: Readonly<Record<string, Body>>) =>
    codeOf(tenant().put(bodies, collection))

  describe('over one path', () => valueTests(tenant))
  describe('in a unit', () => unitTests(tenant))
  describe('limited by a filter', () => limitTests(open))

  test.each([
    ['the same at all paths', { row: 1, in: { seat: 'a' } }, 'DOCUMENT_NOT_UNIQUE'],
    ['the same at one path', { row: 1, in: { seat: 'b' } }, 'no error'],
    ['the same at the other path', { row: 2, in: { seat: 'a' } }, 'no error'],
    ['another type', { row: '1', in: { seat: 'a' } }, 'no error'],
    ['nothing at one path', { row: 1 }, 'no error'],
    ['null at one path', { row: 1, in: { seat: null } }, 'no error'],
    ['the paths exchanged', { row: 'a', in: { seat: 1 } }, 'no error'],
  ])('of documents with two unique paths, one with %s: %s, %s', async (_, body, code) => {
    await put('seats', { s1: { row: 1, in: { seat: 'a' } } })
    expect(await put('seats', { s2: body })).toBe(code)
  })

  test.each([
    ['matches', { socket: 1, isOn: true, watts: 10 }, 'DOCUMENT_NOT_UNIQUE'],
    ['does not match', { socket: 1, isOn: false, watts: 10 }, 'no error'],
    ['half matches', { socket: 1, isOn: true, watts: 9.5 }, 'no error'],
    ['has other types', { socket: 1, isOn: 'true', watts: '10' }, 'no error'],
    ['has nothing else', { socket: 1 }, 'no error'],
  ])('a document that %s what the index is limited to: %j, %s', async (_, body, code) => {
    await put('lamps', { l1: { socket: 1, isOn: true, watts: 60 } })
    expect(await put('lamps', { l2: body })).toBe(code)
  })

  test('a document that comes to match what the index is limited to is refused', async () => {
    await put('lamps', {
      l1: { socket: 1, isOn: true, watts: 60 },
      l2: { socket: 1, isOn: false, watts: 60 },
    })
    const switchOn = patch('l2', [set('isOn', true)], { collection: 'lamps' })
    expect(await codeOf(tenant().commit([switchOn]))).toBe('DOCUMENT_NOT_UNIQUE')
    await tenant().commit([patch('l1', [set('isOn', false)], { collection: 'lamps' }), switchOn])
    expect(await tenant().ids({ collection: 'lamps', where: compare('eq', true, ['isOn']) })).toEqual(['l2'])
  })

  test('a unique column compares values of its type only', async () => {
    await put('codes', { c1: { code: 7 }, c2: { code: '7' }, c3: { code: '7' }, c4: { code: true }, c5: {} })
    expect(await tenant().count({ collection: 'codes' })).toBe(5)
    expect(await put('codes', { c6: { code: 7 } })).toBe('DOCUMENT_NOT_UNIQUE')
    expect(await put('codes', { c6: { code: 7.5 } })).toBe('no error')
  })

  test('documents that are there already and not unique keep the index from being made', async () => {
    await using under = await opened(open, { collections: [{ name: 'people', softDelete: true }] })
    const [one, other] = [new Tenant(under, ''), new Tenant(under, 'other')]
    await one.put({ a: { mail: 'x' }, b: { mail: 'x' } }, 'people')
    await other.put({ a: { mail: 'x' } }, 'people')
    expect(await codeOf(under.database.prepare({ collections: [PEOPLE] }))).toBe('DOCUMENT_NOT_UNIQUE')
    await one.put({ c: { mail: 'x' } }, 'people')
    await one.commit([
      remove('a', { collection: 'people' }),
      remove('c', { collection: 'people', hard: true }),
    ])
    await under.database.prepare({ collections: [PEOPLE] })
    expect(await codeOf(one.put({ c: { mail: 'x' } }, 'people'))).toBe('DOCUMENT_NOT_UNIQUE')
  })

  test('an index that is not declared as unique any more refuses nothing', async () => {
    await using under = await opened(open, { collections: [PEOPLE] })
    const people = new Tenant(under, '')
    await people.put({ a: { mail: 'x' } }, 'people')
    const indexes = [{ kind: 'property', name: 'by-mail', paths: [['mail']] }] as const
    await under.database.prepare({ collections: [{ ...PEOPLE, indexes }] })
    expect(await codeOf(people.put({ b: { mail: 'x' } }, 'people'))).toBe('no error')
  })
}

type ByTenant = ReturnType<typeof useTenant>

function valueTests(tenant: ByTenant): void {
  test.each([
    ['x', 'x', 'DOCUMENT_NOT_UNIQUE'],
    ['x', 'X', 'no error'],
    ['x', 'x ', 'no error'],
    ['é', 'e\u0301', 'no error'],
    ['', '', 'DOCUMENT_NOT_UNIQUE'],
    [1, 1, 'DOCUMENT_NOT_UNIQUE'],
    [0.1 + 0.2, 0.3, 'no error'],
    [2 ** 53, 2 ** 53 + 2, 'no error'],
    [1, '1', 'no error'],
    [1, true, 'no error'],
    [0, false, 'no error'],
    [true, true, 'DOCUMENT_NOT_UNIQUE'],
    [false, false, 'DOCUMENT_NOT_UNIQUE'],
    ['true', true, 'no error'],
    ['null', null, 'no error'],
    [null, null, 'no error'],
    [[1], [1], 'no error'],
    [{ a: 1 }, { a: 1 }, 'no error'],
    ['[1]', [1], 'no error'],
    ['x'.repeat(3_000), 'x'.repeat(3_000), 'DOCUMENT_NOT_UNIQUE'],
    [`${'x'.repeat(3_000)}a`, `${'x'.repeat(3_000)}b`, 'no error'],
  ])('%j beside %j: %s', async (first, second, code) => {
    await tenant().put({ a: { mail: first } }, 'people')
    expect(await codeOf(tenant().put({ b: { mail: second } }, 'people'))).toBe(code)
    expect(await tenant().count({ collection: 'people' })).toBe(code === 'no error' ? 2 : 1)
  })

  test('missing values are not compared', async () => {
    await tenant().put({ a: {}, b: {}, c: { mail: null }, d: { other: 1 } }, 'people')
    expect(await tenant().count({ collection: 'people' })).toBe(4)
  })

  test('a document may keep its value', async () => {
    await tenant().put({ a: { mail: 'x' } }, 'people')
    expect(await codeOf(tenant().put({ a: { mail: 'x', n: 1 } }, 'people'))).toBe('no error')
    expect(await codeOf(tenant().commit([patch('a', [set('mail', 'x')], { collection: 'people' })]))).toBe(
      'no error',
    )
  })

  test('a refusal names the collection and the index, and nothing of the unit is done', async () => {
    await tenant().put({ a: { mail: 'x' } }, 'people')
    const unit = [
      store('c', {}, { collection: 'people' }),
      store('b', { mail: 'x' }, { collection: 'people' }),
    ]
    const error = await refusal(tenant().commit(unit), 'DOCUMENT_NOT_UNIQUE')
    expect(error.parameters).toMatchObject({ collection: 'people', index: 'by-mail' })
    expect(await tenant().ids({ collection: 'people' })).toEqual(['a'])
  })

  test('documents that are marked as deleted are not compared, and may not come back beside another', async () => {
    await tenant().put({ a: { mail: 'x' } }, 'people')
    await tenant().commit([
      remove('a', { collection: 'people' }),
      store('b', { mail: 'x' }, { collection: 'people' }),
    ])
    const restore = { kind: 'restore-where', collection: 'people', where: idIs('a') } as const
    expect(await codeOf(tenant().commit([restore]))).toBe('DOCUMENT_NOT_UNIQUE')
    expect(await codeOf(tenant().put({ a: { mail: 'x' } }, 'people'))).toBe('DOCUMENT_NOT_UNIQUE')
    expect(await codeOf(tenant().put({ a: { mail: 'y' } }, 'people'))).toBe('no error')
  })
}

/** What a unique index can be limited by. */
const LIMITS: readonly Filter[] = [
  ...(['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const).map((operator) => compare(operator, 5)),
  ...(['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const).map((operator) => compare(operator, 'a')),
  compare('eq', true),
  compare('gt', false),
  compare('eq', null),
  compare('ne', null, ['in', 'v']),
  compare('eq', 1.5e300),
  compare('eq', 'ä%_$1{};-- '),
  { kind: 'in', path: ['v'], values: [5, 'a', true, null] },
  { kind: 'in', path: ['v'], values: [] },
  { kind: 'starts-with', path: ['v'], value: 'a' },
  { kind: 'contains', path: ['v'], value: 'b' },
  exists('v'),
  not(exists('in', 'v')),
  not(compare('lt', 5)),
  and(),
  or(),
  and(compare('ge', 0), or(compare('lt', 5), not(compare('le', 5)))),
]

function limitTests(open: DatabaseFactory): void {
  const ODD = ['a.b', '$', '[0]', 'ü 😀', '#-1', '*', '0']
  const schema = {
    collections: LIMITS.map((where, index): CollectionSchema => {
      return {
        name: `limit${index}`,
        indexes: [{ kind: 'property', name: 'one', paths: [['u']], unique: true, where }],
      }
    }).concat(
      ODD.map((name, index): CollectionSchema => {
        const where = compare('ge', '', [name])
        return {
          name: `odd${index}`,
          indexes: [{ kind: 'property', name: 'one', paths: [[name]], unique: true, where }],
        }
      }),
    ),
  }
  const tenant = useTenant(open, schema)

  test.each(LIMITS.map((where, index) => [where, `limit${index}`] as const))(
    '%j: just the documents that match are compared',
    async (where, collection) => {
      const bodies = Object.entries(VALUES).map(([id, body]): [string, Body] => [
        id,
        { ...body, u: `of ${id}` },
      ])
      await tenant().put(Object.fromEntries(bodies), collection)
      for (const [id, body] of bodies) {
        const code = await codeOf(tenant().put({ [`again ${id}`]: body }, collection))
        expect(code, id).toBe(matches(where, { id, body }) ? 'DOCUMENT_NOT_UNIQUE' : 'no error')
      }
    },
  )

  test.each(ODD.map((name, index) => [name, `odd${index}`] as const))(
    'an index on the name %j and limited by it looks at that property',
    async (name, collection) => {
      await tenant().put(
        { a: { [name]: 'x' }, b: { [name]: 1 }, c: { [name]: 1 }, d: { x: { [name]: 'x' } } },
        collection,
      )
      expect(await codeOf(tenant().put({ e: { [name]: 'x' } }, collection))).toBe('DOCUMENT_NOT_UNIQUE')
      expect(await codeOf(tenant().put({ e: { [name]: 'y' } }, collection))).toBe('no error')
    },
  )
}

function unitTests(tenant: ByTenant): void {
  const people = { collection: 'people' }

  test.each([
    ['a patch by id', patch('b', [set('mail', 'x')], people)],
    ['a patch by filter', patchWhere(idIs('b'), [set('mail', 'x')], people)],
    ['a patch by filter of several', patchWhere(and(), [set('mail', 'z')], people)],
  ] satisfies [string, WriteOperation][])(
    '%s that makes two documents equal is refused',
    async (_, operation) => {
      await tenant().put({ a: { mail: 'x' }, b: { mail: 'y' } }, 'people')
      expect(await codeOf(tenant().commit([operation]))).toBe('DOCUMENT_NOT_UNIQUE')
      expect(await tenant().query(people)).toMatchObject([{ body: { mail: 'x' } }, { body: { mail: 'y' } }])
    },
  )

  test('two documents of one unit that are equal are refused', async () => {
    expect(await codeOf(tenant().put({ a: { mail: 'x' }, b: { mail: 'x' } }, 'people'))).toBe(
      'DOCUMENT_NOT_UNIQUE',
    )
    expect(await tenant().count(people)).toBe(0)
  })

  test('a value that was given up earlier in the unit can be taken', async () => {
    await tenant().put({ a: { mail: 'x' }, b: { mail: 'y' }, c: { mail: 'z' } }, 'people')
    const unit = [
      patch('a', [erase('mail')], people),
      patch('b', [set('mail', 'x')], people),
      remove('c', people),
      store('a', { mail: 'z' }, people),
    ]
    expect(await codeOf(tenant().commit(unit))).toBe('no error')
    expect((await tenant().query(people)).map(({ id, body }) => [id, body.mail])).toEqual([
      ['a', 'z'],
      ['b', 'x'],
    ])
  })

  test('of many units that take the same value at once, one wins', async () => {
    const codes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        codeOf(tenant().put({ [`p${index}`]: { mail: 'x' } }, 'people')),
      ),
    )
    expect(codes.filter((code) => code === 'no error')).toHaveLength(1)
    expect(codes.filter((code) => code === 'DOCUMENT_NOT_UNIQUE')).toHaveLength(19)
    expect(await tenant().ids(people)).toEqual([`p${codes.indexOf('no error')}`])
  })
}
