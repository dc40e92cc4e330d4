/** What a life of the log is told to do: one JSON line on its standard input. */
export interface LifePlan {
  /** The root of its files; the log is in `log` below it. */
  readonly root: string
  readonly life: number
  readonly seed: number
  readonly producers: number
  /** How long it appends before it closes by itself, in milliseconds; 0: it looks, and closes. */
  readonly workMs: number
  readonly segmentBytesMax: number
  readonly allocateAheadBytesMax: number
  /** Absent: nothing is removed. */
  readonly retentionBytesMax?: number
  /** Tells of an append before it is acknowledged. */
  readonly isLying: boolean
}

/** Most records of one append, and most appends of one producer under way. */
export const APPEND_RECORDS_MAX = 8
export const APPENDS_UNDER_WAY_MAX = 3
