import { millraceError } from '@millrace/kernel'
import { RETRY_POLICY_DEFAULT, type RetryPolicy } from '@millrace/processing'
import type { FaultKind } from './fault.ts'

/**
 * What happens when tries do not help: `skip`, the event goes to the dead letters and the projection goes on; `pause`,
 * the shard waits, longer each time, and tries again by itself or when it is resumed; `stop`, the projection stops until
 * somebody resumes it.
 */
export type FaultAction = 'skip' | 'pause' | 'stop'

/** What is done about errors, by their kind. */
export interface ErrorPolicy {
  readonly event?: FaultAction
  readonly apply?: FaultAction
  readonly document?: FaultAction
  /** Nothing can be skipped for a database that fails. */
  readonly database?: Exclude<FaultAction, 'skip'>
  /**
   * Tries before that, for errors that may pass by themselves. Default: 5 in all, from 100 ms on; for an event only one,
   * but for custom projections, since a pure function says the same again.
   */
  readonly retry?: RetryPolicy
  /** Wait of a paused shard before it tries again, in milliseconds; doubles each time. Default: 1,000. */
  readonly pauseMsMin?: number
  /** Default: 60,000. */
  readonly pauseMsMax?: number
}

/** A policy with every choice made. */
export type FullErrorPolicy = Required<Omit<ErrorPolicy, 'retry'>> & {
  readonly retry: Required<RetryPolicy>
  /** Tries of one event; `retry.attemptsMax` is for the database. */
  readonly eventAttemptsMax: number
}

const WAITS = {
  retry: RETRY_POLICY_DEFAULT,
  eventAttemptsMax: 1,
  pauseMsMin: 1_000,
  pauseMsMax: 60_000,
} as const

/** Events that cannot be helped hold up nothing; a database that fails is waited for. */
const CONTINUOUS: FullErrorPolicy = {
  event: 'skip',
  apply: 'skip',
  document: 'skip',
  database: 'pause',
  ...WAITS,
}

/** A rebuild that leaves something out is no rebuild: it stops, and the documents that are served stay. */
const REBUILD: FullErrorPolicy = { ...CONTINUOUS, event: 'stop', apply: 'stop', document: 'stop' }

/** Fills in the defaults. @throws CONFIGURATION_INVALID naming the setting */
export function errorPolicyOf(
  { path, mode, isPure }: { path: string; mode: 'continuous' | 'rebuild'; isPure: boolean },
  chosen: ErrorPolicy = {},
): FullErrorPolicy {
  const defaults = mode === 'continuous' ? CONTINUOUS : REBUILD
  const retry = { ...defaults.retry, ...chosen.retry }
  const eventAttemptsMax = chosen.retry?.attemptsMax ?? (isPure ? 1 : retry.attemptsMax)
  const policy = { ...defaults, ...chosen, retry, eventAttemptsMax }
  const kinds: readonly FaultKind[] = ['event', 'apply', 'document', 'database']
  for (const kind of kinds) {
    const allowed = kind === 'database' ? ['pause', 'stop'] : ['skip', 'pause', 'stop']
    if (allowed.includes(policy[kind])) continue
    refuse(`${path}.${kind}`, policy[kind], `one of ${allowed.join(', ')}`)
  }
  checkNumber(`${path}.pauseMsMin`, policy.pauseMsMin, 1, WAIT_MS_MAX)
  checkNumber(`${path}.pauseMsMax`, policy.pauseMsMax, policy.pauseMsMin, WAIT_MS_MAX)
  checkNumber(`${path}.retry.attemptsMax`, policy.retry.attemptsMax, 1, 1_000)
  checkNumber(`${path}.retry.delayMsMin`, policy.retry.delayMsMin, 0, WAIT_MS_MAX)
  checkNumber(`${path}.retry.delayMsMax`, policy.retry.delayMsMax, policy.retry.delayMsMin, WAIT_MS_MAX)
  checkNumber(`${path}.retry.jitter`, policy.retry.jitter, 0, 1)
  return policy
}

/** A day; a timer cannot wait longer than 24 of them. */
const WAIT_MS_MAX = 86_400_000

/** Throws `CONFIGURATION_INVALID` unless `value` lies within the bounds. */
export function checkNumber(path: string, value: number, low: number, high: number): void {
  if (typeof value === 'number' && value >= low && value <= high) return
  refuse(path, value, `a number from ${low} to ${high}`)
}

/** Throws `CONFIGURATION_INVALID` unless `value` is a whole number within the bounds. */
export function checkWhole(path: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return
  refuse(path, value, `a whole number from ${low} to ${high}`)
}

function refuse(path: string, seen: unknown, expected: string): never {
  throw millraceError('CONFIGURATION_INVALID', { path, seen: String(seen), expected })
}
