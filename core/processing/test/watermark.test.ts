import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { heldItem, type Item } from '../src/item.ts'
import { Watermarks } from '../src/watermark.ts'

function itemOf(offset: number, partition = 0): Item {
  const bare = { timestampMs: 0, key: undefined, headers: {}, value: new Uint8Array(0) }
  return heldItem({ topic: 't', partition, offset, ...bare })
}

function finish(marks: Watermarks, item: Item): void {
  item.state = 'finished'
  marks.advance(item)
}

describe('watermarks', () => {
  test('never pass an item that is not finished, and reach the end when all are, in any order and with holes', () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(gaps, fc.infiniteStream(fc.nat()), (steps, chance) => {
        const marks = new Watermarks()
        let offset = -1
        const items = steps.map((step) => {
          offset += step
          return itemOf(offset)
        })
        for (const item of items) marks.accept(item)
        const open = [...items]
        while (open.length > 0) {
          finish(marks, open.splice(Number(chance.next().value) % open.length, 1)[0]!)
          const next = marks.moved()[0]?.offset
          const firstOpen = items.find((item) => item.state === 'held')?.message.offset
          const lastDone = items.findLast(
            ({ message }) => firstOpen === undefined || message.offset < firstOpen,
          )
          expect(next).toBe(lastDone === undefined ? undefined : lastDone.message.offset + 1)
        }
        expect(marks.moved()).toEqual([{ topic: 't', partition: 0, offset: offset + 1 }])
      }),
    )
  })

  test('report a position until it is committed, and then only when it has moved', () => {
    const marks = new Watermarks()
    const [first, second] = [itemOf(7), itemOf(8)]
    marks.accept(first)
    marks.accept(second)
    finish(marks, first)
    const moved = marks.moved()
    expect(moved).toEqual([{ topic: 't', partition: 0, offset: 8 }])
    expect(marks.moved()).toEqual(moved)
    finish(marks, second)
    marks.committed(moved)
    expect(marks.moved()).toEqual([{ topic: 't', partition: 0, offset: 9 }])
  })

  test('know nothing more of a forgotten partition, also when one of its items is finished late', () => {
    const marks = new Watermarks()
    const [late, other] = [itemOf(1, 0), itemOf(1, 1)]
    marks.accept(late)
    marks.accept(other)
    expect(marks.forget({ topic: 't', partition: 0 })).toEqual([late])
    finish(marks, late)
    finish(marks, other)
    expect(marks.moved()).toEqual([{ topic: 't', partition: 1, offset: 2 }])
  })

  test('refuse an offset that does not grow', () => {
    const marks = new Watermarks()
    marks.accept(itemOf(3))
    expect(() => marks.accept(itemOf(3))).toThrow('offsets of a partition grow')
  })
})
