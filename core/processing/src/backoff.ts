import type { Random } from '@millrace/kernel'
import type { RetryPolicy } from './processor.ts'

/** What applies where an application says nothing. */
export const RETRY_POLICY_DEFAULT: Required<RetryPolicy> = {
  attemptsMax: 5,
  delayMsMin: 100,
  delayMsMax: 30_000,
  jitter: 0.5,
}

/**
 * How long to wait after `failures` failures in a row, in milliseconds: doubles from `delayMsMin` up to `delayMsMax`.
 * Chance only lengthens, up to the share `jitter`, so that no wait is shorter than it reads.
 */
export function retryDelayMs(policy: Required<RetryPolicy>, failures: number, random: Random): number {
  const doublings = Math.min(Math.max(failures - 1, 0), 52)
  const delayMs = Math.min(policy.delayMsMin * 2 ** doublings, policy.delayMsMax)
  return delayMs * (1 + policy.jitter * random.next())
}
