import type { Database, Filter, Read } from '@millrace/documents'
import { describe, expect, test } from 'vitest'
import { and, compare, not } from './database-filter-cases.ts'
import { codeOf, type DatabaseFactory, useTenant } from './database-harness.ts'
import { append, BENCHES, idIs, patch, position, store } from './database-operations.ts'
import { increment } from './database-patch-cases.ts'
import type { Tenant } from './database-tenant.ts'

const SCHEMA = { collections: [{ name: BENCHES, fullText: [['note']] }] }

/** Several questions at once, how engines answer them, and questions that cannot be meant. */
export function databaseReadTests(open: DatabaseFactory): void {
  const tenant = useTenant(open, SCHEMA)
  describe('several at once', () => batchTests(tenant))
  describe('explained', () => explainTests(tenant))
  describe('that cannot be meant', () => badTests(tenant))
}

type ByTenant = ReturnType<typeof useTenant>

function batchTests(tenant: ByTenant): void {
  test('answers of every kind stand in the order of their questions', async () => {
    const { name } = tenant()
    await tenant().put({ a: { n: 1 }, b: { n: 2 } })
    await tenant().commit([append('s', ['x']), position(`p ${name}`, 3)])
    const answers = await tenant().database.read([
      { kind: 'count', collection: BENCHES, tenant: name },
      { kind: 'stream', stream: 's', tenant: name },
      { kind: 'load', collection: BENCHES, ids: ['b'], tenant: name },
      { kind: 'positions', processor: `p ${name}` },
      { kind: 'aggregate', collection: BENCHES, tenant: name, figures: [{ kind: 'sum', path: ['n'] }] },
      { kind: 'stream-info', streams: ['s', 'none'], tenant: name },
      { kind: 'query', collection: BENCHES, tenant: name, limit: 1 },
      { kind: 'feed', after: 0, tenant: name },
      { kind: 'feed-end' },
      { kind: 'count', collection: BENCHES, tenant: name, where: compare('gt', 1, ['n']) },
    ])
    expect(answers).toMatchObject([
      2,
      [{ type: 'x', version: 1 }],
      [{ id: 'b' }],
      [{ topic: 't', partition: 0, offset: 3 }],
      [3],
      [{ stream: 's', version: 1 }],
      { documents: [{ id: 'a' }] },
      { events: [{ type: 'x' }] },
      answers[8],
      1,
    ])
    expect(answers[8]).toBeGreaterThanOrEqual(answers[1][0]!.position)
  })

  test('a hundred questions can be asked at once, and none', async () => {
    await tenant().put({ a: {} })
    const count = { kind: 'count', collection: BENCHES, tenant: tenant().name } as const
    expect(await tenant().database.read(Array(100).fill(count))).toEqual(Array(100).fill(1))
    expect(await tenant().database.read([])).toEqual([])
  })

  test('all answers come from one state, whatever is written meanwhile', async () => {
    await tenant().put({ a: { n: 0 }, b: { n: 0 } })
    let isOver = false
    const write = async () => {
      for (let round = 1; round <= 40; round += 1) await writeRound(tenant(), round)
    }
    const watch = async () => {
      while (!isOver) {
        const [first, ...others] = await roundsSeen(tenant())
        expect(others).toEqual(others.map(() => first))
      }
    }
    const writing = write().finally(() => {
      isOver = true
    })
    await Promise.all([writing, watch(), watch()])
    expect(await roundsSeen(tenant())).toEqual(Array(6).fill(40))
  })
}

/** A unit that changes everything that {@link roundsSeen} looks at by one. */
async function writeRound(tenant: Tenant, round: number): Promise<void> {
  await tenant.commit([
    patch('a', [increment('n')]),
    append('s', ['x']),
    patch('b', [increment('n')]),
    position(`p ${tenant.name}`, round),
    store(`d${round}`, {}),
  ])
}

/** How many rounds each answer of one call has seen. */
async function roundsSeen({ database, name: tenant }: Tenant): Promise<number[]> {
  const [[a], count, infos, { documents }, positions, events] = await database.read([
    { kind: 'load', collection: BENCHES, ids: ['a'], tenant },
    { kind: 'count', collection: BENCHES, tenant },
    { kind: 'stream-info', streams: ['s'], tenant },
    { kind: 'query', collection: BENCHES, tenant, where: idIs('b') },
    { kind: 'positions', processor: `p ${tenant}` },
    { kind: 'stream', stream: 's', tenant },
  ])
  return [
    JSON.parse(a!.text).n,
    count - 2,
    infos[0]?.version ?? 0,
    JSON.parse(documents[0]!.text).n,
    positions[0]?.offset ?? 0,
    events.length,
  ]
}

function explainTests(tenant: ByTenant): void {
  const marker = "needle '42"
  const READS: readonly Read[] = [
    { kind: 'load', collection: BENCHES, ids: [marker], tenant: marker },
    {
      kind: 'query',
      collection: BENCHES,
      where: compare('eq', marker, ['n']),
      orderBy: [{ path: ['n'], direction: 'descending' }],
    },
    {
      kind: 'query',
      collection: BENCHES,
      where: { kind: 'search', text: marker },
      select: { n: ['n'] },
      withTotal: true,
    },
    { kind: 'count', collection: BENCHES, where: not({ kind: 'in', path: ['n'], values: [marker, 7] }) },
    { kind: 'aggregate', collection: BENCHES, figures: [{ kind: 'sum', path: ['n'] }], where: idIs(marker) },
    { kind: 'positions', processor: marker },
    { kind: 'stream', stream: marker },
    { kind: 'stream-info', streams: [marker] },
    { kind: 'feed', after: 0, types: [marker], tenant: marker },
    { kind: 'feed-end' },
  ]

  test.each(READS.map((read) => [read.kind, read] as const))(
    'a read of the kind %s is explained in the words of the engine, and its values stand in no statement',
    async (_, read) => {
      const { sql, lines } = await tenant().database.explain(read)
      expect(lines.every((line) => typeof line === 'string')).toBe(true)
      if (!tenant().database.supports.raw) return
      expect(lines.length).toBeGreaterThan(0)
      expect(sql).toMatch(/select/i)
      expect(sql).not.toContain('needle')
    },
  )

  test('explaining changes nothing, and refuses what reading refuses', async () => {
    await tenant().put({ a: {} })
    await tenant().database.explain({ kind: 'query', collection: BENCHES, tenant: tenant().name })
    expect(await tenant().ids()).toEqual(['a'])
    const bad = { kind: 'query', collection: BENCHES, limit: -1 } as const
    expect(await codeOf(tenant().database.explain(bad))).toBe('QUERY_INVALID')
  })
}

const nested = (levels: number): Filter => {
  let filter = compare('eq', 1)
  for (let level = 0; level < levels; level += 1) filter = not(filter)
  return filter
}

const query = (rest: object) => ({ kind: 'query', collection: BENCHES, ...rest })
const filtered = (where: unknown) => query({ where })
const stream = (rest: object) => ({ kind: 'stream', stream: 's', ...rest })
const feed = (rest: object) => ({ kind: 'feed', after: 0, ...rest })

/** Reads that are QUERY_INVALID. */
const BAD: readonly (readonly [string, unknown])[] = [
  ['no read', null],
  ['a kind that does not exist', { kind: 'sql' }],
  ['a limit of 10,001', query({ limit: 10_001 })],
  ['a negative limit', query({ limit: -1 })],
  ['half an offset', query({ offset: 0.5 })],
  ['a limit that is a text', query({ limit: '1; DROP TABLE documents_values' })],
  ['an offset that is no number', query({ offset: Number.NaN })],
  ['a total that is a text', query({ withTotal: 'yes' })],
  ['an empty path', filtered(compare('eq', 1, []))],
  ['a path that is a text', filtered(compare('eq', 1, 'v' as unknown as string[]))],
  ['a path with a number', filtered(compare('eq', 1, ['v', 0 as unknown as string]))],
  ['a path of 21 names', filtered(compare('eq', 1, Array(21).fill('a')))],
  ['a name of 501 characters', filtered(compare('eq', 1, ['a'.repeat(501)]))],
  ['a zero character in a path', filtered(compare('eq', 1, ['v\u0000']))],
  ['half of a character in a path', filtered(compare('eq', 1, ['\ud800']))],
  ['an operator that does not exist', filtered({ ...compare('eq', 1), operator: '= 1 OR 1' })],
  ['a kind of filter that does not exist', filtered({ kind: 'sql', text: '1=1' })],
  ['a filter that is none', filtered('1=1')],
  ['a filter that is null', filtered(null)],
  ['a filter inside that is none', filtered({ kind: 'not' })],
  ['"and" of no list', filtered({ kind: 'and', filters: {} })],
  ['an object as a value', filtered(compare('eq', {} as never))],
  ['a list as a value', filtered(compare('eq', [1] as never))],
  ['undefined as a value', filtered(compare('eq', undefined as never))],
  ['a date as a value', filtered(compare('eq', new Date(0) as never))],
  ['a bigint as a value', filtered(compare('eq', 1n as never))],
  ['a number that is none', filtered(compare('eq', Number.NaN))],
  ['an infinite number', filtered(compare('lt', Number.POSITIVE_INFINITY))],
  ['half of a character', filtered(compare('eq', '\ud83d'))],
  ['a zero character in a value', filtered(compare('eq', 'a\0'))],
  ['a text of 10,001 characters', filtered(compare('eq', 'a'.repeat(10_001)))],
  ['a prefix that is a number', filtered({ kind: 'starts-with', path: ['v'], value: 1 })],
  ['a part that is null', filtered({ kind: 'contains', path: ['v'], value: null })],
  ['values that are no list', filtered({ kind: 'in', path: ['v'], values: 'abc' })],
  ['a value in a list that is an object', filtered({ kind: 'in', path: ['v'], values: [{}] })],
  ['exists on an empty path', filtered({ kind: 'exists', path: [] })],
  [
    'exists of an element itself',
    filtered({ kind: 'any', path: ['v'], filter: { kind: 'exists', path: [] } }),
  ],
  ['any without a filter', filtered({ kind: 'any', path: ['v'] })],
  ['any on an empty path', filtered({ kind: 'any', path: [], filter: and() })],
  ['an id that is a number', filtered({ kind: 'id', operator: 'eq', value: 1 })],
  ['an id by an operator that does not exist', filtered({ kind: 'id', operator: 'like', value: 'a' })],
  ['a search for a number', filtered({ kind: 'search', text: 1 })],
  ['a search with a prefix that is a text', filtered({ kind: 'search', text: 'a', prefix: 'yes' })],
  ['a filter that is nested too deep', filtered(nested(30))],
  ['too many conditions', filtered({ kind: 'or', filters: Array(201).fill(compare('eq', 1)) })],
  ['too many values', filtered({ kind: 'in', path: ['v'], values: Array(1_001).fill(1) })],
  ['an order that is no list', query({ orderBy: { path: ['v'], direction: 'ascending' } })],
  ['a direction that does not exist', query({ orderBy: [{ path: ['v'], direction: 'ASC; --' }] })],
  ['an order on an empty path', query({ orderBy: [{ path: [], direction: 'ascending' }] })],
  ['a criterion that is null', query({ orderBy: [null] })],
  ['too many criteria', query({ orderBy: Array(11).fill({ path: ['v'], direction: 'ascending' }) })],
  ['a selection of nothing', query({ select: {} })],
  ['a selection that is a list', query({ select: [['v']] })],
  [
    'a selection of 101 parts',
    query({ select: Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`p${n}`, ['v']])) }),
  ],
  ['a selection of an empty path', query({ select: { v: [] } })],
  ['a selection with a zero character in a name', query({ select: { 'v\0': ['v'] } })],
  ['a choice of deleted ones that does not exist', query({ deleted: 'all' })],
  ['a time of deletion that is a text', query({ deleted: { kind: 'only', sinceMs: '2020' } })],
  [
    'a negative time of deletion',
    { kind: 'count', collection: BENCHES, deleted: { kind: 'only', beforeMs: -1 } },
  ],
  ['a tenant that is a number', query({ tenant: 1 })],
  ['a tenant of 201 characters', { kind: 'load', collection: BENCHES, ids: [], tenant: 'a'.repeat(201) }],
  ['a tenant with a zero character', stream({ tenant: '\0' })],
  ['ids that are no list', { kind: 'load', collection: BENCHES, ids: 'b1' }],
  ['an id that is no text', { kind: 'load', collection: BENCHES, ids: ['a', 1] }],
  ['10,001 ids', { kind: 'load', collection: BENCHES, ids: Array(10_001).fill('a') }],
  ['no figures', { kind: 'aggregate', collection: BENCHES, figures: [] }],
  [
    '21 figures',
    { kind: 'aggregate', collection: BENCHES, figures: Array(21).fill({ kind: 'sum', path: ['n'] }) },
  ],
  [
    'a figure that does not exist',
    { kind: 'aggregate', collection: BENCHES, figures: [{ kind: 'avg', path: ['n'] }] },
  ],
  [
    'a figure on an empty path',
    { kind: 'aggregate', collection: BENCHES, figures: [{ kind: 'sum', path: [] }] },
  ],
  ['a processor without a name', { kind: 'positions', processor: '' }],
  ['a stream without a name', stream({ stream: '' })],
  ['a stream of 501 characters', stream({ stream: 'a'.repeat(501) })],
  ['a stream that is a number', stream({ stream: 1 })],
  ['a direction of a stream that does not exist', stream({ direction: 'sideways' })],
  ['a negative version', stream({ fromVersion: -1 })],
  ['half a version', stream({ toVersion: 1.5 })],
  ['a time that is a text', stream({ atMs: '2020' })],
  ['a limit of a stream of 10,001', stream({ limit: 10_001 })],
  ['streams that are no list', { kind: 'stream-info', streams: 's' }],
  ['a stream among others without a name', { kind: 'stream-info', streams: ['s', ''] }],
  ['a negative position', feed({ after: -1 })],
  ['no position', { kind: 'feed' }],
  ['a limit of a feed of 10,001', feed({ limit: 10_001 })],
  ['types that are a text', feed({ types: 'a' })],
  ['a type without a name', feed({ types: [''] })],
  ['1,001 types', feed({ types: Array.from({ length: 1_001 }, (_, n) => `t${n}`) })],
  ['a topic choice that is a text', feed({ withTopicOnly: 'news' })],
]

function badTests(tenant: ByTenant): void {
  const ask = (database: Database, reads: readonly unknown[]) =>
    codeOf(database.read(reads as readonly Read[]))

  test.each(BAD)('%s is refused, and the next good question is answered', async (_, read) => {
    const { database, name } = tenant()
    const good = { kind: 'count', collection: BENCHES, tenant: name } as const
    expect(await ask(database, [read])).toBe('QUERY_INVALID')
    expect(await ask(database, [good, read, good]), 'among others').toBe('QUERY_INVALID')
    expect(await database.read([good])).toEqual([0])
  })

  test('more than a hundred questions are refused, and questions that are no list', async () => {
    const count = { kind: 'count', collection: BENCHES } as const
    expect(await ask(tenant().database, Array(101).fill(count))).toBe('QUERY_INVALID')
    expect(await ask(tenant().database, count as never)).toBe('QUERY_INVALID')
  })

  test('filters of operations are refused like those of reads', async () => {
    const bad = BAD.flatMap(([title, read]) => {
      const where = (read as { where?: Filter } | null)?.where
      return where === undefined ? [] : [[title, where] as const]
    })
    expect(bad.length).toBeGreaterThan(30)
    for (const [title, where] of bad) {
      const collection = BENCHES
      const patches = [increment('n')]
      for (const operation of [
        { kind: 'patch-where', collection, where, patches },
        { kind: 'delete-where', collection, where },
        { kind: 'restore-where', collection, where },
      ] as const) {
        expect(await codeOf(tenant().commit([store('a', {}), operation])), title).toBe('QUERY_INVALID')
      }
    }
    expect(await tenant().ids()).toEqual([])
  })

  test('the largest questions that are allowed are answered', async () => {
    await tenant().put({ five: { v: 5 }, ten: { v: 10 }, text: { v: 'a'.repeat(10_000) } })
    const deep = Array.from({ length: 20 }, (_, n) => `${n}`.padEnd(500, 'x'))
    const values = Array.from({ length: 1_000 }, (_, index) => index)
    const cases: readonly (readonly [Filter, readonly string[]])[] = [
      [{ kind: 'in', path: ['v'], values }, ['five', 'ten']],
      [{ kind: 'in', path: ['v'], values: values.map((n) => `${n}`.padEnd(1_000, 'x')) }, []],
      [{ kind: 'or', filters: Array(199).fill(compare('eq', 5)) }, ['five']],
      [nested(18), []],
      [nested(19), ['five', 'ten', 'text']],
      [compare('eq', 'a'.repeat(10_000)), ['text']],
      [compare('ne', null, deep), []],
      [{ kind: 'any', path: deep, filter: compare('eq', 1, deep) }, []],
    ]
    for (const [where, expected] of cases) expect(await tenant().ids({ where })).toEqual([...expected].sort())
    const orderBy = Array(10).fill({ path: deep, direction: 'descending' })
    expect(await tenant().ids({ orderBy, offset: Number.MAX_SAFE_INTEGER })).toEqual([])
    expect(await tenant().ids({ orderBy, limit: 10_000 })).toEqual(['five', 'ten', 'text'])
  })

  test('an answer that would be too large is refused', async () => {
    const big = 'x'.repeat(1_000_000)
    for (let index = 0; index < 70; index += 10) {
      await tenant().put(Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`b${index + n}`, { big }])))
    }
    expect(await codeOf(tenant().query())).toBe('QUERY_INVALID')
    const ids = Array.from({ length: 70 }, (_, index) => `b${index}`)
    const load = { kind: 'load', collection: BENCHES, ids, tenant: tenant().name } as const
    expect(await codeOf(tenant().database.read([load]))).toBe('QUERY_INVALID')
    expect(await tenant().query({ limit: 60 })).toHaveLength(60)
    expect(await tenant().query({ select: { none: ['none'] } })).toHaveLength(70)
    await tenant().commit([{ kind: 'delete-where', collection: BENCHES }])
  }, 60_000)
}
