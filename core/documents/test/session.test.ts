import { collection, openStore } from '@millrace/documents'
import { isMillraceError, manualRuntime } from '@millrace/kernel'
import { memoryDatabase } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'

const Benches = collection(
  'benches',
  z.object({ id: z.string(), celsius: z.number(), alarms: z.number().default(0) }),
)
const Vents = collection('vents', z.object({ id: z.string(), open: z.boolean() }))

async function openBenches() {
  const database = memoryDatabase()
  return {
    database,
    store: await openStore({ database, runtime: manualRuntime(), collections: [Benches, Vents] }),
  }
}

const bench = (id: string, celsius: number, alarms = 0) => ({ id, celsius, alarms })

async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<unknown> {
  try {
    await (typeof work === 'function' ? work() : work)
    return 'no error'
  } catch (error) {
    return isMillraceError(error) ? error.code : error
  }
}

describe('a session', () => {
  test('saves changes of several collections in one commit', async () => {
    const { store, database } = await openBenches()
    const commits: unknown[] = []
    const commit = database.commit.bind(database)
    database.commit = (operations) => {
      commits.push(operations)
      return commit(operations)
    }
    await using session = store.session()
    session.store(Benches, bench('b1', 20))
    session.insert(Vents, { id: 'v1', open: true })
    expect(await store.load(Benches, 'b1')).toBeUndefined()
    await session.saveChanges()
    await session.saveChanges()
    expect(commits).toHaveLength(1)
    expect(await store.load(Benches, 'b1')).toEqual(bench('b1', 20))
    expect(await store.load(Vents, 'v1')).toEqual({ id: 'v1', open: true })
  })

  test('saves nothing if one of its changes is refused, and keeps them', async () => {
    const { store } = await openBenches()
    await using first = store.session()
    first.store(Benches, bench('b1', 20))
    await first.saveChanges()
    await using session = store.session()
    session.store(Vents, { id: 'v1', open: true })
    session.insert(Benches, bench('b1', 30))
    expect(await codeOf(session.saveChanges())).toBe('DOCUMENT_CONFLICT')
    expect(await store.load(Vents, 'v1')).toBeUndefined()
    session.delete(Benches, 'b1')
    expect(await codeOf(session.saveChanges())).toBe('DOCUMENT_CONFLICT')
  })

  test('joins what was said while a unit was refused with what is still there, under the first conditions', async () => {
    const { store } = await openBenches()
    await using first = store.session()
    first.store(Benches, bench('b1', 20))
    await first.saveChanges()
    await using session = store.session()
    session.insert(Benches, bench('b1', 30))
    session.store(Benches, bench('b2', 1))
    const saving = session.saveChanges()
    session.store(Benches, bench('b2', 2))
    session.store(Benches, bench('b1', 31))
    expect(await codeOf(saving)).toBe('DOCUMENT_CONFLICT')
    expect(await codeOf(session.saveChanges())).toBe('DOCUMENT_CONFLICT')
    first.delete(Benches, 'b1')
    await first.saveChanges()
    await session.saveChanges()
    expect(await store.query(Benches).toArray()).toEqual([bench('b1', 31), bench('b2', 2)])
  })

  test('fills in what the schema fills in, and refuses what does not fit it', async () => {
    const { store } = await openBenches()
    await using session = store.session()
    session.store(Benches, { id: 'b1', celsius: 20 } as never)
    expect(await codeOf(() => session.store(Benches, { id: 'b2', celsius: 'hot' } as never))).toBe(
      'DOCUMENT_INVALID',
    )
    await session.saveChanges()
    expect(await store.query(Benches).toArray()).toEqual([bench('b1', 20, 0)])
  })

  test('updates a document that it has read unless somebody else was quicker', async () => {
    const { store } = await openBenches()
    await using writer = store.session()
    writer.insert(Benches, bench('b1', 20))
    await writer.saveChanges()
    await using early = store.session()
    await using late = store.session()
    const [one, two] = [await early.load(Benches, 'b1'), (await late.query(Benches).toArray())[0]]
    early.update(Benches, { ...one!, alarms: 1 })
    late.update(Benches, { ...two!, alarms: 2 })
    await early.saveChanges()
    expect(await codeOf(late.saveChanges())).toBe('DOCUMENT_CONFLICT')
    expect(await store.load(Benches, 'b1')).toEqual(bench('b1', 20, 1))
    expect(early.revisionOf(Benches, 'b1')).toBe(2)
    early.update(Benches, bench('b1', 21))
    await early.saveChanges()
    expect(early.revisionOf(Benches, 'b1')).toBe(3)
  })

  test('refuses to update what it has not read, unless the revision is given', async () => {
    const { store } = await openBenches()
    await using session = store.session()
    expect(await codeOf(() => session.update(Benches, bench('b1', 1)))).toBe('DOCUMENT_REVISION_UNKNOWN')
    expect(await session.load(Benches, 'b1')).toBeUndefined()
    expect(session.revisionOf(Benches, 'b1')).toBe(0)
    expect(await codeOf(() => session.update(Benches, bench('b1', 1)))).toBe('DOCUMENT_REVISION_UNKNOWN')
    session.update(Benches, bench('b1', 1), { expectedRevision: 4 })
    expect(await codeOf(session.saveChanges())).toBe('DOCUMENT_CONFLICT')
  })

  test('makes one change of several changes of a document: the last content, the first condition', async () => {
    const { store } = await openBenches()
    await using session = store.session()
    session.insert(Benches, bench('b1', 1))
    session.update(Benches, bench('b1', 2))
    session.store(Benches, bench('b1', 3))
    await session.saveChanges()
    expect(session.revisionOf(Benches, 'b1')).toBe(1)
    expect(await store.load(Benches, 'b1')).toEqual(bench('b1', 3))
    session.store(Benches, bench('b1', 4))
    session.delete(Benches, 'b1')
    await session.saveChanges()
    expect(await store.load(Benches, 'b1')).toBeUndefined()
  })

  test('loads many in the order of their ids and leaves out those that do not exist', async () => {
    const { store } = await openBenches()
    await using session = store.session()
    for (const id of ['b1', 'b2', 'b3']) session.store(Benches, bench(id, 1))
    await session.saveChanges()
    const loaded = await session.loadMany(Benches, ['b3', 'none', 'b1'])
    expect(loaded.map(({ id }) => id)).toEqual(['b3', 'b1'])
  })

  test('forgets what was not saved when it ends', async () => {
    const { store } = await openBenches()
    const session = store.session()
    session.store(Benches, bench('b1', 1))
    await session[Symbol.asyncDispose]()
    await session.saveChanges()
    expect(await store.load(Benches, 'b1')).toBeUndefined()
  })

  test('refuses more changes than one commit may have', async () => {
    const { store } = await openBenches()
    await using session = store.session()
    for (let index = 0; index < 10_000; index += 1) session.delete(Benches, `b${index}`)
    expect(await codeOf(() => session.delete(Benches, 'one-more'))).toBe('QUEUE_FULL')
    session.delete(Benches, 'b7')
    await session.saveChanges()
  })
})

describe('a store', () => {
  test('refuses a collection that it was not opened with, and two collections of one name', async () => {
    const database = memoryDatabase()
    const store = await openStore({ database, runtime: manualRuntime(), collections: [Benches, Benches] })
    expect(await codeOf(store.load(Vents, 'v1'))).toBe('COLLECTION_UNKNOWN')
    expect(await codeOf(() => store.query(Vents))).toBe('COLLECTION_UNKNOWN')
    expect(await codeOf(() => store.session().delete(Vents, 'v1'))).toBe('COLLECTION_UNKNOWN')
    const twin = collection('benches', Vents.schema)
    expect(
      await codeOf(openStore({ database, runtime: manualRuntime(), collections: [Benches, twin] })),
    ).toBe('COLLECTION_DUPLICATE')
  })

  test('gives every reader a copy of its own', async () => {
    const { store, database } = await openBenches()
    const text = JSON.stringify(bench('b1', 1))
    await database.commit([{ kind: 'store', collection: 'benches', id: 'b1', text }])
    const loaded = (await store.load(Benches, 'b1')) as { celsius: number }
    loaded.celsius = 99
    expect(await store.load(Benches, 'b1')).toEqual(bench('b1', 1))
  })
})
