import { errorText, isMillraceError, millraceError, type Runtime } from '@millrace/kernel'
import { zerosAhead } from './allocation.ts'
import { segmentName } from './directory-layout.ts'
import type { Files, OpenFile } from './files.ts'
import type { FrameBuilder } from './frame-builder.ts'
import { Segment } from './segment.ts'
import {
  encodeSegmentHeader,
  FORMAT_VERSION,
  idRestOf,
  SEGMENT_HEADER_BYTES,
  SEGMENT_ID_BYTES,
  saltOf,
} from './segment-header.ts'
import { createWholeFile } from './whole-file.ts'

/** A frame that was made durable, and where. */
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
  readonly files: Files
  readonly directory: string
  readonly runtime: Runtime
  readonly baseOffset: number
  readonly predecessor: Segment | undefined
  readonly limits: SegmentLimits
}

/** The open file of the segment that is written to. */
export class ActiveSegment {
  readonly segment: Segment
  readonly #file: OpenFile
  #limits: SegmentLimits

  constructor(segment: Segment, file: OpenFile, limits: SegmentLimits) {
    this.segment = segment
    this.#file = file
    this.#limits = limits
  }

  /** Makes a new segment; its name is durable on return, so what is written to it can be acknowledged. */
  static async create(seed: SegmentSeed): Promise<ActiveSegment> {
    const { files, directory, runtime, baseOffset, predecessor, limits } = seed
    const id = runtime.random.bytes(SEGMENT_ID_BYTES)
    const name = segmentName(baseOffset)
    const header = encodeSegmentHeader({
      version: FORMAT_VERSION,
      id,
      baseOffset,
      createdAtMs: runtime.clock.now(),
      predecessor,
    })
    const file = await createWholeFile(files, directory, name, [header])
    const segment = new Segment({
      path: `${directory}/${name}`,
      baseOffset,
      salt: saltOf(id),
      idRest: idRestOf(id),
      endOffset: baseOffset,
      dataBytes: SEGMENT_HEADER_BYTES,
      fileBytes: SEGMENT_HEADER_BYTES,
      maxTimestampMs: 0,
    })
    return new ActiveSegment(segment, file, limits)
  }

  /**
   * Writes a group of frames behind the last one and syncs it. When it resolves, all of them are durable; when
   * it rejects with DISK_FULL, nothing of them is left and the segment is as before. After any other rejection
   * nobody knows what is on the disk, and the segment must not be written to again.
   */
  async write(builders: readonly FrameBuilder[]): Promise<readonly WrittenFrame[]> {
    const frames = this.#place(builders)
    await this.#writeAndSync(frames.map((frame) => frame.bytes))
    const { segment } = this
    for (const { builder, bytes, baseOffset } of frames) {
      segment.index.note(baseOffset, segment.dataBytes)
      segment.maxTimestampMs = Math.max(segment.maxTimestampMs ?? 0, builder.maxTimestampMs)
      segment.endOffset = baseOffset + builder.count
      segment.dataBytes += bytes.length
    }
    return frames
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

  #place(builders: readonly FrameBuilder[]): readonly WrittenFrame[] {
    const { salt, endOffset } = this.segment
    let baseOffset = endOffset
    return builders.map((builder) => {
      const bytes = builder.seal({ baseOffset, salt, unsyncedBefore: baseOffset - endOffset })
      const frame = { builder, bytes, baseOffset }
      baseOffset += builder.count
      return frame
    })
  }

  async #writeAndSync(frames: readonly Uint8Array[]): Promise<void> {
    const { segment } = this
    const groupBytes = totalBytes(frames)
    const dataEnd = segment.dataBytes + groupBytes
    const zeros = zerosAhead({ ...this.#limits, dataEnd, groupBytes, fileBytes: segment.fileBytes })
    try {
      await this.#file.writeDurable([...frames, ...zeros], segment.dataBytes)
    } catch (error) {
      if (!isMillraceError(error, 'DISK_FULL')) this.#fail(error)
      await this.#undo()
      if (zeros.length === 0) throw error
      // There may be room for the frames, if not for what would be allocated ahead.
      this.#limits = { ...this.#limits, aheadBytesMax: 0 }
      return this.#writeAndSync(frames)
    }
    segment.fileBytes = Math.max(segment.fileBytes, dataEnd + totalBytes(zeros))
  }

  /**
   * What a refused write has left behind would be intact frames with the right salt: it must be gone before
   * the refusal is told, or it could come back after a power cut.
   */
  async #undo(): Promise<void> {
    const { segment } = this
    await this.#file.truncate(segment.dataBytes).catch((error: unknown) => this.#fail(error))
    await this.#sync()
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

function totalBytes(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((sum, buffer) => sum + buffer.length, 0)
}
