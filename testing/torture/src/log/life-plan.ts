import type { Durability } from '@millrace/log'

/** What kind of log it is, all its life. */
export interface LogKind {
  readonly segmentBytesMax: number
  readonly allocateAheadBytesMax: number
  /**
   * What goes while it is written: nothing; what is too much, by retention; what counts as consumed, by trimming; or
   * what has a later record with its key, by compaction.
   */
  readonly removal: 'none' | 'retention' | 'trim' | 'compaction'
  /** What appends ask for, by chance. All of them survive a kill. */
  readonly durabilities: readonly Durability[]
}

/** What a life of a log is told to do: one JSON line on its standard input. */
export interface LifePlan extends LogKind {
  /** The root of its files; the log is in `log` below it. */
  readonly root: string
  readonly life: number
  readonly seed: number
  readonly producers: number
  /** How long it appends before it closes by itself, in milliseconds; 0: it looks, and closes. */
  readonly workMs: number
  /** Tells of an append before it is acknowledged. */
  readonly isLying: boolean
}

/** What a reader is told, on its standard input. */
export interface ReaderPlan {
  readonly root: string
}

/** Most records of one append, and most appends of one producer under way. */
export const APPEND_RECORDS_MAX = 8
export const APPENDS_UNDER_WAY_MAX = 3

/** How large a log with retention may be, in bytes. */
export function retentionBytesMax({ segmentBytesMax }: LogKind): number {
  return 4 * segmentBytesMax
}
