import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NOT_WAITING, TimerWheel, type WheelItem } from '../src/timer-wheel.ts'

const TICK_MS = 250

function item(fired: number[], name: number): WheelItem {
  return { dueMs: 0, slot: NOT_WAITING, fire: () => fired.push(name) }
}

test('everything fires once, not before its time and at most a tick after it, over many laps', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 400_000 }), { maxLength: 30 }), (times) => {
      const wheel = new TimerWheel(TICK_MS, 0)
      const fired: number[] = []
      for (const [name, dueMs] of times.entries()) wheel.set(item(fired, name), dueMs)
      for (let nowMs = 0; nowMs <= 401_000; nowMs += TICK_MS) {
        const before = fired.length
        wheel.advance(nowMs)
        for (const name of fired.slice(before)) {
          expect(times[name]).toBeLessThanOrEqual(nowMs)
          expect(times[name]).toBeGreaterThanOrEqual(nowMs - 2 * TICK_MS)
        }
      }
      expect(fired.sort((a, b) => a - b)).toEqual([...times.keys()])
    }),
    { numRuns: 20 },
  )
})

test('what is moved fires at its new time, and what is taken out never', () => {
  const wheel = new TimerWheel(TICK_MS, 0)
  const fired: number[] = []
  const [moved, removed] = [item(fired, 1), item(fired, 2)]
  wheel.set(moved, 1_000)
  wheel.set(removed, 1_000)
  wheel.set(moved, 3_000)
  wheel.delete(removed)
  wheel.advance(2_000)
  expect(fired).toEqual([])
  wheel.advance(3_000)
  expect(fired).toEqual([1])
})

test('after a long sleep everything that is due fires', () => {
  const wheel = new TimerWheel(TICK_MS, 0)
  const fired: number[] = []
  for (let name = 0; name < 10; name += 1) wheel.set(item(fired, name), name * 100_000)
  wheel.advance(10_000_000)
  expect(fired).toHaveLength(10)
})
