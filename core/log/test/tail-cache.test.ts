import { expect, test } from 'vitest'
import { type CachedFrame, TailCache } from '../src/tail-cache.ts'

function frame(baseOffset: number, bodyBytes: number, count = 1): CachedFrame {
  return { baseOffset, count, firstTimestampMs: 0, isSparse: false, body: new Uint8Array(bodyBytes) }
}

test('The newest frames are kept, in order, and no more bytes of them than allowed', () => {
  const cache = new TailCache(10_000)
  for (let offset = 0; offset < 5000; offset += 1) {
    cache.push(frame(offset, 872))
    const first = Math.max(0, offset - 9)
    const kept = cache.from(first).map(({ baseOffset }) => baseOffset)
    expect(kept).toEqual(Array.from({ length: offset - first + 1 }, (_, index) => first + index))
    expect(cache.from(first - 1)).toEqual([])
  }
})

test('Thousands of tiny frames are bounded by what a frame costs beside its records', () => {
  const cache = new TailCache(13_000)
  for (let offset = 0; offset < 5000; offset += 1) cache.push(frame(offset, 2))
  expect(cache.from(4900)).toHaveLength(100)
  expect(cache.from(4899)).toEqual([])
})

test('An offset inside a frame is found in it, and one before all of them is not here', () => {
  const cache = new TailCache(1_000_000)
  for (let index = 0; index < 100; index += 1) cache.push(frame(1000 + index * 10, 50, 10))
  expect(cache.from(1005)[0]?.baseOffset).toBe(1000)
  expect(cache.from(1549)[0]?.baseOffset).toBe(1540)
  expect(cache.from(1990)).toHaveLength(1)
  expect(cache.from(999)).toEqual([])
})

test('What is forgotten below an offset makes room for as much', () => {
  const cache = new TailCache(10_000)
  for (let offset = 0; offset < 10; offset += 1) cache.push(frame(offset, 872))
  cache.dropBelow(5)
  expect(cache.from(4)).toEqual([])
  expect(cache.from(5)).toHaveLength(5)
  for (let offset = 10; offset < 15; offset += 1) cache.push(frame(offset, 872))
  expect(cache.from(5)).toHaveLength(10)
  cache.push(frame(15, 872))
  expect(cache.from(5)).toEqual([])
  expect(cache.from(6)).toHaveLength(10)
})

test('A frame larger than the cache is not kept, nor what came before it', () => {
  const cache = new TailCache(10_000)
  cache.push(frame(0, 100))
  cache.push(frame(1, 20_000))
  expect(cache.from(0)).toEqual([])
  expect(cache.from(1)).toEqual([])
  cache.push(frame(2, 100))
  expect(cache.from(2)).toHaveLength(1)
})
