import { manualRuntime } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'
import { SteadyClock } from '../src/steady-clock.ts'

const YEAR_MS = 365 * 24 * 3_600_000
const START_MS = 1_000_000

describe('a steady clock', () => {
  test('goes with the wall clock, and follows small corrections and all that lead back', async () => {
    const runtime = manualRuntime({ startMs: START_MS })
    const clock = new SteadyClock(runtime.clock)
    await runtime.advance(500)
    expect(clock.now()).toBe(START_MS + 500)
    runtime.jumpWallClock(30_000)
    expect(clock.now()).toBe(START_MS + 30_500)
    runtime.jumpWallClock(-200_000)
    expect(clock.now()).toBe(runtime.clock.now())
  })

  test('does not follow a large jump forward that is taken back', async () => {
    const runtime = manualRuntime({ startMs: START_MS })
    const clock = new SteadyClock(runtime.clock)
    runtime.jumpWallClock(10 * YEAR_MS)
    for (let minute = 0; minute < 59; minute += 1) {
      expect(clock.now()).toBe(START_MS + minute * 60_000)
      await runtime.advance(60_000)
    }
    runtime.jumpWallClock(-10 * YEAR_MS)
    expect(clock.now()).toBe(runtime.clock.now())
  })

  test('believes a large jump forward when it has stood for an hour, and begins to count anew at another one', async () => {
    const runtime = manualRuntime({ startMs: START_MS })
    const clock = new SteadyClock(runtime.clock)
    runtime.jumpWallClock(YEAR_MS)
    clock.now()
    await runtime.advance(3_000_000)
    runtime.jumpWallClock(YEAR_MS)
    clock.now()
    await runtime.advance(3_000_000)
    expect(clock.now()).toBe(START_MS + 6_000_000)
    await runtime.advance(600_000)
    expect(clock.now()).toBe(START_MS + 2 * YEAR_MS + 6_600_000)
  })
})
