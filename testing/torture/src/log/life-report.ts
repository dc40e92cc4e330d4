import type { ClosingReport, FailedReport } from '../process/started-process.ts'

/** A record that was told: `name` of {@link toldName}, and the digest of its value. */
export interface ToldRecord {
  readonly offset: number
  readonly name: string
  readonly digest: string
}

/** What a life, or a reader, says, a line each on its standard output, as soon as it is so. */
export type LifeReport =
  | {
      readonly kind: 'opened'
      readonly startOffset: number
      readonly endOffset: number
      readonly openMs: number
    }
  | { readonly kind: 'gap'; readonly from: number; readonly to: number; readonly reason: string }
  /** A record that was there when the log was opened; of a reader: that has come. */
  | ({ readonly kind: 'record' } & ToldRecord)
  /** All records have been told. */
  | { readonly kind: 'told'; readonly bytes: number }
  /** An append was acknowledged; `name` is that of its first record. */
  | { readonly kind: 'acknowledged'; readonly baseOffset: number; readonly name: string }
  /** Everything below may go from now on. */
  | { readonly kind: 'trimming'; readonly offset: number }
  | ClosingReport
  | FailedReport
