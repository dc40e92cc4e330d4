import type { ByteRange } from './survey-file.ts'

/**
 * How bad it is: `loss` means that offsets are gone, `damage` that something is wrong and nothing is lost by it, `note`
 * that it is as it may be, or that opening the log settles it.
 */
export type Severity = 'loss' | 'damage' | 'note'

/** What a finding is about. Stable, for programs; `docs/reference/log-inspection.md` lists them. */
export type FindingKind =
  | 'frame-damaged'
  | 'records-undecodable'
  | 'frame-inconsistent'
  | 'bytes-unreadable'
  | 'header-damaged'
  | 'segment-unreadable'
  | 'segment-misnamed'
  | 'segment-stray'
  | 'segments-overlap'
  | 'offsets-missing'
  | 'gap-recorded'
  | 'end-missing'
  | 'offsets-reserved'
  | 'mark-damaged'
  | 'format-damaged'
  | 'format-missing'
  | 'format-newer'
  | 'not-a-file'
  | 'tail-torn'
  | 'tail-in-flight'
  | 'segment-replaced'
  | 'file-unfinished'
  | 'file-set-aside'
  | 'file-rescued'
  | 'file-vanished'
  | 'file-unknown'

/** Offsets from one up to, not including, another. */
export interface OffsetRange {
  readonly from: number
  readonly to: number
}

/** One thing that was found in the directory of a log. */
export interface Finding {
  readonly severity: Severity
  readonly kind: FindingKind
  /** Name of the file in the directory; undefined if it is about none. */
  readonly file?: string
  /** Where in the file. */
  readonly bytes?: ByteRange
  /** Which offsets it concerns: the lost ones, if it is a loss. */
  readonly offsets?: OffsetRange
  /** What was seen, as a sentence without a full stop. */
  readonly text: string
}
