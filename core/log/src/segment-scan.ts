import type { OpenFile } from './files.ts'
import { type Frame, FrameCursor } from './frame-cursor.ts'
import type { LogGap } from './log.ts'
import type { SparseIndex } from './sparse-index.ts'

/** Small, since many logs may be opened at once. */
const CHUNK_BYTES = 64 * 1024

/** What a scan is told. */
export interface ScanRequest {
  readonly file: OpenFile
  readonly path: string
  readonly salt: number | undefined
  readonly fileBytes: number
  /** Everything before this offset is known to have been acknowledged. */
  readonly durableOffset: number
  /** Behind the frames there may be anything that stood in another segment. */
  readonly isRecycled: boolean
  readonly index: SparseIndex
  /** Where to begin: everything before it is durable, and is not read. */
  readonly start: Boundary
}

/** What stands in a segment file. */
export interface ScanResult {
  /** Behind the last record that counts. */
  readonly endOffset: number
  /** Behind the last frame that counts. */
  readonly dataBytes: number
  /**
   * Behind the last byte that is not zero, or behind the last intact frame of a recycled segment; above `dataBytes` if
   * there is a tail of something that must not come back.
   */
  readonly contentEnd: number
  readonly maxTimestampMs: number
  readonly gaps: readonly LogGap[]
  /** Up to where the frames themselves, or `durableOffset`, witness that everything was durable. */
  readonly witnessed: Boundary
}

/** Between two frames: the offset of the next one's first record, and its place in the file. */
export interface Boundary {
  readonly offset: number
  readonly position: number
}

/**
 * Goes through the frames of a segment. Where none stands, the question is whether what should be there was
 * acknowledged: it was if it lies below `durableOffset`, or if an intact frame further on witnesses so. Then it
 * is a gap and the scan goes on behind it. Otherwise the log ends there.
 */
export async function scanSegment(request: ScanRequest): Promise<ScanResult> {
  const { file, path, salt, fileBytes, durableOffset, index } = request
  const cursor = new FrameCursor(file, salt, fileBytes, CHUNK_BYTES, true)
  const gaps: LogGap[] = []
  let { offset: expected, position } = request.start
  let maxTimestampMs = 0
  const ends = new FrameEnds(request.start)
  for (;;) {
    let frame = await cursor.frameAt(position)
    if (frame?.header.baseOffset !== expected) {
      frame = await findResumption(cursor, position, expected, durableOffset)
      if (frame === undefined) break
      const { baseOffset } = frame.header
      gaps.push({ from: expected, to: baseOffset, reason: `damaged frame at byte ${position} of ${path}` })
    }
    const { header } = frame
    index.note(header.baseOffset, frame.position, header.baseOffset !== expected)
    expected = header.baseOffset + header.count
    position = frame.end
    maxTimestampMs = Math.max(maxTimestampMs, header.maxTimestampMs)
    ends.add(
      { offset: expected, position },
      Math.max(durableOffset, header.baseOffset - header.unsyncedBefore),
    )
  }
  const contentEnd = await (request.isRecycled ? lastFrameEnd(cursor, position) : cursor.contentEnd(position))
  return {
    endOffset: expected,
    dataBytes: position,
    contentEnd,
    maxTimestampMs,
    gaps,
    witnessed: ends.witnessed,
  }
}

/**
 * The frame to go on with when none stands at `position` for `expected`: the next intact one, provided that
 * what is missing before it was durable. A group that was being written when the power failed can leave intact
 * frames behind a missing one; they witness nothing, and nobody was promised any of them.
 */
export async function findResumption(
  cursor: FrameCursor,
  position: number,
  expected: number,
  durableOffset: number,
): Promise<Frame | undefined> {
  const first = await cursor.nextFrame(position, expected + 1)
  if (first === undefined || durableOffset > expected) return first
  for (let frame: Frame | undefined = first; frame !== undefined; ) {
    if (frame.header.baseOffset - frame.header.unsyncedBefore > expected) return first
    frame = await cursor.nextFrame(frame.end, expected + 1)
  }
  return undefined
}

/** The ends of the frames of the last group, and the last end that is known to be durable. */
class FrameEnds {
  #witnessed: Boundary
  #inDoubt: Boundary[] = []

  constructor(start: Boundary) {
    this.#witnessed = start
  }

  get witnessed(): Boundary {
    return this.#witnessed
  }

  add(end: Boundary, durableOffset: number): void {
    this.#inDoubt.push(end)
    const count = this.#inDoubt.findLastIndex(({ offset }) => offset <= durableOffset) + 1
    if (count === 0) return
    this.#witnessed = this.#inDoubt[count - 1] ?? this.#witnessed
    this.#inDoubt.splice(0, count)
  }
}

/** Behind the last intact frame of this segment from `position` on: what another one has left behind is no tail of it. */
export async function lastFrameEnd(cursor: FrameCursor, position: number): Promise<number> {
  let end = position
  for (;;) {
    const frame = await cursor.nextFrame(end, 0)
    if (frame === undefined) return end
    end = frame.end
  }
}
