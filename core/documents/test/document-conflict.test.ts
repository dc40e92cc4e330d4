import {
  conflictOf,
  type DocumentConflict,
  DocumentConflictError,
  etagOf,
  revisionOfEtag,
} from '@millrace/documents'
import * as fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { type Bench, Benches, bench, codeOf, openGreenhouse, plant, Vents } from './greenhouse.ts'

describe('a conflict', () => {
  async function conflictAfter(
    act: (session: ReturnType<Awaited<ReturnType<typeof openGreenhouse>>['store']['session']>) => void,
    meanwhile: 'changed' | 'gone' = 'changed',
  ): Promise<unknown> {
    const { store } = await openGreenhouse()
    await plant(store, bench('b1'))
    await using session = store.session()
    await session.load(Benches, 'b1')
    await using other = store.session()
    if (meanwhile === 'gone') other.hardDelete(Benches, 'b1')
    else other.store(Benches, bench('b1', { celsius: 30 }))
    await other.saveChanges()
    act(session)
    try {
      await session.saveChanges()
    } catch (error) {
      return error
    }
    return undefined
  }

  test('carries what is stored now and what was to be written', async () => {
    const error = await conflictAfter((session) => session.update(Benches, bench('b1', { celsius: 25 })))
    expect(error).toBeInstanceOf(DocumentConflictError)
    const conflict = conflictOf(error, Benches)
    expectTypeOf(conflict).toEqualTypeOf<DocumentConflict<Bench> | undefined>()
    expect(conflict).toEqual({
      collection: 'benches',
      id: 'b1',
      expectedRevision: 1,
      stored: { document: bench('b1', { celsius: 30 }), revision: 2 },
      attempted: { kind: 'store', document: bench('b1', { celsius: 25 }) },
    })
    expect(error).toMatchObject({
      code: 'DOCUMENT_CONFLICT',
      retryable: true,
      parameters: { seen: 2, expected: 1 },
    })
    expect(conflictOf(error, Vents)).toBeUndefined()
    expect(conflictOf(new TypeError('x'))).toBeUndefined()
  })

  test('tells that the document is gone, and whatever else was to be done to it', async () => {
    const insert = await conflictAfter((session) => session.insert(Benches, bench('b1')))
    expect(conflictOf(insert)).toMatchObject({ expectedRevision: 0, attempted: { kind: 'store' } })
    const gone = await conflictAfter((session) => session.update(Benches, bench('b1')), 'gone')
    expect(conflictOf(gone)).toMatchObject({ stored: undefined, attempted: { kind: 'store' } })
    const deleted = await conflictAfter((session) => session.delete(Benches, 'b1', { expectedRevision: 1 }))
    expect(conflictOf(deleted)).toMatchObject({ stored: { revision: 2 }, attempted: { kind: 'delete' } })
    const patched = await conflictAfter((session) =>
      session.patch(Benches, 'b1', { expectedRevision: 1 }).set('zone', 'x'),
    )
    expect(conflictOf(patched)).toMatchObject({
      expectedRevision: 1,
      attempted: { kind: 'patch', patches: [{ kind: 'set', path: ['zone'], value: 'x' }] },
    })
    const expected = await conflictAfter((session) => {
      session.store(Vents, { id: 1, bench: 'b1', percent: 3 })
      session.expect(Benches, 'b1', 1)
    })
    expect(conflictOf(expected)).toMatchObject({
      stored: { revision: 2 },
      attempted: { kind: 'expect' },
      expectedRevision: 1,
    })
  })

  test('is told without both sides if the database does not answer then', async () => {
    const { store, database } = await openGreenhouse()
    await plant(store, bench('b1'))
    await using session = store.session()
    session.insert(Benches, bench('b1'))
    database.read = () => Promise.reject(new TypeError('gone'))
    expect(await codeOf(session.saveChanges())).toBe('DOCUMENT_CONFLICT')
  })
})

describe('an entity tag', () => {
  test('is strong, names the revision, and differs for a document that was deleted and stored again', async () => {
    const { store, runtime } = await openGreenhouse()
    const tags: string[] = []
    for (let time = 0; time < 2; time += 1) {
      await plant(store, bench('b1'))
      tags.push(etagOf((await store.loadWithMetadata(Benches, 'b1'))!.metadata))
      await runtime.advance(1_000)
      await using session = store.session()
      session.hardDelete(Benches, 'b1')
      await session.saveChanges()
    }
    expect(tags[0]).toMatch(/^"[\x21\x23-\x7e]+"$/)
    expect(tags.map(revisionOfEtag)).toEqual([1, 1])
    expect(new Set(tags).size).toBe(2)
  })

  test('that is weak, a list, or of somebody else names no revision', () => {
    for (const etag of [
      'W/"1-x"',
      '*',
      '"1-x", "2-x"',
      '"abc"',
      '1-x',
      '""',
      '"0-x"',
      '"99999999999999999-x"',
    ]) {
      expect(revisionOfEtag(etag)).toBeUndefined()
    }
  })

  test('of any revision gives that revision back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.maxSafeInteger(), (revision, createdAtMs) => {
        expect(revisionOfEtag(etagOf({ revision, createdAtMs }))).toBe(revision)
      }),
    )
  })
})
