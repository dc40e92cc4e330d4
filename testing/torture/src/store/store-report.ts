import type { ClosingReport, FailedReport } from '../process/started-process.ts'

/** One unit of work: so many events at the end of one stream, and everything else that goes with them. */
export interface UnitName {
  readonly unit: string
  readonly stream: string
  readonly events: number
}

/** An event as it was found: which unit, and which of its events. */
export type FoundEvent = readonly [unit: string, index: number]

/** Documents that were folded from a stream: how many events, and a chain over them in their order. */
export interface FoundFold {
  readonly events: number
  readonly chain: string
}

/** Everything about one stream that a fresh process has found. */
export interface FoundStream {
  readonly stream: string
  /** In the order of their versions, which are without holes, or the complaint would say so. */
  readonly events: readonly FoundEvent[]
  /** Units that have a document, and those that have a row, with their numbers of events. */
  readonly documents: Readonly<Record<string, number>>
  readonly rows: Readonly<Record<string, number>>
  /** A number that each unit adds to by a patch. */
  readonly counter: number
  /** Of the inline projection, and of the one in the background. */
  readonly inline: FoundFold
  readonly background: FoundFold
  /** What the relay has published, in the order of the bus. */
  readonly published: readonly FoundEvent[]
}

/** What a life of a store says. */
export type StoreReport =
  | { readonly kind: 'opened'; readonly openMs: number }
  /** It is about to save the unit: whether it is there when it dies, nobody knows. */
  | ({ readonly kind: 'saving' } & UnitName)
  | { readonly kind: 'saved'; readonly unit: string }
  /** The way to the database broke while it was saved. */
  | { readonly kind: 'unknown'; readonly unit: string }
  /** Refused before anything was done; it is not there. */
  | { readonly kind: 'refused'; readonly unit: string }
  | ({ readonly kind: 'found' } & FoundStream)
  /** All projections and the relay are at the end. */
  | { readonly kind: 'complete' }
  | FailedReport
  | ClosingReport
