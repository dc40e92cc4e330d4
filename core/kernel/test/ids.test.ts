import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { manualRuntime, newId } from '../src/index.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('a new id', () => {
  test('is a UUID of version 7 that carries the time', () => {
    const runtime = manualRuntime({ startMs: 0x017f22e279b0 })
    const id = newId(runtime)
    expect(UUID.exec(id)?.[1]).toBe('7')
    // The time of the example in RFC 9562, appendix A.6.
    expect(id.startsWith('017f22e2-79b0-7')).toBe(true)
  })

  test('sorts behind every id of an earlier millisecond', () => {
    const times = fc.tuple(
      fc.integer({ min: 0, max: 2 ** 46 }),
      fc.integer({ min: 1, max: 2 ** 40 }),
      fc.integer(),
    )
    fc.assert(
      fc.property(times, ([startMs, laterMs, seed]) => {
        const runtime = manualRuntime({ startMs, seed })
        const earlier = newId(runtime)
        runtime.jumpWallClock(laterMs)
        expect(newId(runtime) > earlier).toBe(true)
      }),
    )
  })

  test('is another one each time, also within one millisecond', () => {
    const runtime = manualRuntime()
    expect(new Set(Array.from({ length: 10_000 }, () => newId(runtime))).size).toBe(10_000)
  })
})
