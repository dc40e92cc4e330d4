import { expect, test } from 'vitest'
import { FeedMark } from '../src/feed-mark.ts'

const seen = (given: number, writers: readonly string[] = [], contiguous = 0) => ({
  given,
  writers,
  contiguous,
})

test('when nobody writes, all that was given is decided', () => {
  const mark = new FeedMark()
  mark.see(seen(7))
  expect(mark.decided).toBe(7)
})

test('a position is decided when those who wrote when it was given are done, whoever has come since', () => {
  const mark = new FeedMark()
  mark.see(seen(3))
  mark.see(seen(9, ['3/1', '4/7'], 3))
  expect(mark.decided).toBe(3)
  mark.see(seen(12, ['4/7', '5/2'], 3))
  expect(mark.decided).toBe(3)
  mark.see(seen(15, ['5/2', '6/1'], 3))
  expect(mark.decided).toBe(9)
  mark.see(seen(15, ['6/1'], 9))
  expect(mark.decided).toBe(12)
  mark.see(seen(15, [], 9))
  expect(mark.decided).toBe(15)
})

test('what is there without a hole is decided, whoever writes', () => {
  const mark = new FeedMark()
  mark.see(seen(9, ['3/1'], 6))
  expect(mark.decided).toBe(6)
})

test('a prepared transaction, which has changed its name, decides nothing until it is gone', () => {
  const mark = new FeedMark()
  mark.see(seen(9, ['3/1']))
  mark.see(seen(9, ['-1/1234']))
  expect(mark.decided).toBe(0)
  mark.see(seen(9))
  expect(mark.decided).toBe(9)
})

test('a writer that never ends holds back what came before it, and a bounded memory of that', () => {
  const mark = new FeedMark()
  for (let position = 1; position <= 1_000; position += 1) mark.see(seen(position, ['3/1']))
  expect(mark.decided).toBe(0)
  mark.see(seen(1_001, ['4/1']))
  expect(mark.decided).toBeGreaterThan(0)
  expect(mark.decided).toBeLessThanOrEqual(1_000)
})
