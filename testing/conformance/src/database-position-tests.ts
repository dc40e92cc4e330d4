import type { Database } from '@millrace/documents'
import { expect, test } from 'vitest'
import { codeOf, type DatabaseFactory, refusal, useTenant } from './database-harness.ts'
import { BENCHES, position, store } from './database-operations.ts'

const SCHEMA = { collections: [{ name: BENCHES }] }

async function positions(database: Database, processor: string) {
  const [answer] = await database.read([{ kind: 'positions', processor }])
  return answer
}

/** Where processors stand. */
export function databasePositionTests(open: DatabaseFactory): void {
  const tenant = useTenant(open, SCHEMA)
  /** A processor of the running test: positions belong to no tenant. */
  const p = () => `p ${tenant().name}`

  test('positions belong to their processor, topic and partition, and the newest counts', async () => {
    const at = (processor: string, topic: string, partition: number, offset: number) =>
      ({ kind: 'position', processor, position: { topic, partition, offset } }) as const
    await tenant().commit([
      at('p', 'b', 0, 3),
      at('p', 'a', 10, 1),
      at('p', 'a', 2, 9_007_199_254_740_991),
      at('P', 'a', 2, 8),
      at('p', 'B', 0, 2_147_483_647),
    ])
    await tenant().commit([at('p', 'b', 0, 4)])
    expect(await positions(tenant().database, 'p')).toEqual([
      { topic: 'B', partition: 0, offset: 2_147_483_647 },
      { topic: 'a', partition: 2, offset: 9_007_199_254_740_991 },
      { topic: 'a', partition: 10, offset: 1 },
      { topic: 'b', partition: 0, offset: 4 },
    ])
    expect(await positions(tenant().database, 'P')).toEqual([{ topic: 'a', partition: 2, offset: 8 }])
    expect(await positions(tenant().database, 'none')).toEqual([])
  })

  test('documents and their position are committed together or not at all', async () => {
    await tenant().commit([store('b1', { n: 1 }), position(p(), 1, 0)])
    const stale = store('b1', { n: 2 }, { expectedRevision: 9 })
    expect(await codeOf(tenant().commit([position(p(), 2), stale]))).toBe('DOCUMENT_CONFLICT')
    expect(await codeOf(tenant().commit([store('b1', { n: 2 }), position(p(), 2, 0)]))).toBe(
      'POSITION_CONFLICT',
    )
    expect(await positions(tenant().database, p())).toMatchObject([{ offset: 1 }])
    expect(await tenant().load('b1')).toMatchObject({ revision: 1, body: { n: 1 } })
    await tenant().commit([store('b1', { n: 2 }), position(p(), 2, 1)])
    expect(await positions(tenant().database, p())).toMatchObject([{ offset: 2 }])
  })

  test('an offset of 0 is expected where there is none, or where 0 is stored', async () => {
    await tenant().commit([position(p(), 0, 0)])
    await tenant().commit([position(p(), 0, 0)])
    await tenant().commit([position(p(), 4, 0)])
    const error = await refusal(tenant().commit([position(p(), 5, 0)]), 'POSITION_CONFLICT')
    expect(error.parameters).toMatchObject({ processor: p(), topic: 't', partition: 0, seen: 4, expected: 0 })
    expect(await codeOf(tenant().commit([position(`${p()} none`, 5, 1)]))).toBe('POSITION_CONFLICT')
  })

  test('without an expected offset a position moves wherever it is told, also back', async () => {
    await tenant().commit([position(p(), 9), position(p(), 3), position(p(), 4, 3)])
    await tenant().commit([position(p(), 1)])
    expect(await positions(tenant().database, p())).toMatchObject([{ offset: 1 }])
  })

  test('of many members that go on from the same offset, one wins', async () => {
    await tenant().commit([position(p(), 1)])
    const moves = Array.from({ length: 20 }, (_, index) =>
      codeOf(tenant().commit([position(p(), 10 + index, 1), store(`b${index}`, {})])),
    )
    const codes = await Promise.all(moves)
    const winner = codes.indexOf('no error')
    expect(codes.filter((code) => code === 'POSITION_CONFLICT')).toHaveLength(19)
    expect(await positions(tenant().database, p())).toMatchObject([{ offset: 10 + winner }])
    expect(await tenant().ids()).toEqual([`b${winner}`])
  })

  test('positions belong to no tenant', async () => {
    await tenant().commit([position(p(), 1)], { tenant: 'a' })
    expect(await codeOf(tenant().commit([position(p(), 2, 1)], { tenant: 'b' }))).toBe('no error')
    expect(await positions(tenant().database, p())).toMatchObject([{ offset: 2 }])
  })

  test.each(["'; DROP TABLE positions; --", 'ä🧀', '$1', 'x'.repeat(500)])(
    'the processor and topic %j are names like any other',
    async (name) => {
      const stored = { topic: name, partition: 3, offset: 4 }
      await tenant().commit([{ kind: 'position', processor: name, position: stored }])
      expect(await positions(tenant().database, name)).toEqual([stored])
    },
  )
}
