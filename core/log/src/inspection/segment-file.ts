import type { Files } from '../files.ts'
import { FrameCursor } from '../frame-cursor.ts'
import {
  decodeSegmentHeader,
  idRestOf,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  saltOf,
} from '../segment-header.ts'
import { type ByteRange, SurveyFile } from './survey-file.ts'

const CHUNK_BYTES = 256 * 1024

/** A file that is called like a segment, before its frames are looked at. */
export interface SegmentFile {
  readonly name: string
  readonly path: string
  /** From the name, unless an intact header says otherwise. */
  readonly baseOffset: number
  readonly fileBytes: number
  /** Undefined if it is damaged, or the file is shorter. */
  readonly header: SegmentHeader | undefined
  /** The number that its frames carry: from the header, else from the first intact frame; undefined without either. */
  readonly salt: number | undefined
  /** Made by compaction: its frames tell where it ends, and no successor does. */
  readonly isCompacted: boolean
  /** True if the name says another offset than the intact header. */
  readonly isMisnamed: boolean
  /** What the disk did not give of the header. */
  readonly unreadable: readonly ByteRange[]
}

/** Reads the header of a segment and, if it is damaged, looks for a frame that tells the salt. */
export async function readSegmentFile(
  files: Files,
  directory: string,
  name: string,
  nameOffset: number,
  signal: AbortSignal | undefined,
): Promise<SegmentFile> {
  const path = `${directory}/${name}`
  await using file = await files.open(path, 'read')
  const fileBytes = await file.size()
  await using survey = new SurveyFile(file, { signal, isSparing: true })
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES)
  const length = await survey.read(bytes, 0)
  const header = decodeSegmentHeader(bytes.subarray(0, length))
  const common = { name, path, fileBytes, header }
  if (header !== undefined) {
    const { baseOffset } = header
    const isMisnamed = baseOffset !== nameOffset
    const isCompacted = header.compactedEndOffset !== undefined
    const salt = saltOf(header.id)
    return { ...common, baseOffset, salt, isCompacted, isMisnamed, unreadable: survey.unreadable }
  }
  const cursor = new FrameCursor(survey, undefined, fileBytes, CHUNK_BYTES)
  const frame = await cursor.nextFrame(SEGMENT_HEADER_BYTES, nameOffset)
  const salt = frame?.header.salt
  const isCompacted = frame?.header.isSparse === true
  return {
    ...common,
    baseOffset: nameOffset,
    salt,
    isCompacted,
    isMisnamed: false,
    unreadable: survey.unreadable,
  }
}

/** True if the header of `successor` names `segment` as the one before it. */
export function isNamedBy(segment: SegmentFile, successor: SegmentFile): boolean {
  const chain = successor.header?.predecessor
  if (chain === undefined || chain.salt !== segment.salt) return false
  return segment.header === undefined || idRestOf(segment.header.id) === chain.idRest
}

/**
 * True if `segment` ends where the one before `successor` did when that was begun. A compacted segment has an id of its own,
 * so its successor still names what it replaced, and only the offset can be compared.
 */
export function endsBefore(segment: SegmentFile, successor: SegmentFile): boolean {
  const { compactedEndOffset } = segment.header ?? {}
  if (compactedEndOffset === undefined) return isNamedBy(segment, successor)
  return successor.header?.predecessor?.endOffset === compactedEndOffset
}
