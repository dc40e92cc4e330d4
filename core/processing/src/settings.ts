import { millraceError } from '@millrace/kernel'
import { RETRY_POLICY_DEFAULT } from './backoff.ts'
import type { ProcessorDescription, RetryPolicy } from './processor.ts'

/** A description with every choice made. */
export interface Settings {
  readonly name: string
  readonly retry: Required<RetryPolicy>
  readonly timeoutMs: number
  readonly prefetch: { readonly pauseAt: number; readonly resumeAt: number }
  readonly concurrency: number
  readonly batchMax: number
  readonly lingerMs: number
}

/** Longest time that a timer can wait, in milliseconds: about 24 days. */
const TIMER_MS_MAX = 2 ** 31 - 1

/** Fills in the defaults; `CONFIGURATION_INVALID` names the first setting that is out of its range. */
export function settingsOf(description: ProcessorDescription): Settings {
  const { name, step, timeoutMs = 30_000, prefetch = { pauseAt: 1_000, resumeAt: 500 } } = description
  const retry = { ...RETRY_POLICY_DEFAULT, ...description.retry }
  const concurrency = step.kind === 'message' ? (step.concurrency ?? 128) : 1
  const batchMax = step.kind === 'batch' ? (step.batchMax ?? 500) : 1
  const lingerMs = step.kind === 'batch' ? (step.lingerMs ?? 0) : 0
  const within = (setting: string, value: number, low: number, high: number, isWhole = true) => {
    if (value >= low && value <= high && (!isWhole || Number.isInteger(value))) return
    const expected = `a${isWhole ? ' whole' : ''} number from ${low} to ${high}`
    throw millraceError('CONFIGURATION_INVALID', {
      path: `${name}.${setting}`,
      seen: String(value),
      expected,
    })
  }
  within('timeoutMs', timeoutMs, 1, TIMER_MS_MAX)
  within('retry.attemptsMax', retry.attemptsMax, 1, 1_000)
  within('retry.delayMsMin', retry.delayMsMin, 0, TIMER_MS_MAX / 2, false)
  within('retry.delayMsMax', retry.delayMsMax, retry.delayMsMin, TIMER_MS_MAX / 2, false)
  within('retry.jitter', retry.jitter, 0, 1, false)
  within('prefetch.pauseAt', prefetch.pauseAt, 1, 1_000_000)
  within('prefetch.resumeAt', prefetch.resumeAt, 0, prefetch.pauseAt - 1)
  within('concurrency', concurrency, 1, 10_000)
  within('batchMax', batchMax, 1, 1_000_000)
  within('lingerMs', lingerMs, 0, 60_000, false)
  return { name, retry, timeoutMs, prefetch, concurrency, batchMax, lingerMs }
}
