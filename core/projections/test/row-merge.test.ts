import { memoryDatabase } from '@millrace/memory'
import type { RowChange } from '@millrace/projections'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RowMerge } from '../src/row-merge.ts'

const TABLE = {
  name: 'rows',
  columns: { id: 'text', count: 'number', sum: 'number', note: 'text' },
  key: ['id'],
} as const

const merged = (...changes: RowChange[]) => {
  const merge = new RowMerge(TABLE)
  for (const each of changes) merge.add(each)
  return merge.operations
}

async function rowsAfter(...units: (readonly object[])[]) {
  const database = memoryDatabase()
  await database.prepare({ collections: [], tables: [TABLE] })
  for (const unit of units) await database.commit(unit as never)
  return [...database.rows('rows')].sort((left, right) => (String(left.id) < String(right.id) ? -1 : 1))
}

describe('row changes that are merged', () => {
  const key = { id: 'a' }

  test('add whole numbers up and set the last value, in one operation a row', () => {
    expect(
      merged(
        { kind: 'put-row', key, add: { count: 1 }, set: { note: 'x' } },
        { kind: 'put-row', key, add: { count: 2 } },
        { kind: 'put-row', key, set: { note: 'y' } },
      ),
    ).toEqual([{ kind: 'put-row', table: 'rows', key, set: { note: 'y' }, add: { count: 3 } }])
  })

  test('keep a value that is set before it is added to, and one that is set after', () => {
    const first = { kind: 'put-row', key, add: { count: 5 } } as const
    expect(merged(first, { kind: 'put-row', key, set: { count: 10 } })).toMatchObject([
      { set: { count: 10 }, add: {} },
    ])
    expect(merged({ kind: 'put-row', key, set: { count: 10 } }, first)).toMatchObject([
      { set: { count: 15 }, add: {} },
    ])
  })

  test('forget what was before a deletion, and begin anew behind it', () => {
    const put = { kind: 'put-row', key, add: { count: 1 } } as const
    expect(merged(put, { kind: 'delete-row', key }, put, put)).toMatchObject([
      { kind: 'delete-row' },
      { kind: 'put-row', add: { count: 2 } },
    ])
  })

  test('give the same rows as one by one, to the last bit', async () => {
    const whole = fc.integer({ min: -1e15, max: 1e15 })
    const fraction = fc.constantFrom(0.1, 0.2, 0.7, 1e-9, -3.3)
    const key = fc.record({ id: fc.constantFrom('a', 'b') })
    const numbers = fc.record({ count: whole, sum: fraction }, { requiredKeys: [] })
    const put = fc
      .record({ key, numbers, setsCount: fc.boolean(), note: fc.constantFrom('x', 'y', null) })
      .map(({ key: each, numbers: { count, sum }, setsCount, note }): RowChange => {
        const counted = count === undefined ? {} : { count }
        const summed = sum === undefined ? {} : { sum }
        return setsCount
          ? { kind: 'put-row', key: each, set: { ...counted, note }, add: summed }
          : { kind: 'put-row', key: each, set: { note }, add: { ...counted, ...summed } }
      })
    const removal = fc.record({ kind: fc.constant('delete-row' as const), key })
    const change: fc.Arbitrary<RowChange> = fc.oneof(
      { weight: 1, arbitrary: removal },
      { weight: 6, arbitrary: put },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 30 }), async (changes) => {
        const oneByOne = changes.map((each) => [{ ...each, table: 'rows' }])
        expect(await rowsAfter(merged(...changes))).toEqual(await rowsAfter(...oneByOne))
      }),
    )
  })
})
