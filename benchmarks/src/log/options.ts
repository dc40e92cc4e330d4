import type { Schedule } from './alternate.ts'

/** Options of {@link benchLog}. */
export interface LogBenchOptions {
  readonly cases: readonly LogCase[]
  readonly schedule: Schedule
  /** Names of peers; none: only us. */
  readonly peers: readonly string[]
  /** Everything is written below it; it should be on the file system that the figures are to be about. */
  readonly directory: string
  readonly backlog: BacklogOptions
  /** Payload that the amplification is counted over, in bytes. */
  readonly amplificationBytes: number
  /** Records that another process reads, and how many come a second. */
  readonly crossProcess: { readonly records: number; readonly ratePerSecond: number }
  /** Arguments for the Node of our processes: a profile. */
  readonly nodeArgs: readonly string[]
  readonly progress: (line: string) => void
}

export interface BacklogOptions {
  readonly bytes: number
  readonly logs: number
  /** How long the open logs are watched doing nothing. */
  readonly idleSeconds: number
  /** True: the system forgets what it has cached of files first, if it may be told to (Linux, root). */
  readonly cold: boolean
}

/** What can be chosen with `--case`. */
export const LOG_CASES = [
  'sequential',
  'concurrent',
  'batches',
  'durability',
  'cross-process',
  'backlog',
  'amplification',
  'queue',
] as const

export type LogCase = (typeof LOG_CASES)[number]
