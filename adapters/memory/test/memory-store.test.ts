import type { StoreSchema, TableSchema } from '@millrace/documents'
import { isMillraceError, manualRuntime } from '@millrace/kernel'
import { memoryDatabase } from '@millrace/memory'
import { describe, expect, test } from 'vitest'

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'no error',
    (error: unknown) => (isMillraceError(error) ? error.code : error),
  )
}

const store = (id: string, body: object) =>
  ({ kind: 'store', collection: 'benches', id, text: JSON.stringify({ id, ...body }) }) as const

describe('a transformation in memory', () => {
  async function openBenches(...numbers: number[]) {
    const database = memoryDatabase()
    await database.prepare({ collections: [{ name: 'benches', softDelete: true }] })
    await database.commit(numbers.map((n) => store(`b${n}`, { n })))
    return database
  }
  const transform = (source: string, after?: string) =>
    ({ collection: 'benches', source, limit: 2, ...(after === undefined ? {} : { after }) }) as const

  test('changes, leaves and deletes documents, and says how far it came', async () => {
    const database = await openBenches(1, 2, 3)
    const source = '(each) => each.n === 1 ? { ...each, n: 10 } : each.n === 3 ? null : undefined'
    expect(await database.transform(transform(source))).toEqual({
      seen: 2,
      changed: 1,
      deleted: 0,
      last: 'b2',
    })
    expect(await database.transform(transform(source, 'b2'))).toEqual({
      seen: 1,
      changed: 0,
      deleted: 1,
      last: 'b3',
    })
    expect(await database.transform(transform(source, 'b3'))).toEqual({
      seen: 0,
      changed: 0,
      deleted: 0,
      last: undefined,
    })
    const [{ documents }] = await database.read([
      { kind: 'query', collection: 'benches', deleted: 'include' },
    ])
    expect(documents.map(({ text, revision }) => [JSON.parse(text), revision])).toEqual([
      [{ id: 'b1', n: 10 }, 2],
      [{ id: 'b2', n: 2 }, 1],
    ])
  })

  test('reaches documents that are marked as deleted, and leaves them marked', async () => {
    const database = await openBenches(1)
    await database.commit([{ kind: 'delete', collection: 'benches', id: 'b1' }])
    await database.transform(transform('(each) => ({ ...each, n: 2 })'))
    const deleted = { kind: 'only' } as const
    const [{ documents }] = await database.read([{ kind: 'query', collection: 'benches', deleted }])
    expect(JSON.parse(documents[0]?.text ?? '')).toEqual({ id: 'b1', n: 2 })
  })

  const refused: readonly (readonly [string, string])[] = [
    ['is no function', '17'],
    ['is no expression', 'return 1'],
    ['throws', '() => { throw new Error("broken") }'],
    ['throws what is no error', '() => { throw undefined }'],
    ['returns a list', '() => []'],
    ['returns a promise', 'async (each) => each'],
    ['returns what JSON cannot hold', '(each) => ({ ...each, n: NaN })'],
    ['changes the id', '(each) => ({ ...each, id: "b9" })'],
    ['looks for the process', '() => ({ pid: process.pid })'],
    ['makes code of texts', '(each) => ({ ...each, n: new Function("return 1")() })'],
    ['never ends', '() => { for (;;); }'],
  ]
  test.each(refused)('fails and leaves everything as it was if its function %s', async (_, source) => {
    const database = await openBenches(1, 2)
    const onlySecond = `(each) => each.n === 1 ? { ...each, n: 5 } : (${source}\n)(each)`
    expect(await codeOf(database.transform(transform(onlySecond)))).toBe('TRANSFORM_FAILED')
    const [sums] = await database.read([
      { kind: 'aggregate', collection: 'benches', figures: [{ kind: 'sum', path: ['n'] }] },
    ])
    expect(sums).toEqual([3])
  })
})

describe('the schema of a database in memory', () => {
  const table = (columns: TableSchema['columns'], key: readonly string[] = ['day']): StoreSchema => ({
    collections: [],
    tables: [{ name: 'hours', columns, key }],
  })
  const row = { kind: 'put-row', table: 'hours', key: { day: 'monday' }, set: { sum: 1, note: 'x' } } as const

  async function openHours() {
    const database = memoryDatabase()
    await database.prepare(table({ day: 'text', sum: 'number', note: 'text' }))
    await database.commit([row])
    return database
  }

  test('gives a table new columns, null in the rows that are there', async () => {
    const database = await openHours()
    await database.prepare(table({ day: 'text', sum: 'number', note: 'text', open: 'boolean' }))
    expect(database.rows('hours')).toEqual([{ day: 'monday', sum: 1, note: 'x', open: null }])
  })

  test('takes columns away only if that is allowed', async () => {
    const database = await openHours()
    const smaller = table({ day: 'text', sum: 'number' })
    expect(await codeOf(database.prepare(smaller))).toBe('STORE_SCHEMA_DIFFERS')
    expect(database.rows('hours')).toEqual([{ day: 'monday', sum: 1, note: 'x' }])
    await database.commit([{ ...row, set: { note: 'y' } }])
    await database.prepare(smaller, { allow: 'destructive' })
    expect(database.rows('hours')).toEqual([{ day: 'monday', sum: 1 }])
    expect(await codeOf(database.commit([row]))).toBe('TABLE_UNKNOWN')
  })

  test('empties columns of another type and tables of another key, if that is allowed', async () => {
    const database = await openHours()
    const columns = { day: 'text', sum: 'text', note: 'text' } as const
    expect(await codeOf(database.prepare(table(columns)))).toBe('STORE_SCHEMA_DIFFERS')
    await database.prepare(table(columns), { allow: 'destructive' })
    expect(database.rows('hours')).toEqual([{ day: 'monday', sum: null, note: 'x' }])
    expect(await codeOf(database.prepare(table(columns, ['note'])))).toBe('STORE_SCHEMA_DIFFERS')
    await database.prepare(table(columns, ['note']), { allow: 'destructive' })
    expect(database.rows('hours')).toEqual([])
  })

  test('is only looked at when that is all that is asked', async () => {
    const database = await openHours()
    const same = table({ day: 'text', sum: 'number', note: 'text' })
    await database.prepare(same, { checkOnly: true })
    const other: StoreSchema = { ...same, collections: [{ name: 'benches' }] }
    expect(await codeOf(database.prepare(other, { checkOnly: true }))).toBe('STORE_SCHEMA_DIFFERS')
    expect(await codeOf(database.read([{ kind: 'count', collection: 'benches' }]))).toBe('COLLECTION_UNKNOWN')
  })

  test('is as it was if documents do not keep a new constraint', async () => {
    const database = memoryDatabase()
    await database.prepare({ collections: [{ name: 'benches' }] })
    await database.commit([store('b1', { zone: 'north' }), store('b2', { zone: 'north' })])
    const unique = { kind: 'property', name: 'by-zone', paths: [['zone']], unique: true } as const
    const declared = { collections: [{ name: 'vents' }, { name: 'benches', indexes: [unique] }] }
    expect(await codeOf(database.prepare(declared))).toBe('DOCUMENT_NOT_UNIQUE')
    expect(await codeOf(database.read([{ kind: 'count', collection: 'vents' }]))).toBe('COLLECTION_UNKNOWN')
    await database.commit([store('b3', { zone: 'north' })])
    const references = [{ path: ['zone'], collection: 'benches' }]
    const referring = { collections: [{ name: 'benches', references }] }
    expect(await codeOf(database.prepare(referring))).toBe('DOCUMENT_REFERENCE_BROKEN')
    await database.commit([store('b4', { zone: 'nowhere' })])
  })

  test('takes away indexes and references that are not declared any more', async () => {
    const database = memoryDatabase()
    const unique = { kind: 'property', name: 'by-zone', paths: [['zone']], unique: true } as const
    const references = [{ path: ['next'], collection: 'benches' }]
    await database.prepare({ collections: [{ name: 'benches', indexes: [unique], references }] })
    await database.commit([store('b1', { zone: 'north' })])
    expect(await codeOf(database.commit([store('b2', { zone: 'north' })]))).toBe('DOCUMENT_NOT_UNIQUE')
    expect(await codeOf(database.commit([store('b2', { next: 'b9' })]))).toBe('DOCUMENT_REFERENCE_BROKEN')
    await database.prepare({ collections: [{ name: 'benches' }] })
    await database.commit([store('b2', { zone: 'north', next: 'b9' })])
  })
})

describe('whoever waits for events in memory', () => {
  const append = { kind: 'append', stream: 's1', events: [{ id: 'e1', type: 't', text: '{}' }] } as const

  function openWaiting() {
    const runtime = manualRuntime()
    const database = memoryDatabase(runtime)
    const settled: unknown[] = []
    const wait = (position: number, signal?: AbortSignal) => {
      const options = { waitMsMax: 1_000, ...(signal === undefined ? {} : { signal }) }
      const waited = database.eventsBeyond(position, options)
      waited.then(
        () => settled.push(position),
        (error: unknown) => settled.push(error),
      )
    }
    return { runtime, database, settled, wait }
  }

  test('goes on when there is an event behind the position, and not before', async () => {
    const { runtime, database, settled, wait } = openWaiting()
    await database.commit([append])
    for (const position of [0, 1, 2]) wait(position)
    await runtime.advance(1)
    expect(settled).toEqual([0])
    await database.commit([append])
    await runtime.advance(1)
    expect(settled).toEqual([0, 1])
  })

  test('is not woken by a unit that is refused', async () => {
    const { runtime, database, settled, wait } = openWaiting()
    wait(0)
    const refused = database.commit([append, { ...append, expectedVersion: 9 }])
    expect(await codeOf(refused)).toBe('STREAM_CONFLICT')
    await runtime.advance(1)
    expect(settled).toEqual([])
  })

  test('goes on when the time is over, when its signal says so, and when the database closes', async () => {
    const { runtime, database, settled, wait } = openWaiting()
    const abort = new AbortController()
    wait(1)
    wait(2, abort.signal)
    abort.abort(new Error('enough'))
    await runtime.advance(999)
    expect(settled).toEqual([new Error('enough')])
    await runtime.advance(1)
    expect(settled).toEqual([new Error('enough'), 1])
    wait(3)
    await database.close()
    await runtime.advance(1)
    expect(settled).toEqual([new Error('enough'), 1, 3])
  })
})

describe('a database in memory', () => {
  test('has no SQL, explains itself in words, and plans nothing', async () => {
    const database = memoryDatabase()
    await database.prepare({ collections: [{ name: 'benches' }] })
    expect(await codeOf(database.raw('SELECT 1'))).toBe('RAW_NOT_SUPPORTED')
    const { sql, lines } = await database.explain({ kind: 'query', collection: 'benches' })
    expect([sql, lines]).toEqual(['', ['looks at all 0 documents of "benches"']])
    expect((await database.explain({ kind: 'feed-end' })).lines).toHaveLength(1)
    expect(await database.plan({ collections: [{ name: 'vents' }] })).toEqual({ steps: [] })
  })
})
