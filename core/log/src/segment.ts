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
  /** The newest timestamp from `timestampsUnreadBelow` on. Default: 0. */
  readonly maxTimestampMs?: number
  /** Frames below this offset were not looked at, so nothing is known of their timestamps. Default: `endOffset`. */
  readonly timestampsUnreadBelow?: number
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
  #maxTimestampMs: number
  /** Of frames below this offset nobody knows the timestamps yet; the first offset if all are known. */
  #timestampsUnreadBelow: number

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
    this.#maxTimestampMs = draft.maxTimestampMs ?? 0
    this.#timestampsUnreadBelow = draft.timestampsUnreadBelow ?? draft.endOffset
  }

  /** The newest timestamp; undefined until somebody has read what stood here before the log was opened. */
  get maxTimestampMs(): number | undefined {
    return this.#timestampsUnreadBelow > this.baseOffset ? undefined : this.#maxTimestampMs
  }

  /** Up to where frames have to be read to know the newest timestamp. */
  get timestampsUnreadBelow(): number {
    return this.#timestampsUnreadBelow
  }

  /** A frame with this timestamp was added. */
  noteTimestamp(timestampMs: number): void {
    this.#maxTimestampMs = Math.max(this.#maxTimestampMs, timestampMs)
  }

  /** All frames below `endOffset` were read, and this is the newest timestamp in them. */
  learnTimestamps(maxTimestampMs: number, endOffset: number): void {
    this.noteTimestamp(maxTimestampMs)
    if (endOffset >= this.#timestampsUnreadBelow) this.#timestampsUnreadBelow = this.baseOffset
  }

  /** Somebody else has made it longer, by frames that nobody here has looked at. */
  lengthen(endOffset: number, dataBytes: number): void {
    this.endOffset = endOffset
    this.dataBytes = dataBytes
    this.fileBytes = Math.max(this.fileBytes, dataBytes)
    this.#timestampsUnreadBelow = endOffset
  }
}
