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

/** Between two frames. */
export interface Place {
  readonly offset: number
  readonly bytes: number
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
  #synced: Place
  /** Behind the last record, and frame, that was handed to the file; beyond `segment` while it is on its way. */
  #placed: Place
  #isAllocating = false

  /** Everything that `segment` holds must be durable. */
  constructor(segment: Segment, file: OpenFile, limits: SegmentLimits) {
    this.segment = segment
    this.#file = file
    this.#limits = limits
    this.#synced = { offset: segment.endOffset, bytes: segment.dataBytes }
    this.#placed = this.#synced
  }

  /**
   * Makes a new segment; its name is durable on return, so what is written to it can be acknowledged. `frames` of another
   * segment are in it before it has its name.
   */
  static async create(seed: SegmentSeed, frames: readonly Frame[] = []): Promise<ActiveSegment> {
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
    const copies = frames.map((frame) => copyFor(saltOf(id), baseOffset, frame))
    const { file, fileBytes, isRecycled } = await spare.become(name, header, copies)
    const segment = new Segment({
      path: `${directory}/${name}`,
      baseOffset,
      salt: saltOf(id),
      idRest: idRestOf(id),
      endOffset: baseOffset,
      dataBytes: SEGMENT_HEADER_BYTES,
      fileBytes,
      isRecycled,
    })
    for (const { header, bytes } of frames) {
      segment.index.note(header.baseOffset, segment.dataBytes)
      segment.noteTimestamp(header.maxTimestampMs)
      segment.endOffset = header.baseOffset + header.count
      segment.dataBytes += bytes.length
    }
    return new ActiveSegment(segment, file, limits)
  }

  /** Behind what is durable. */
  get synced(): Place {
    return this.#synced
  }

  /** Behind what was handed to the file. */
  get placed(): Place {
    return this.#placed
  }

  /** False while zeros are on their way to where another write would go. */
  get mayOverlap(): boolean {
    return !this.#isAllocating
  }

  /**
   * Writes a group of frames behind what was handed over before, which may still be on its way if both are durable; with
   * `isDurable` the group is durable when it resolves, and everything that was committed before. It counts when it is
   * committed.
   *
   * After a rejection nothing more may be written before `undo` (DISK_FULL), or at all: nobody knows what is on the disk.
   */
  async write(builders: readonly FrameBuilder[], isDurable: boolean): Promise<readonly WrittenFrame[]> {
    const position = this.#placed.bytes
    const frames = this.#place(builders)
    await this.#writeBuffers(
      frames.map((frame) => frame.bytes),
      position,
      isDurable,
    )
    return frames
  }

  /** The group that was written longest ago belongs to the segment from now on. Groups are committed in their order. */
  commit(frames: readonly WrittenFrame[], isDurable: boolean): void {
    const { segment } = this
    for (const { builder, bytes, baseOffset } of frames) {
      segment.index.note(baseOffset, segment.dataBytes)
      segment.noteTimestamp(builder.maxTimestampMs)
      segment.endOffset = baseOffset + builder.count
      segment.dataBytes += bytes.length
    }
    if (isDurable) this.#noteSynced()
  }

  /**
   * What a refused write has left behind would be intact frames with the right salt: it must be gone before the refusal
   * is told, or it could come back after a power cut. Nothing may be on its way. False if there was nothing to take back.
   */
  async undo(): Promise<boolean> {
    const { segment } = this
    if (this.#placed.bytes === segment.dataBytes) return false
    await this.#file.truncate(segment.dataBytes).catch((error: unknown) => this.#fail(error))
    await this.#sync()
    this.#noteSynced()
    this.#placed = this.#synced
    segment.fileBytes = segment.dataBytes
    return true
  }

  /** Allocates nothing ahead any more; false if it did not before. */
  stopAllocating(): boolean {
    const wasAllocating = this.#limits.aheadBytesMax > 0
    this.#limits = { ...this.#limits, aheadBytesMax: 0 }
    return wasAllocating
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

  /** What is not durable does not belong to the segment any more. */
  cutToSynced(): void {
    this.segment.endOffset = this.#synced.offset
    this.segment.dataBytes = this.#synced.bytes
  }

  /** Gives back what was allocated ahead and closes the file; nothing is written to the segment any more. */
  async seal(): Promise<void> {
    const { segment } = this
    try {
      // Not if something was written that does not count: nobody knows what stands there.
      if (this.#placed.bytes !== segment.dataBytes) return
      await this.#file.truncate(segment.dataBytes)
      segment.fileBytes = segment.dataBytes
    } finally {
      await this.close()
    }
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  #noteSynced(): void {
    this.#synced = { offset: this.segment.endOffset, bytes: this.segment.dataBytes }
  }

  #place(builders: readonly FrameBuilder[]): readonly WrittenFrame[] {
    const { salt } = this.segment
    let { offset, bytes: position } = this.#placed
    const frames = builders.map((builder) => {
      const baseOffset = offset
      const bytes = builder.seal({ baseOffset, salt, unsyncedBefore: baseOffset - this.#synced.offset })
      offset += builder.count
      position += bytes.length
      return { builder, bytes, baseOffset }
    })
    this.#placed = { offset, bytes: position }
    return frames
  }

  async #writeBuffers(frames: readonly Uint8Array[], position: number, isDurable: boolean): Promise<void> {
    const { segment } = this
    const groupBytes = totalBytes(frames)
    const dataEnd = position + groupBytes
    const { fileBytes } = segment
    const zeros = isDurable ? zerosAhead({ ...this.#limits, dataEnd, groupBytes, fileBytes }) : []
    this.#isAllocating = zeros.length > 0
    try {
      await this.#writeOut([...frames, ...zeros], position, isDurable)
    } catch (error) {
      if (!isMillraceError(error, 'DISK_FULL')) this.#fail(error)
      throw error
    } finally {
      this.#isAllocating = false
    }
    segment.fileBytes = Math.max(segment.fileBytes, dataEnd + totalBytes(zeros))
  }

  /** What is not durable yet must not be lost to a sync that failed for want of space: then the sync is apart. */
  async #writeOut(buffers: readonly Uint8Array[], position: number, isDurable: boolean): Promise<void> {
    const isClean = this.#synced.bytes === this.segment.dataBytes
    if (isDurable && isClean) return this.#file.writeDurable(buffers, position)
    await this.#file.write(buffers, position)
    if (isDurable) await this.#sync()
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

/** A frame as it would stand in a segment with another salt, which begins with `baseOffset`. */
function copyFor(salt: number, baseOffset: number, { bytes, header }: Frame): Uint8Array {
  const copy = bytes.slice()
  sealFrame(copy, { ...header, salt, unsyncedBefore: header.baseOffset - baseOffset })
  return copy
}

/** Bytes of all of them. */
export function totalBytes(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((sum, buffer) => sum + buffer.length, 0)
}
