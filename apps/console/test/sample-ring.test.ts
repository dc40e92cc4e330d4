import { describe, expect, test } from 'vitest'
import { createSampleRing } from '../src/live/sample-ring.ts'

const values = (ring: ReturnType<typeof createSampleRing>) => ring.columns()[1]

describe('a series of samples', () => {
  test('keeps the newest samples only, in order, with times in seconds', () => {
    const ring = createSampleRing(40)
    for (let index = 0; index < 100; index += 1) ring.push(index * 1000, index)
    expect(ring.length).toBe(40)
    expect(ring.columns()[0][0]).toBe(60)
    expect(values(ring)).toEqual(Array.from({ length: 40 }, (_, index) => 60 + index))
    expect(ring.newest()).toEqual({ timeMs: 99_000, value: 99 })
  })

  test('ignores what is not newer, and what is no number', () => {
    const ring = createSampleRing(10)
    ring.push(2, 1)
    ring.push(2, 9)
    ring.push(1, 9)
    ring.push(Number.NaN, 9)
    ring.push(3, Number.NaN)
    ring.push(4, 2)
    expect(values(ring)).toEqual([1, 2])
  })

  test('puts the past in front of what has come meanwhile, sorted, without doubles, as far as there is room', () => {
    const ring = createSampleRing(5)
    ring.push(100, 10)
    ring.push(110, 11)
    ring.prepend([3, 1, 2, 2, 4, 100, 105].map((timeMs) => ({ timeMs, value: timeMs })))
    expect(values(ring)).toEqual([2, 3, 4, 10, 11])
    ring.push(120, 12)
    expect(values(ring)).toEqual([3, 4, 10, 11, 12])
  })

  test('can be seeded while it is empty and grows on', () => {
    const ring = createSampleRing(600)
    ring.prepend(Array.from({ length: 700 }, (_, index) => ({ timeMs: index, value: index })))
    expect(ring.length).toBe(600)
    expect(values(ring)[0]).toBe(100)
    ring.push(1_000, 7)
    expect(ring.newest()?.value).toBe(7)
  })
})
