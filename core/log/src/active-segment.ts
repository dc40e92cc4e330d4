import { errorText, isMillraceError, millraceError, type Runtime } from '@millrace/kernel'
import { zerosAhead } from './allocation.ts'
import { segmentName } from './directory-layout.ts'
import type { OpenFile } from './files.ts'
import { sealFrame } from './frame.ts'
import type { FrameBuilder } from './frame-builder.ts'
import { type Frame, FrameCursor } from './frame-cursor.ts'
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
import type { SpareSegment } from './spare-segment.ts'

const RESCUE_CHUNK_BYTES = 1024 * 1024

/** A frame that was written, and where. */
export interface WrittenFrame {
  readonly builder: FrameBuilder
  readonly bytes: Uint8Array
  readonly baseOffset: number
}

/** Limits of a segment, in bytes. */
export interface SegmentLimits {
  readonly segmentBytesMax: number
  /** Zeros written ahead of the data; see {@link zerosAhead}. */
  readonly aheadBytesMax: number
}

/** What a new segment is made from. */
export interface SegmentSeed {
  readonly directory: string
  readonly runtime: Runtime
  readonly baseOffset: number
  readonly predecessor: Predecessor | undefined
  readonly limits: SegmentLimits
  readonly spare: SpareSegment
}

/** The open file of the segment that is written to. */
export class ActiveSegment {
  readonly segment: Segment
  readonly #file: OpenFile
  #limits: SegmentLimits
  /** Behind the last durable record, and frame. */
  #synced: { readonly offset: number; readonly bytes: number }

  /** Everything that `segment` holds must be durable. */
  constructor(segment: Segment, file: OpenFile, limits: SegmentLimits) {
    this.segment = segment
    this.#file = file
    this.#limits = limits
    this.#synced = { offset: segment.endOffset, bytes: segment.dataBytes }
  }

  /** Makes a new segment; its name is durable on return, so what is written to it can be acknowledged. */
  static async create(seed: SegmentSeed): Promise<ActiveSegment> {
    const { directory, runtime, baseOffset, predecessor, limits, spare } = seed
    const id = runtime.random.bytes(SEGMENT_ID_BYTES)
    const name = segmentName(baseOffset)
    const header = (isRecycled: boolean) =>
      encodeSegmentHeader({
        version: FORMAT_VERSION,
        id,
        baseOffset,
        createdAtMs: runtime.clock.now(),
        isRecycled,
        compactedEndOffset: undefined,
        predecessor,
      })
    const { file, fileBytes, isRecycled } = await spare.become(name, header)
    const segment = new Segment({
      path: `${directory}/${name}`,
      baseOffset,
      salt: saltOf(id),
      idRest: idRestOf(id),
      endOffset: baseOffset,
      dataBytes: SEGMENT_HEADER_BYTES,
      fileBytes,
      isRecycled,
      maxTimestampMs: 0,
    })
    return new ActiveSegment(segment, file, limits)
  }

  get synced(): { readonly offset: number; readonly bytes: number } {
    return this.#synced
  }

  /**
   * Writes a group of frames behind the last one; with `isDurable` it, and everything before it, is durable when it
   * resolves. When it rejects with DISK_FULL, nothing of the group is left and the segment is as before. After any
   * other rejection nobody knows what is on the disk, and the segment must not be written to again.
   */
  async write(builders: readonly FrameBuilder[], isDurable: boolean): Promise<readonly WrittenFrame[]> {
    const frames = this.#place(builders)
    await this.#writeFrames(
      frames.map((frame) => frame.bytes),
      isDurable,
    )
    const { segment } = this
    for (const { builder, bytes, baseOffset } of frames) {
      segment.index.note(baseOffset, segment.dataBytes)
      segment.maxTimestampMs = Math.max(segment.maxTimestampMs ?? 0, builder.maxTimestampMs)
      segment.endOffset = baseOffset + builder.count
      segment.dataBytes += bytes.length
    }
    if (isDurable) this.#noteSynced()
    return frames
  }

  /** Makes everything durable that was written. After a rejection the segment must not be written to again. */
  async sync(): Promise<void> {
    if (this.#synced.bytes === this.segment.dataBytes) return
    await this.#sync()
    this.#noteSynced()
  }

  /** The frames that are not durable yet, in order, as far as they can be read: none is missing before the last. */
  async unsyncedFrames(): Promise<readonly Frame[]> {
    const { segment } = this
    const cursor = new FrameCursor(this.#file, segment.salt, segment.dataBytes, RESCUE_CHUNK_BYTES)
    const frames: Frame[] = []
    let { offset, bytes: position } = this.#synced
    while (position < segment.dataBytes) {
      const frame = await cursor.frameAt(position).catch(() => undefined)
      if (frame?.header.baseOffset !== offset) break
      frames.push(frame)
      offset += frame.header.count
      position = frame.end
    }
    return frames
  }

  /** Writes frames of another segment that go on where this one ends; durable when it resolves. */
  async adopt(frames: readonly Frame[]): Promise<void> {
    const { segment } = this
    const copies = frames.map(({ bytes, header }) => {
      const copy = bytes.slice()
      const unsyncedBefore = header.baseOffset - segment.endOffset
      sealFrame(copy, { ...header, salt: segment.salt, unsyncedBefore })
      return copy
    })
    if (copies.length > 0) await this.#writeFrames(copies, true)
    for (const { header, bytes } of frames) {
      segment.index.note(header.baseOffset, segment.dataBytes)
      segment.maxTimestampMs = Math.max(segment.maxTimestampMs ?? 0, header.maxTimestampMs)
      segment.endOffset = header.baseOffset + header.count
      segment.dataBytes += bytes.length
    }
    this.#noteSynced()
  }

  /** What is not durable does not belong to the segment any more. */
  cutToSynced(): void {
    this.segment.endOffset = this.#synced.offset
    this.segment.dataBytes = this.#synced.bytes
  }

  /** Gives back what was allocated ahead and closes the file; nothing is written to the segment any more. */
  async seal(): Promise<void> {
    const { segment } = this
    await this.#file.truncate(segment.dataBytes)
    segment.fileBytes = segment.dataBytes
    await this.close()
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  #noteSynced(): void {
    this.#synced = { offset: this.segment.endOffset, bytes: this.segment.dataBytes }
  }

  #place(builders: readonly FrameBuilder[]): readonly WrittenFrame[] {
    const { salt, endOffset } = this.segment
    let baseOffset = endOffset
    return builders.map((builder) => {
      const bytes = builder.seal({ baseOffset, salt, unsyncedBefore: baseOffset - this.#synced.offset })
      const frame = { builder, bytes, baseOffset }
      baseOffset += builder.count
      return frame
    })
  }

  async #writeFrames(frames: readonly Uint8Array[], isDurable: boolean): Promise<void> {
    const { segment } = this
    const groupBytes = totalBytes(frames)
    const dataEnd = segment.dataBytes + groupBytes
    const { fileBytes } = segment
    const zeros = isDurable ? zerosAhead({ ...this.#limits, dataEnd, groupBytes, fileBytes }) : []
    try {
      await this.#writeBuffers([...frames, ...zeros], isDurable)
    } catch (error) {
      if (!isMillraceError(error, 'DISK_FULL')) this.#fail(error)
      await this.#undo()
      if (zeros.length === 0) throw error
      // There may be room for the frames, if not for what would be allocated ahead.
      this.#limits = { ...this.#limits, aheadBytesMax: 0 }
      return this.#writeFrames(frames, isDurable)
    }
    segment.fileBytes = Math.max(fileBytes, dataEnd + totalBytes(zeros))
  }

  /** What is not durable yet must not be lost to a sync that failed for want of space: then the sync is apart. */
  async #writeBuffers(buffers: readonly Uint8Array[], isDurable: boolean): Promise<void> {
    const { dataBytes } = this.segment
    const isClean = this.#synced.bytes === dataBytes
    if (isDurable && isClean) return this.#file.writeDurable(buffers, dataBytes)
    await this.#file.write(buffers, dataBytes)
    if (isDurable) await this.#sync()
  }

  /**
   * What a refused write has left behind would be intact frames with the right salt: it must be gone before
   * the refusal is told, or it could come back after a power cut.
   */
  async #undo(): Promise<void> {
    const { segment } = this
    await this.#file.truncate(segment.dataBytes).catch((error: unknown) => this.#fail(error))
    await this.#sync()
    this.#noteSynced()
    segment.fileBytes = segment.dataBytes
  }

  async #sync(): Promise<void> {
    await this.#file.sync().catch((error: unknown) => this.#fail(error))
  }

  /** Whatever the cause, the contents are unknown now; so it is never taken for a full disk. */
  #fail(error: unknown): never {
    const parameters = { directory: this.segment.path, reason: errorText(error) }
    throw millraceError('LOG_STORAGE_FAILED', parameters, { cause: error })
  }
}

/** Bytes of all of them. */
export function totalBytes(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((sum, buffer) => sum + buffer.length, 0)
}
