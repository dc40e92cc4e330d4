import { describe, expect, test } from 'vitest'
import { HELD_BYTES_MAX, PrefetchGate } from '../src/prefetch-gate.ts'

describe('the prefetch gate', () => {
  test('closes at the upper threshold and opens again only at the lower one', () => {
    const gate = new PrefetchGate({ pauseAt: 10, resumeAt: 4 })
    expect([9, 10, 9, 5, 4, 9].map((count) => gate.update(count, 0))).toEqual([
      true,
      false,
      false,
      false,
      true,
      true,
    ])
  })

  test('closes for too many bytes, whatever their count, and opens at half of them', () => {
    const gate = new PrefetchGate({ pauseAt: 10, resumeAt: 4 })
    expect(gate.update(1, HELD_BYTES_MAX)).toBe(false)
    expect(gate.update(1, HELD_BYTES_MAX / 2 + 1)).toBe(false)
    expect(gate.update(1, HELD_BYTES_MAX / 2)).toBe(true)
  })
})
