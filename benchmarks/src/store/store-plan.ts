/** What is done in turns, a slice each. One call of `step` is one operation that somebody waits for. */
export const TURN_CASES = [
  'append one',
  'append by 64',
  'append batch',
  'store document',
  'load document',
  'query index',
  'query scan',
] as const
export type TurnCase = (typeof TURN_CASES)[number]

/** Events of one batch. */
export const BATCH_EVENTS = 1_000
/** Producers of `append by 64`; each waits for its own. */
export const PRODUCERS = 64
/** Documents that are there before the documents' cases begin, spread evenly over the zones. */
export const DOCUMENTS = 20_000
export const ZONES = 200

/** One contender, open in a process of its own. */
export interface OpenContender extends AsyncDisposable {
  /**
   * The cases that it takes part in: each call does the operation once, durably where it writes, and says how many
   * records it counts for. `turn` grows by one with each call of the case.
   */
  readonly steps: Readonly<Partial<Record<TurnCase, (turn: number) => Promise<number> | number>>>
  /** Projections: events are there already, and become one document a stream. Absent: it has none. */
  readonly projections?: ProjectionContender
}

/** What projects. Each resolves when the documents are complete and durable. */
export interface ProjectionContender {
  /** Appends so many events to so many streams; not measured. */
  fill(events: number, streams: number): Promise<void>
  /** A projection that has seen nothing reads them all, as it does in the background. */
  project(): Promise<void>
  /** The same once more from the beginning, over documents that are there. Absent: the same as `project`. */
  rebuild?(): Promise<void>
  /** The sum of the counts in all documents: that of the events, if none was lost and none counted twice. */
  total(): Promise<number>
}

/** A contender with its settings. */
export interface StorePlan {
  readonly id: string
  readonly name: string
  /** The engine under it: contenders of one engine are compared. */
  readonly engine: 'sqlite' | 'postgres'
  readonly role: 'ours' | 'raw' | 'peer'
  /** Every setting that matters, in its own words, with its version. */
  readonly settings: string
  /** `directory` is empty and its own; `url` leads to a database of its own, for those on PostgreSQL. */
  open(directory: string, url: string): Promise<OpenContender>
}

/** An event's data, and a document: what a device says. */
export function reading(turn: number): {
  readonly zone: string
  readonly celsius: number
  readonly note: string
} {
  return { zone: zoneOf(turn), celsius: (turn * 7919) % 400, note: 'a few words that every reading carries' }
}

export function zoneOf(turn: number): string {
  return `zone-${turn % ZONES}`
}
