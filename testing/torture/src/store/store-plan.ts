/** What a life of a store is told to do. */
export interface StorePlan {
  /** The root of its files: SQLite's file and the bus. */
  readonly root: string
  /** A PostgreSQL database and a schema in it; absent: SQLite below the root. */
  readonly postgres?: { readonly url: string; readonly schema: string }
  readonly life: number
  readonly seed: number
  /** Units that are under way at a time, each on streams of its own. */
  readonly writers: number
  /** How long it works before it closes by itself, in milliseconds; 0: it writes nothing, and brings all to its end. */
  readonly workMs: number
  /** Tells of a unit before it is saved. */
  readonly isLying: boolean
}

/** The streams of one writer; no other writes to them, so that each knows their versions. */
export const STREAMS_A_WRITER = 3
export const WRITERS_MAX = 4
/** Most events of one unit. */
export const EVENTS_MAX = 4

export function streamName(writer: number, index: number): string {
  return `stream-${writer}-${index}`
}

/** Every stream that there may be. */
export const STREAMS = Array.from({ length: WRITERS_MAX * STREAMS_A_WRITER }, (_, number) =>
  streamName(Math.floor(number / STREAMS_A_WRITER), number % STREAMS_A_WRITER),
)
