import { assert, errorText, isMillraceError, millraceError } from '@millrace/kernel'
import type { Files } from './files.ts'
import { FrameCursor } from './frame-cursor.ts'
import type { GapList } from './gap-list.ts'
import type { LogRecord, ReadLimits } from './log.ts'
import { ReadBatch } from './read-batch.ts'
import type { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'
import type { CachedFrame, TailCache } from './tail-cache.ts'

const READ_BYTES_DEFAULT = 1024 * 1024
const READ_COUNT_DEFAULT = 10_000

/** Frames are about this large, so a chunk holds what was asked for and the frame around its end. */
const CHUNK_SLACK_BYTES = 96 * 1024
const SCAN_CHUNK_BYTES = 256 * 1024

/** What the reader needs to know of the log it reads. */
export interface ReadableLog {
  readonly files: Files
  readonly directory: string
  readonly segments: SegmentList
  readonly gaps: GapList
  readonly tail: TailCache
  readonly bounds: { readonly startOffset: number; readonly endOffset: number }
  /**
   * Asked when the file of a segment is not what was expected: true if the list has another one for it by now, which was
   * put there while this one was read.
   */
  hasChanged(segment: Segment): Promise<boolean>
}

/** How often a read begins anew because segments were replaced or removed while it read them. */
const ATTEMPTS_MAX = 10

/** Reads durable records: from memory at the end of the log, else from the files. Keeps no file open. */
export class LogReader {
  readonly #log: ReadableLog

  constructor(log: ReadableLog) {
    this.#log = log
  }

  /** See `ReadableLog.read`. */
  read(offset: number, limits: ReadLimits = {}): Promise<readonly LogRecord[]> {
    this.#checkRange(offset)
    return this.#again(() => this.#read(offset, limits))
  }

  /** See `ReadableLog.offsetAt`. */
  offsetAt(timestampMs: number): Promise<number> {
    return this.#again(async () => {
      for (const segment of [...this.#log.segments.all]) {
        if ((await this.#maxTimestampMs(segment)) < timestampMs) continue
        const offset = await this.#offsetIn(segment, timestampMs)
        if (offset !== undefined && offset >= this.#log.bounds.startOffset) return offset
      }
      return this.#log.bounds.endOffset
    })
  }

  /** All records of a segment that can be read, some at a time. */
  async *recordsOf(segment: Segment): AsyncGenerator<readonly LogRecord[]> {
    for (let next = segment.baseOffset; next < segment.endOffset; ) {
      const batch = new ReadBatch(next, READ_BYTES_DEFAULT, READ_COUNT_DEFAULT)
      await this.#walk(segment, next, READ_BYTES_DEFAULT + CHUNK_SLACK_BYTES, (frame) => batch.take(frame))
      if (batch.damage !== undefined) this.#log.gaps.add(batch.damage)
      yield batch.records
      const end = this.#log.gaps.skip(batch.next)
      assert(end > next, 'what was read of a segment is records or a gap')
      next = end
    }
  }

  /** The newest timestamp in a segment; reads the whole segment if nobody has yet. */
  maxTimestampMs(segment: Segment): Promise<number> {
    return this.#again(() => this.#maxTimestampMs(segment))
  }

  async #again<Result>(act: () => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await act()
      } catch (error) {
        if (!(error instanceof SegmentChanged)) throw error
        if (attempt === ATTEMPTS_MAX) throw this.#readError(error)
      }
    }
  }

  async #read(offset: number, limits: ReadLimits): Promise<readonly LogRecord[]> {
    const bytesMax = limits.bytesMax ?? READ_BYTES_DEFAULT
    const countMax = limits.countMax ?? READ_COUNT_DEFAULT
    for (let next = offset; ; ) {
      next = this.#log.gaps.skip(Math.max(next, this.#log.bounds.startOffset))
      if (next >= this.#log.bounds.endOffset) return []
      const batch = new ReadBatch(next, bytesMax, countMax)
      const cached = this.#log.tail.from(next)
      if (cached.length > 0) takeCached(batch, cached)
      else await this.#readFile(batch, next, countMax === 1 ? 0 : bytesMax)
      if (batch.damage !== undefined) this.#log.gaps.add(batch.damage)
      if (batch.records.length > 0) return batch.records
      assert(
        batch.next > next || this.#log.gaps.skip(next) > next,
        'a read that finds nothing has found a gap',
      )
      next = batch.next
    }
  }

  async #maxTimestampMs(segment: Segment): Promise<number> {
    if (segment.maxTimestampMs !== undefined) return segment.maxTimestampMs
    const { timestampsUnreadBelow: end } = segment
    let max = 0
    await this.#walk(segment, segment.baseOffset, SCAN_CHUNK_BYTES, (frame) => {
      if (frame.baseOffset >= end) return false
      max = Math.max(max, frame.maxTimestampMs)
      return true
    })
    segment.learnTimestamps(max, end)
    return segment.maxTimestampMs ?? max
  }

  async #offsetIn(segment: Segment, timestampMs: number): Promise<number | undefined> {
    let found: number | undefined
    await this.#walk(segment, segment.baseOffset, SCAN_CHUNK_BYTES, (frame) => {
      if (frame.maxTimestampMs < timestampMs) return true
      const batch = new ReadBatch(frame.baseOffset, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)
      batch.take(frame)
      found = batch.records.find((record) => record.timestampMs >= timestampMs)?.offset
      return found === undefined
    })
    return found
  }

  async #readFile(batch: ReadBatch, offset: number, bytesMax: number): Promise<void> {
    const segment = this.#log.segments.holding(offset)
    assert(segment !== undefined, 'an offset below the end is in a segment or in a gap')
    if (offset < segment.baseOffset) {
      this.#log.gaps.add({ from: offset, to: segment.baseOffset, reason: 'no segment holds them' })
      return
    }
    const chunkBytes = Math.min(bytesMax, READ_BYTES_DEFAULT) + CHUNK_SLACK_BYTES
    await this.#walk(segment, offset, chunkBytes, (frame) => batch.take(frame))
  }

  /**
   * Hands the frames from the one with `offset` on to `visit`, until that answers false. Everything below the
   * segment's end was acknowledged, so what is not intact is damage: it becomes a gap, and the walk goes on
   * behind it.
   */
  async #walk(
    segment: Segment,
    offset: number,
    chunkBytes: number,
    visit: (frame: WalkedFrame) => boolean,
  ): Promise<void> {
    const { endOffset, dataBytes } = segment
    try {
      await using file = await this.#log.files.open(segment.path, 'read')
      const cursor = new FrameCursor(file, segment.salt, dataBytes, chunkBytes)
      let { offset: expected, position } = segment.index.find(offset)
      while (expected < endOffset) {
        let frame = await cursor.frameAt(position)
        if (frame?.header.baseOffset !== expected) {
          await this.#expectUnchanged(segment)
          frame = await cursor.nextFrame(position, expected + 1)
          const to = frame?.header.baseOffset ?? endOffset
          this.#log.gaps.add({
            from: expected,
            to,
            reason: `damaged frame at byte ${position} of ${segment.path}`,
          })
          if (frame === undefined) return
        }
        const { header } = frame
        segment.index.note(header.baseOffset, frame.position, header.baseOffset !== expected)
        expected = header.baseOffset + header.count
        position = frame.end
        if (expected > offset && !visit({ ...header, body: frame.body })) return
      }
    } catch (error) {
      if (isMillraceError(error) || error instanceof SegmentChanged) throw error
      await this.#expectUnchanged(segment)
      throw this.#readError(error)
    }
  }

  /** What looks like damage, or is not there, may only have been removed or compacted while it was read. */
  async #expectUnchanged(segment: Segment): Promise<void> {
    if (await this.#log.hasChanged(segment)) throw new SegmentChanged()
  }

  #readError(error: unknown): Error {
    return millraceError(
      'LOG_READ_FAILED',
      { directory: this.#log.directory, reason: errorText(error) },
      { cause: error },
    )
  }

  #checkRange(offset: number): void {
    const { startOffset: start, endOffset: end } = this.#log.bounds
    if (offset >= start && offset <= end) return
    throw millraceError('LOG_OFFSET_OUT_OF_RANGE', { offset, start, end })
  }
}

/** Not for the eyes of callers: a read begins anew. */
class SegmentChanged {}

interface WalkedFrame extends CachedFrame {
  readonly maxTimestampMs: number
}

function takeCached(batch: ReadBatch, frames: readonly CachedFrame[]): void {
  for (const frame of frames) if (!batch.take(frame)) return
}
