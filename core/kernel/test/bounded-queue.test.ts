import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BoundedQueue } from '../src/index.ts'

describe('a bounded queue', () => {
  test('does what a list does, except that it refuses to pass its limits', () => {
    const action = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('offer' as const), size: fc.nat(6) }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('shift' as const) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('drain' as const) }) },
    )
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 300 }),
        fc.integer({ min: 1, max: 12 }),
        (actions, itemsMax) => {
          const bytesMax = 20
          const queue = new BoundedQueue<string>({
            name: 'test',
            itemsMax,
            bytesMax,
            sizeOf: (item) => item.length,
          })
          let model: string[] = []
          const bytes = () => model.join('').length
          for (const step of actions) {
            if (step.kind === 'offer') {
              const item = 'x'.repeat(step.size)
              const fits = model.length < itemsMax && bytes() + step.size <= bytesMax
              expect(queue.offer(item)).toBe(fits)
              if (fits) model.push(item)
            } else if (step.kind === 'shift') expect(queue.shift()).toBe(model.shift())
            else {
              expect(queue.drain()).toEqual(model)
              model = []
            }
            expect([queue.size, queue.bytes, queue.peek()]).toEqual([model.length, bytes(), model[0]])
          }
        },
      ),
    )
  })

  test('keeps its order over many more items than it ever holds', () => {
    const queue = new BoundedQueue<number>({ name: 'test', itemsMax: 3 })
    let expected = 0
    for (let item = 0; item < 10_000; item += 1) {
      expect(queue.offer(item)).toBe(true)
      if (queue.size < 3) continue
      expect(queue.shift()).toBe(expected)
      expected += 1
    }
  })

  test('says what it holds, its limit and its name when it is pushed over', () => {
    const queue = new BoundedQueue<string>({
      name: 'messages to bench-1',
      itemsMax: 1,
      bytesMax: 9,
      sizeOf: () => 4,
    })
    queue.push('a')
    expect(() => queue.push('b')).toThrow(
      'The queue "messages to bench-1" is full: it holds 1 items, 4 bytes. Expected at most 1 items and 9 bytes.',
    )
    expect(queue.drain()).toEqual(['a'])
  })
})
