import { type Frame, FrameCursor } from '../frame-cursor.ts'
import { SEGMENT_HEADER_BYTES } from '../segment-header.ts'
import { findResumption } from '../segment-scan.ts'
import type { OffsetRange } from './finding.ts'
import { diagnoseFrame } from './frame-diagnosis.ts'
import type { ByteRange, SurveyFile } from './survey-file.ts'

const CHUNK_BYTES = 256 * 1024

/** What is known of a segment before its frames are read. */
export interface WalkRequest {
  readonly file: SurveyFile
  readonly salt: number
  readonly baseOffset: number
  /** Where its data end at the latest. */
  readonly limitBytes: number
  /** Behind its last record, if its successor says so; then everything up to there was acknowledged. */
  readonly endOffset: number | undefined
  /** Everything before this was acknowledged. */
  readonly durableOffset: number
  /** True if somebody may be writing to it. */
  readonly isLast: boolean
  /** True if the body of a frame is not looked at after its visit: then a large file leaves no garbage behind. */
  readonly isScan: boolean
}

/** Offsets without intact frames: what is between one intact frame and the next. */
export interface WalkDamage {
  readonly bytes: ByteRange
  readonly offsets: OffsetRange
  readonly cause: string
}

/** Who walks. */
export interface WalkVisitor {
  /** An intact frame with the expected offset; false ends the walk. */
  frame(frame: Frame): boolean | Promise<boolean>
  damage(damage: WalkDamage): void
}

/** Where the walk ended. */
export interface WalkEnd {
  /** Behind the last record that counts. */
  readonly endOffset: number
  /** Behind the last frame that counts. */
  readonly dataBytes: number
  /** True if the visitor ended it. */
  readonly wasStopped: boolean
}

/**
 * Goes through all frames of a segment by the rules of recovery: what is not intact is damage if it was acknowledged,
 * as the successor, the mark or a later frame tells, and otherwise the end.
 */
export async function walkSegment(request: WalkRequest, visitor: WalkVisitor): Promise<WalkEnd> {
  const { file, salt, limitBytes, isLast, isScan, endOffset = Number.POSITIVE_INFINITY } = request
  let cursor = new FrameCursor(file, salt, limitBytes, CHUNK_BYTES, isScan)
  let expected = request.baseOffset
  let position = SEGMENT_HEADER_BYTES
  while (expected < endOffset) {
    let frame = await cursor.frameAt(position)
    if (frame?.header.baseOffset !== expected) {
      const found = await findResumption(cursor, position, expected, request.durableOffset)
      if (isLast) {
        // The writer may have gone on since this piece of the file was read: look once more, now that all that was
        // written before the frame that was found must be visible.
        file.forget()
        cursor = new FrameCursor(file, salt, limitBytes, CHUNK_BYTES, isScan)
        frame = await cursor.frameAt(position)
      }
      if (frame?.header.baseOffset !== expected) {
        if (found === undefined) break
        visitor.damage(await describe(request, position, expected, found.position, found.header.baseOffset))
        // Its body is not good any more: others were looked at behind it.
        frame = await cursor.frameAt(found.position)
        if (frame === undefined) break
      }
    }
    expected = frame.header.baseOffset + frame.header.count
    position = frame.end
    if (!(await visitor.frame(frame))) return { endOffset: expected, dataBytes: position, wasStopped: true }
  }
  if (request.endOffset !== undefined && expected < request.endOffset)
    visitor.damage(await describe(request, position, expected, limitBytes, request.endOffset))
  return { endOffset: Math.max(expected, request.endOffset ?? 0), dataBytes: position, wasStopped: false }
}

async function describe(
  { file, salt, limitBytes }: WalkRequest,
  position: number,
  expectedOffset: number,
  toByte: number,
  toOffset: number,
): Promise<WalkDamage> {
  const cause = await diagnoseFrame({ file, position, limitBytes, salt, expectedOffset })
  return {
    bytes: { from: position, to: Math.max(position, toByte) },
    offsets: { from: expectedOffset, to: toOffset },
    cause,
  }
}
