import type { Runtime } from '@millrace/kernel'
import { CLEANED, segmentName } from './directory-layout.ts'
import type { Files, OpenFile } from './files.ts'
import { FRAME_HEADER_BYTES, frameBytes, sealFrame } from './frame.ts'
import type { LogRecord } from './log.ts'
import { encodeSparseRecord, RECORD_OVERHEAD_BYTES_MAX } from './record-codec.ts'
import { Segment } from './segment.ts'
import {
  encodeSegmentHeader,
  FORMAT_VERSION,
  idRestOf,
  type Predecessor,
  SEGMENT_HEADER_BYTES,
  SEGMENT_ID_BYTES,
  saltOf,
} from './segment-header.ts'

/** Records are gathered into frames of about this size: what damage costs at most, but for one large record. */
const FRAME_BODY_BYTES = 64 * 1024

/** Where a compacted segment comes from. */
export interface CompactedPlace {
  readonly files: Files
  readonly directory: string
  readonly runtime: Runtime
}

/**
 * A compacted segment in the making. States: begun (frames are added) → complete (durable under its own name) → in place
 * (under the name of the first segment that it replaces).
 */
export class CompactedFile {
  readonly #files: Files
  readonly #directory: string
  readonly #baseOffset: number
  readonly #id: Uint8Array
  readonly #file: OpenFile
  #records: LogRecord[] = []
  #recordBytes = 0
  #maxTimestampMs = 0
  /** Where the next frame begins: its place in the file, and its first offset. */
  #position = SEGMENT_HEADER_BYTES
  #frameOffset: number

  private constructor({ files, directory, runtime }: CompactedPlace, baseOffset: number, file: OpenFile) {
    this.#files = files
    this.#directory = directory
    this.#baseOffset = baseOffset
    this.#id = runtime.random.bytes(SEGMENT_ID_BYTES)
    this.#frameOffset = baseOffset
    this.#file = file
  }

  /** Begins to replace the segment with `baseOffset`, and perhaps those behind it. */
  static async begin(place: CompactedPlace, baseOffset: number): Promise<CompactedFile> {
    const path = `${place.directory}/${segmentName(baseOffset)}${CLEANED}`
    await place.files.remove(path)
    return new CompactedFile(place, baseOffset, await place.files.open(path, 'create'))
  }

  /** No fewer bytes than the file has. */
  get bytes(): number {
    return this.#position + frameBytes(this.#recordBytes)
  }

  /** Adds records in the order of their offsets; keeps views of them until they are written. */
  async add(records: readonly LogRecord[]): Promise<void> {
    for (const record of records) {
      const bytes = record.value.length + (record.key?.length ?? 0) + RECORD_OVERHEAD_BYTES_MAX
      if (this.#recordBytes > 0 && this.#recordBytes + bytes > FRAME_BODY_BYTES)
        await this.#writeFrame(record.offset)
      this.#records.push(record)
      this.#recordBytes += bytes
    }
  }

  /** Ends the file where `last`, the last segment that it replaces, ends; durable on return, under its own name. */
  async complete(last: Segment, predecessor: Predecessor | undefined): Promise<Segment> {
    await this.#writeFrame(last.endOffset)
    const header = encodeSegmentHeader({
      version: FORMAT_VERSION,
      id: this.#id,
      baseOffset: this.#baseOffset,
      createdAtMs: 0,
      isRecycled: false,
      compactedEndOffset: last.endOffset,
      predecessor,
    })
    await this.#file.writeDurable([header], 0)
    await this.#file.close()
    return new Segment({
      path: this.#path,
      baseOffset: this.#baseOffset,
      salt: saltOf(this.#id),
      idRest: idRestOf(this.#id),
      endOffset: last.endOffset,
      dataBytes: this.#position,
      fileBytes: this.#position,
      isCompacted: true,
      maxTimestampMs: this.#maxTimestampMs,
      timestampsUnreadBelow: 0,
    })
  }

  /** Replaces the first segment: who opens that from now on gets this one. */
  takePlace(): Promise<void> {
    return this.#files.rename(this.#path + CLEANED, this.#path)
  }

  /** Removes the other segments that it has taken the place of, when that is durable. */
  async removeReplaced(segments: readonly Segment[]): Promise<void> {
    await this.#files.syncDirectory(this.#directory)
    for (const { path } of segments) await this.#files.remove(path)
    if (segments.length > 0) await this.#files.syncDirectory(this.#directory)
  }

  /** Gives the work up. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => {})
    await this.#files.remove(this.#path + CLEANED).catch(() => {})
  }

  get #path(): string {
    return `${this.#directory}/${segmentName(this.#baseOffset)}`
  }

  /** Writes what was gathered, as a frame that stands for all offsets up to `endOffset`. */
  async #writeFrame(endOffset: number): Promise<void> {
    const firstTimestampMs = this.#records[0]?.timestampMs ?? 0
    const maxTimestampMs = this.#records.reduce((max, record) => Math.max(max, record.timestampMs), 0)
    const body = this.#encodeBody(firstTimestampMs)
    const bodyBytes = body.length
    const bytes = new Uint8Array(frameBytes(bodyBytes))
    bytes.set(body, FRAME_HEADER_BYTES)
    sealFrame(bytes, {
      bodyBytes,
      count: endOffset - this.#frameOffset,
      unsyncedBefore: 0,
      baseOffset: this.#frameOffset,
      firstTimestampMs,
      maxTimestampMs,
      salt: saltOf(this.#id),
      isSparse: true,
    })
    await this.#file.write([bytes], this.#position)
    this.#position += bytes.length
    this.#frameOffset = endOffset
    this.#records = []
    this.#recordBytes = 0
    this.#maxTimestampMs = Math.max(this.#maxTimestampMs, maxTimestampMs)
  }

  #encodeBody(firstTimestampMs: number): Uint8Array {
    const body = new Uint8Array(this.#recordBytes)
    let end = 0
    let nextOffset = this.#frameOffset
    for (const record of this.#records) {
      end = encodeSparseRecord(body, end, record, record.offset - nextOffset, firstTimestampMs)
      nextOffset = record.offset + 1
    }
    return body.subarray(0, end)
  }
}
