import { SEGMENT_HEADER_BYTES } from './segment-header.ts'
import { SparseIndex } from './sparse-index.ts'

/** What is known about a segment when it is found or made. */
export interface SegmentDraft {
  readonly path: string
  readonly baseOffset: number
  readonly salt: number
  /** Bytes 4 to 8 of the id; 0 if the header is damaged. */
  readonly idRest: number
  readonly endOffset: number
  readonly dataBytes: number
  readonly fileBytes: number
  /** Behind the data there may be anything that stood in another segment. Default: false. */
  readonly isRecycled?: boolean
  /** Made by compaction: some of its offsets have no record any more. Default: false. */
  readonly isCompacted?: boolean
  /** Default: an empty one. */
  readonly index?: SparseIndex | undefined
  /** Default: unknown until somebody reads the segment. */
  readonly maxTimestampMs?: number | undefined
}

/** One segment file of an open log. Only the last segment of a log changes. */
export class Segment {
  readonly path: string
  readonly baseOffset: number
  readonly salt: number
  readonly idRest: number
  readonly index: SparseIndex
  readonly isRecycled: boolean
  readonly isCompacted: boolean
  /** Behind the last durable record. */
  endOffset: number
  /** Behind the last durable frame; what stands there is not the log's. */
  dataBytes: number
  /** Size of the file, with what is allocated ahead. */
  fileBytes: number
  /** Known for segments that were written or scanned since the log was opened. */
  maxTimestampMs: number | undefined

  constructor(draft: SegmentDraft) {
    this.path = draft.path
    this.baseOffset = draft.baseOffset
    this.salt = draft.salt
    this.idRest = draft.idRest
    this.isRecycled = draft.isRecycled ?? false
    this.isCompacted = draft.isCompacted ?? false
    this.endOffset = draft.endOffset
    this.dataBytes = draft.dataBytes
    this.fileBytes = draft.fileBytes
    this.index = draft.index ?? new SparseIndex(draft.baseOffset, SEGMENT_HEADER_BYTES)
    this.maxTimestampMs = draft.maxTimestampMs
  }
}
