import { seededRandom } from '@millrace/kernel'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RETRY_POLICY_DEFAULT, retryDelayMs } from '../src/backoff.ts'

const always = (value: number) => ({ next: () => value, bytes: () => new Uint8Array(0) })

describe('the wait before another try', () => {
  test('doubles from the shortest to the longest', () => {
    const delays = [1, 2, 3, 4, 9, 10, 1_000_000].map((failures) =>
      retryDelayMs(RETRY_POLICY_DEFAULT, failures, always(0)),
    )
    expect(delays).toEqual([100, 200, 400, 800, 25_600, 30_000, 30_000])
  })

  test('is only lengthened by chance, at most by the share that the policy allows', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer(),
        (failures, jitter, seed) => {
          const policy = { ...RETRY_POLICY_DEFAULT, jitter }
          const bareMs = retryDelayMs(policy, failures, always(0))
          const delayMs = retryDelayMs(policy, failures, seededRandom(seed))
          expect(delayMs).toBeGreaterThanOrEqual(bareMs)
          expect(delayMs).toBeLessThanOrEqual(bareMs * (1 + jitter))
        },
      ),
    )
  })
})
