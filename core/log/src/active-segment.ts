import { errorText, isMillraceError, millraceError, type Runtime } from '@millrace/kernel'
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

/** What a new segment is made from. */
export interface SegmentSeed {
  readonly files: Files
  readonly directory: string
  readonly runtime: Runtime
  readonly baseOffset: number
  readonly predecessor: Segment | undefined
}

/** The open file of the segment that is written to. */
export class ActiveSegment {
  readonly segment: Segment
  readonly #file: OpenFile

  constructor(segment: Segment, file: OpenFile) {
    this.segment = segment
    this.#file = file
  }

  /** Makes a new segment; its name is durable on return, so what is written to it can be acknowledged. */
  static async create(seed: SegmentSeed): Promise<ActiveSegment> {
    const { files, directory, runtime, baseOffset, predecessor } = seed
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
    return new ActiveSegment(segment, file)
  }

  /**
   * Writes a group of frames behind the last one and syncs it. When it resolves, all of them are durable; when
   * it rejects with DISK_FULL, nothing of them is left and the segment is as before. After any other rejection
   * nobody knows what is on the disk, and the segment must not be written to again.
   */
  async write(builders: readonly FrameBuilder[]): Promise<readonly WrittenFrame[]> {
    const { segment } = this
    const frames = this.#place(builders)
    const bytes = frames.reduce((sum, frame) => sum + frame.bytes.length, 0)
    await this.#writeOrUndo(frames.map((frame) => frame.bytes))
    await this.#sync()
    let position = segment.dataBytes
    for (const { builder, bytes, baseOffset } of frames) {
      segment.index.note(baseOffset, position)
      segment.maxTimestampMs = Math.max(segment.maxTimestampMs ?? 0, builder.maxTimestampMs)
      segment.endOffset = baseOffset + builder.count
      position += bytes.length
    }
    segment.dataBytes += bytes
    segment.fileBytes = Math.max(segment.fileBytes, segment.dataBytes)
    return frames
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

  /**
   * What a refused write has left behind would be intact frames with the right salt: it must be gone before
   * the refusal is told, or it could come back after a power cut.
   */
  async #writeOrUndo(buffers: readonly Uint8Array[]): Promise<void> {
    const { segment } = this
    try {
      await this.#file.write(buffers, segment.dataBytes)
    } catch (error) {
      if (!isMillraceError(error, 'DISK_FULL')) throw error
      await this.#file.truncate(segment.dataBytes)
      await this.#sync()
      segment.fileBytes = segment.dataBytes
      throw error
    }
  }

  /** A sync that fails, for whatever reason, leaves unknown contents; so it is never taken for a full disk. */
  async #sync(): Promise<void> {
    try {
      await this.#file.sync()
    } catch (error) {
      const { path } = this.segment
      throw millraceError(
        'LOG_STORAGE_FAILED',
        { directory: path, reason: errorText(error) },
        { cause: error },
      )
    }
  }
}
