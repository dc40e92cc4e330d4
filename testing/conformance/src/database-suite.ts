import type { Database, StoredPosition, WriteOperation } from '@millrace/documents'
import { type ErrorCode, isMillraceError } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'
import { databaseQuerySuite } from './database-query-suite.ts'

/** An empty database, made for one test. */
export interface DatabaseUnderTest extends AsyncDisposable {
  readonly database: Database
  /** Closes the database and opens it again, as after a restart. Only for engines whose `supports.durable` is true. */
  reopen(): Promise<Database>
}

/** Makes an empty database for one test. */
export type DatabaseFactory = () => Promise<DatabaseUnderTest>

/** What every implementation of the Database port must do. */
export function databaseSuite(name: string, open: DatabaseFactory): void {
  describe(`${name} as a Database`, () => {
    describe('documents', () => documentTests(open))
    describe('commits', () => commitTests(open))
    describe('input', () => inputTests(open))
    describe('positions', () => positionTests(open))
    describe('closing', () => closingTests(open))
    databaseQuerySuite(open)
  })
}

type Body = Readonly<Record<string, unknown>>

const store = (id: string, body: Body, expectedRevision?: number): WriteOperation => ({
  kind: 'store',
  collection: 'benches',
  id,
  body,
  ...(expectedRevision === undefined ? {} : { expectedRevision }),
})

const remove = (id: string, expectedRevision?: number): WriteOperation => ({
  kind: 'delete',
  collection: 'benches',
  id,
  ...(expectedRevision === undefined ? {} : { expectedRevision }),
})

const position = (processor: string, stored: StoredPosition, expectedOffset?: number): WriteOperation => ({
  kind: 'position',
  processor,
  position: stored,
  ...(expectedOffset === undefined ? {} : { expectedOffset }),
})

async function expectCode(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(isMillraceError(error) ? error.code : error).toBe(code)
}

async function ids(database: Database): Promise<string[]> {
  return (await database.query({ collection: 'benches' })).map(({ id }) => id)
}

function documentTests(open: DatabaseFactory): void {
  test('a stored document comes back as it was, with revision 1', async () => {
    await using under = await open()
    await under.database.prepare(['benches'])
    const body = {
      id: 'b1',
      celsius: 21.5,
      last: { at: null, tags: ['a', 1, true] },
      note: 'käse 🧀 \u0000 "\'',
    }
    expect(await under.database.commit([store('b1', body)])).toEqual({ revisions: [1] })
    expect(await under.database.load('benches', ['b1'])).toEqual([{ id: 'b1', revision: 1, body }])
  })

  test('every change of a document raises its revision by one', async () => {
    await using under = await open()
    await under.database.prepare(['benches'])
    await under.database.commit([store('b1', { n: 1 })])
    expect(await under.database.commit([store('b1', { n: 2 }), store('b1', { n: 3 })])).toEqual({
      revisions: [2, 3],
    })
    expect(await under.database.load('benches', ['b1'])).toEqual([{ id: 'b1', revision: 3, body: { n: 3 } }])
  })

  test('a deleted document is gone, deleting it again does nothing, and storing it again starts at revision 1', async () => {
    await using under = await open()
    await under.database.prepare(['benches'])
    await under.database.commit([store('b1', {}), store('b1', {})])
    expect(await under.database.commit([remove('b1')])).toEqual({ revisions: [0] })
    expect(await under.database.load('benches', ['b1'])).toEqual([])
    expect(await under.database.commit([remove('b1'), store('b1', {})])).toEqual({ revisions: [0, 1] })
  })

  test('loading gives each document that exists once, and nothing for the others', async () => {
    await using under = await open()
    await under.database.prepare(['benches'])
    await under.database.commit([store('b1', {}), store('b2', {})])
    const loaded = await under.database.load('benches', ['b2', 'none', 'b1', 'b2'])
    expect(loaded.map(({ id }) => id).sort()).toEqual(['b1', 'b2'])
    expect(await under.database.load('benches', [])).toEqual([])
  })

  test('what a caller does to a document after storing or loading it changes nothing in the database', async () => {
    await using under = await open()
    await under.database.prepare(['benches'])
    const body = { last: { celsius: 1 } }
    const committed = under.database.commit([store('b1', body)])
    body.last.celsius = 2
    await committed
    const [loaded] = await under.database.load('benches', ['b1'])
    ;(loaded?.body.last as { celsius: number }).celsius = 3
    expect((await under.database.load('benches', ['b1']))[0]?.body).toEqual({ last: { celsius: 1 } })
  })

  test('collections whose names differ by case are different collections', async () => {
    await using under = await open()
    await under.database.prepare(['benches', 'Benches', 'BENCHES', 'be-n_ch9'])
    await under.database.commit([
      store('b1', {}),
      { ...store('b1', { big: true }), collection: 'Benches' } as WriteOperation,
    ])
    expect((await under.database.load('benches', ['b1']))[0]?.body).toEqual({})
    expect((await under.database.load('Benches', ['b1']))[0]?.body).toEqual({ big: true })
    expect(await under.database.load('BENCHES', ['b1'])).toEqual([])
  })

  test('preparing a collection again keeps its documents', async () => {
    await using under = await open()
    await under.database.prepare(['benches'])
    await under.database.commit([store('b1', {})])
    await under.database.prepare(['benches', 'vents'])
    expect(await ids(under.database)).toEqual(['b1'])
  })
}

function commitTests(open: DatabaseFactory): void {
  test('a commit that fails at its last operation leaves nothing of itself behind', async () => {
    await using under = await open()
    await under.database.prepare(['benches'])
    await under.database.commit([store('kept', { n: 1 }), store('changed', { n: 1 })])
    const operations = [
      store('new', {}),
      store('changed', { n: 2 }),
      remove('kept'),
      position('p', { topic: 't', partition: 0, offset: 9 }),
      store('changed', { n: 3 }, 7),
    ]
    await expectCode(under.database.commit(operations), 'DOCUMENT_CONFLICT')
    expect(await ids(under.database)).toEqual(['changed', 'kept'])
    const [changed] = await under.database.load('benches', ['changed'])
    expect(changed).toEqual({ id: 'changed', revision: 1, body: { n: 1 } })
    expect(await under.database.positions('p')).toEqual([])
  })

  test.each([
    ['storing at a revision that has passed', store('b1', {}, 1)],
    ['storing at a revision that has not come', store('b1', {}, 3)],
    ['inserting what exists', store('b1', {}, 0)],
    ['updating what does not exist', store('none', {}, 1)],
    ['deleting at a revision that has passed', remove('b1', 1)],
    ['deleting what does not exist at a revision', remove('none', 2)],
    ['deleting, if it does not exist, what exists', remove('b1', 0)],
  ])('%s is a conflict', async (_, operation) => {
    await using under = await open()
    await under.database.prepare(['benches'])
    await under.database.commit([store('b1', {}), store('b1', {})])
    await expectCode(under.database.commit([operation]), 'DOCUMENT_CONFLICT')
  })

  test('expected revisions that hold let the write pass', async () => {
    await using under = await open()
    await under.database.prepare(['benches'])
    expect(
      await under.database.commit([store('b1', {}, 0), store('b1', {}, 1), remove('b1', 2), remove('b1', 0)]),
    ).toEqual({
      revisions: [1, 2, 0, 0],
    })
  })

  test('of units sent at the same time, the refused ones do not touch the others', async () => {
    await using under = await open()
    await under.database.prepare(['benches'])
    const units = Array.from({ length: 40 }, (_, index) =>
      under.database.commit([store(`b${index}`, {}), store(`b${index}`, {}, index % 3 === 0 ? 5 : 1)]),
    )
    const outcomes = (await Promise.allSettled(units)).map(({ status }) => status)
    expect(outcomes).toEqual(units.map((_, index) => (index % 3 === 0 ? 'rejected' : 'fulfilled')))
    const expected = units.flatMap((_, index) => (index % 3 === 0 ? [] : [`b${index}`])).sort()
    expect(await ids(under.database)).toEqual(expected)
  })

  test('units sent at the same time take effect in the order in which they were sent', async () => {
    await using under = await open()
    await under.database.prepare(['benches'])
    const units = Array.from({ length: 20 }, (_, index) =>
      under.database.commit([store('b1', { index }, index)]),
    )
    const revisions = (await Promise.all(units)).map((result) => result.revisions)
    expect(revisions).toEqual(units.map((_, index) => [index + 1]))
    expect((await under.database.load('benches', ['b1']))[0]?.body).toEqual({ index: 19 })
  })

  test('of two writers that read the same revision, one wins and the other is told', async () => {
    await using under = await open()
    await under.database.prepare(['benches'])
    await under.database.commit([store('b1', { by: 'nobody' })])
    const [first, second] = await Promise.allSettled([
      under.database.commit([store('b1', { by: 'first' }, 1)]),
      under.database.commit([store('b1', { by: 'second' }, 1)]),
    ])
    expect([first.status, second.status]).toEqual(['fulfilled', 'rejected'])
    expect((await under.database.load('benches', ['b1']))[0]).toMatchObject({
      revision: 2,
      body: { by: 'first' },
    })
  })

  test('a commit of nothing is fine', async () => {
    await using under = await open()
    expect(await under.database.commit([])).toEqual({ revisions: [] })
  })
}

function inputTests(open: DatabaseFactory): void {
  test.each([
    ['nothing', ''],
    ['a digit first', '1benches'],
    ['61 characters', 'b'.repeat(61)],
    ['a quote', 'benches"; DROP TABLE positions; --'],
    ['a space', 'my benches'],
    ['a dollar', 'b$x'],
    ['an umlaut', 'bänke'],
    ['a line end', 'benches\n'],
  ])('a collection name with %s is refused', async (_, name) => {
    await using under = await open()
    await expectCode(under.database.prepare(['fine', name]), 'COLLECTION_NAME_INVALID')
    await expectCode(under.database.load('fine', []), 'COLLECTION_UNKNOWN')
  })

  test('a collection that was not prepared is refused by every member', async () => {
    await using under = await open()
    const collection = 'nobody'
    await expectCode(under.database.load(collection, ['b1']), 'COLLECTION_UNKNOWN')
    await expectCode(under.database.query({ collection }), 'COLLECTION_UNKNOWN')
    await expectCode(under.database.count({ collection }), 'COLLECTION_UNKNOWN')
    await expectCode(
      under.database.commit([{ ...store('b1', {}), collection } as WriteOperation]),
      'COLLECTION_UNKNOWN',
    )
    await expectCode(
      under.database.commit([{ ...remove('b1'), collection } as WriteOperation]),
      'COLLECTION_UNKNOWN',
    )
  })

  test.each([
    ['a date', { at: new Date(0) }],
    ['a number that JSON does not have', { celsius: Number.NaN }],
    ['a bigint', { count: 1n }],
    ['a function', { act: () => 1 }],
    ['a map', { parts: new Map() }],
    ['a zero character in a property name', { 'a\u0000': 1 }],
    ['undefined in a list', { list: [undefined] }],
  ])('%s is refused instead of being changed silently', async (_, body) => {
    await using under = await open()
    await under.database.prepare(['benches'])
    await expectCode(under.database.commit([store('fine', {}), store('b1', body)]), 'DOCUMENT_INVALID')
    expect(await ids(under.database)).toEqual([])
  })

  test('a document that contains itself or is nested too deep is refused', async () => {
    await using under = await open()
    await under.database.prepare(['benches'])
    const circle: Record<string, unknown> = {}
    circle.self = circle
    await expectCode(under.database.commit([store('b1', circle)]), 'DOCUMENT_INVALID')
    const deep = JSON.parse(`${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`)
    await expectCode(under.database.commit([store('b1', deep)]), 'DOCUMENT_INVALID')
  })

  test('a document that is too large is refused, one just below is kept', async () => {
    await using under = await open()
    await under.database.prepare(['benches'])
    await expectCode(
      under.database.commit([store('b1', { text: 'x'.repeat(1_048_577) })]),
      'DOCUMENT_TOO_LARGE',
    )
    await under.database.commit([store('b1', { text: 'x'.repeat(1_000_000) })])
    expect(await under.database.count({ collection: 'benches' })).toBe(1)
  })

  test.each([[''], ['x'.repeat(501)], ['\ud800'], [7 as unknown as string]])(
    'the document id %j is refused',
    async (id) => {
      await using under = await open()
      await under.database.prepare(['benches'])
      await expectCode(under.database.commit([store(id, {})]), 'DOCUMENT_ID_INVALID')
    },
  )

  test('ids and contents that look like SQL are texts like any other', async () => {
    await using under = await open()
    await under.database.prepare(['benches'])
    const hostile = [`'; DROP TABLE "documents_benches"; --`, '" OR 1=1', '?', '$1', '\u0000', '%', 'ünï😀']
    await under.database.commit(hostile.map((id) => store(id, { id, text: [id] })))
    for (const id of hostile) {
      expect(await under.database.load('benches', [id])).toEqual([
        { id, revision: 1, body: { id, text: [id] } },
      ])
    }
    await under.database.commit(hostile.slice(1).map((id) => remove(id)))
    expect(await ids(under.database)).toEqual(hostile.slice(0, 1))
  })

  test('a commit of too many operations is refused', async () => {
    await using under = await open()
    await under.database.prepare(['benches'])
    const operations = Array.from({ length: 10_001 }, () => remove('b1'))
    await expectCode(under.database.commit(operations), 'COMMIT_TOO_LARGE')
  })
}

function positionTests(open: DatabaseFactory): void {
  test('positions belong to their processor, topic and partition, and the newest counts', async () => {
    await using under = await open()
    await under.database.commit([
      position('p', { topic: 'b', partition: 0, offset: 3 }),
      position('p', { topic: 'a', partition: 10, offset: 1 }),
      position('p', { topic: 'a', partition: 2, offset: 9_007_199_254_740_991 }),
      position('q', { topic: 'a', partition: 2, offset: 8 }),
    ])
    await under.database.commit([position('p', { topic: 'b', partition: 0, offset: 4 })])
    expect(await under.database.positions('p')).toEqual([
      { topic: 'a', partition: 2, offset: 9_007_199_254_740_991 },
      { topic: 'a', partition: 10, offset: 1 },
      { topic: 'b', partition: 0, offset: 4 },
    ])
    expect(await under.database.positions('none')).toEqual([])
  })

  test('documents and their position are committed together or not at all', async () => {
    await using under = await open()
    await under.database.prepare(['benches'])
    const to = (offset: number) => ({ topic: 't', partition: 0, offset })
    await under.database.commit([store('b1', { n: 1 }), position('p', to(1), 0)])
    await expectCode(
      under.database.commit([position('p', to(2)), store('b1', { n: 2 }, 9)]),
      'DOCUMENT_CONFLICT',
    )
    await expectCode(
      under.database.commit([store('b1', { n: 2 }), position('p', to(2), 0)]),
      'POSITION_CONFLICT',
    )
    expect(await under.database.positions('p')).toEqual([to(1)])
    expect((await under.database.load('benches', ['b1']))[0]).toEqual({
      id: 'b1',
      revision: 1,
      body: { n: 1 },
    })
    await under.database.commit([store('b1', { n: 2 }), position('p', to(2), 1)])
    expect(await under.database.positions('p')).toEqual([to(2)])
  })
}

function closingTests(open: DatabaseFactory): void {
  test('commits in flight are finished before closing, and later calls are refused', async () => {
    await using under = await open()
    const { database } = under
    await database.prepare(['benches'])
    const flying = Array.from({ length: 5 }, (_, index) => database.commit([store(`b${index}`, {})]))
    await Promise.all([database.close(), database.close()])
    await expect(Promise.all(flying)).resolves.toHaveLength(5)
    await expectCode(database.commit([store('late', {})]), 'DATABASE_CLOSED')
    await expectCode(database.load('benches', ['b1']), 'DATABASE_CLOSED')
    await expectCode(database.positions('p'), 'DATABASE_CLOSED')
    await expectCode(database.prepare(['vents']), 'DATABASE_CLOSED')
    await database.close()
  })

  test('what was committed to a durable engine is there when it is opened again', async () => {
    await using under = await open()
    if (!under.database.supports.durable) return
    await under.database.prepare(['benches', 'Vents'])
    const at = { topic: 't', partition: 1, offset: 7 }
    await under.database.commit([store('b1', { n: 1 }), store('b1', { n: 2 }), position('p', at)])
    const reopened = await under.reopen()
    expect(await reopened.load('benches', ['b1'])).toEqual([{ id: 'b1', revision: 2, body: { n: 2 } }])
    expect(await reopened.count({ collection: 'Vents' })).toBe(0)
    expect(await reopened.positions('p')).toEqual([at])
    expect(await reopened.commit([store('b1', { n: 3 }, 2)])).toEqual({ revisions: [3] })
  })
}
