import { parseSegmentName } from './directory-layout.ts'
import type { DurableEnd } from './durable-mark.ts'
import type { Files, OpenFile } from './files.ts'
import { refuseNewer } from './format-version.ts'
import {
  decodeFrameHeader,
  FRAME_ALIGNMENT_BYTES,
  FRAME_HEADER_BYTES,
  FRAME_TRAILER_BYTES,
  frameBytes,
} from './frame.ts'
import { FrameCursor } from './frame-cursor.ts'
import type { GapList } from './gap-list.ts'
import { viewOf } from './integers.ts'
import { Segment, type SegmentDraft } from './segment.ts'
import {
  decodeSegmentHeader,
  idRestOf,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  saltOf,
} from './segment-header.ts'
import { type Boundary, type ScanResult, scanSegment } from './segment-scan.ts'
import { SparseIndex } from './sparse-index.ts'

/** What looking at segment files finds out. Nothing here changes anything on the disk. */

const SALVAGE_CHUNK_BYTES = 256 * 1024

/** A segment file, as its header tells it. */
export interface FoundSegment {
  readonly path: string
  readonly baseOffset: number
  readonly fileBytes: number
  /** Undefined if the header is damaged. */
  readonly header: SegmentHeader | undefined
  readonly salt: number
}

/** What a look at all segment files of a directory finds. */
export interface FoundSegments {
  /** Those that can be read, in order. */
  readonly found: readonly FoundSegment[]
  /** The paths of those that cannot. */
  readonly unreadable: readonly string[]
  /** The paths of those that a compacted segment has taken the place of: of no use any more. */
  readonly replaced: readonly string[]
}

/**
 * Looks at the headers of all segments.
 *
 * @throws DIRECTORY_TOO_NEW
 */
export async function findSegments(
  files: Files,
  directory: string,
  names: readonly string[],
): Promise<FoundSegments> {
  const found: FoundSegment[] = []
  const unreadable: string[] = []
  const replaced: string[] = []
  let replacedBelow = 0
  for (const name of [...names].sort()) {
    const baseOffset = parseSegmentName(name)
    if (baseOffset === undefined) continue
    const path = `${directory}/${name}`
    if (baseOffset < replacedBelow) {
      replaced.push(path)
      continue
    }
    const segment = await inspectSegment(files, path, baseOffset)
    if (segment === undefined) unreadable.push(path)
    else found.push(segment)
    refuseNewer(directory, segment?.header?.version ?? 0)
    replacedBelow = segment?.header?.compactedEndOffset ?? replacedBelow
  }
  return { found, unreadable, replaced }
}

/**
 * Reads a segment's header. If it is damaged, the file name still tells the base offset and the first intact
 * frame the salt; undefined if there is none.
 */
async function inspectSegment(
  files: Files,
  path: string,
  baseOffset: number,
): Promise<FoundSegment | undefined> {
  await using file = await files.open(path, 'read')
  const fileBytes = await file.size()
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES)
  const length = await file.read(bytes, 0)
  const header = decodeSegmentHeader(bytes.subarray(0, length))
  if (header !== undefined && header.baseOffset === baseOffset) {
    return { path, baseOffset, fileBytes, header, salt: saltOf(header.id) }
  }
  const cursor = new FrameCursor(file, undefined, fileBytes, SALVAGE_CHUNK_BYTES)
  const frame = await cursor.nextFrame(SEGMENT_HEADER_BYTES, baseOffset)
  return frame && { path, baseOffset, fileBytes, header: undefined, salt: frame.header.salt }
}

/**
 * A segment that has a successor. If the successor names it, its end is known without reading it; damage inside
 * is found when it is read. Otherwise, or if it is shorter than it was, it is scanned now.
 */
export async function adoptSealed(
  files: Files,
  found: FoundSegment,
  successor: FoundSegment,
  gaps: GapList,
): Promise<Segment> {
  const compactedEnd = found.header?.compactedEndOffset
  if (compactedEnd !== undefined) {
    gaps.add({
      from: compactedEnd,
      to: successor.baseOffset,
      reason: `lost before ${successor.path} was begun`,
      isPast: true,
    })
    return adopt(found, compactedEnd, found.fileBytes)
  }
  const chain = successor.header?.predecessor
  if (chain?.salt === found.salt && chain.dataBytes <= found.fileBytes) {
    gaps.add({
      from: chain.endOffset,
      to: successor.baseOffset,
      reason: `lost before ${successor.path} was begun`,
      isPast: true,
    })
    return adopt(found, chain.endOffset, chain.dataBytes)
  }
  const { segment, result } = await adoptScanned(files, found, successor.baseOffset)
  for (const gap of result.gaps) gaps.add(gap)
  const endOffset = Math.min(result.endOffset, successor.baseOffset)
  gaps.add({
    from: endOffset,
    to: successor.baseOffset,
    reason: `missing between ${found.path} and ${successor.path}`,
  })
  segment.endOffset = endOffset
  return segment
}

/**
 * Reads a segment to find where it ends; see {@link scanSegment}. With the end that the mark tells, what is below is not
 * read, if that can be the end of a frame of this very segment.
 */
export async function adoptScanned(
  files: Files,
  found: FoundSegment,
  durableOffset: number,
  marked?: DurableEnd,
): Promise<{ segment: Segment; result: ScanResult }> {
  await using file = await files.open(found.path, 'read')
  const { baseOffset } = found
  const index = new SparseIndex(baseOffset, SEGMENT_HEADER_BYTES)
  const beginning = { offset: baseOffset, position: SEGMENT_HEADER_BYTES }
  const lastFrame = marked && (await frameBefore(marked, file, found))
  const start = lastFrame === undefined ? beginning : lastFrame.end
  if (lastFrame !== undefined) {
    index.note(lastFrame.start.offset, lastFrame.start.position, true)
    index.note(start.offset, start.position, true)
  }
  const isRecycled = found.header?.isRecycled ?? false
  const result = await scanSegment({ ...found, isRecycled, file, durableOffset, index, start })
  const { endOffset, dataBytes, maxTimestampMs } = result
  const draft = { index, maxTimestampMs, timestampsUnreadBelow: start.offset }
  return { segment: adopt(found, endOffset, dataBytes, draft), result }
}

interface FramePlace {
  readonly start: Boundary
  readonly end: Boundary
}

/**
 * The frame that ends where the mark says that it stands; a scan may begin behind it. The place must be within this file,
 * which must be the very one that the mark means, and a frame must say that it ends there: a mark that is not of this
 * segment, or a segment that has lost its end, is not believed. The body of that frame is not read.
 */
async function frameBefore(
  { offset, place }: DurableEnd,
  file: OpenFile,
  { baseOffset, salt, header, fileBytes }: FoundSegment,
): Promise<FramePlace | undefined> {
  if (place === undefined || header === undefined || header.compactedEndOffset !== undefined) return undefined
  const { position } = place
  if (place.salt !== salt || place.baseOffset !== baseOffset || position > fileBytes) return undefined
  if (position % FRAME_ALIGNMENT_BYTES !== 0) return undefined
  const trailer = await bytesAt(file, position - FRAME_TRAILER_BYTES, FRAME_TRAILER_BYTES)
  const bodyBytes = viewOf(trailer).getUint32(FRAME_TRAILER_BYTES - 4, true)
  const start = position - frameBytes(bodyBytes)
  if (start < SEGMENT_HEADER_BYTES) return undefined
  const frame = decodeFrameHeader(await bytesAt(file, start, FRAME_HEADER_BYTES), 0)
  if (frame?.salt !== salt || frame.bodyBytes !== bodyBytes || frame.baseOffset + frame.count !== offset)
    return undefined
  return { start: { offset: frame.baseOffset, position: start }, end: { offset, position } }
}

async function bytesAt(file: OpenFile, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  await file.read(bytes, position)
  return bytes
}

/** A segment whose end is known. */
export function adopt(
  found: FoundSegment,
  endOffset: number,
  dataBytes: number,
  known: Pick<SegmentDraft, 'index' | 'maxTimestampMs' | 'timestampsUnreadBelow'> = {},
): Segment {
  const { path, baseOffset, fileBytes, header, salt } = found
  const isRecycled = header?.isRecycled ?? false
  const isCompacted = header?.compactedEndOffset !== undefined
  const idRest = header === undefined ? 0 : idRestOf(header.id)
  return new Segment({
    path,
    baseOffset,
    salt,
    idRest,
    endOffset,
    dataBytes,
    fileBytes,
    isRecycled,
    isCompacted,
    ...known,
  })
}
