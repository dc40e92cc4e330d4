import {
  abortReason,
  assert,
  errorText,
  isMillraceError,
  millraceError,
  type Runtime,
} from '@millrace/kernel'
import { ActiveSegment, type SegmentLimits, type WrittenFrame } from './active-segment.ts'
import type { Files } from './files.ts'
import { frameBytes } from './frame.ts'
import { type AppendWaiter, encodedBytesMax, FrameBuilder } from './frame-builder.ts'
import type { AppendResult, NewRecord } from './log.ts'
import { recordBytes, TIMESTAMP_MS_MAX } from './record-codec.ts'
import { SEGMENT_HEADER_BYTES } from './segment-header.ts'
import type { SegmentList } from './segment-list.ts'

/** Appends share a frame up to this size; a larger append has a frame of its own. Damage costs one frame. */
const SHARED_FRAME_BODY_BYTES_MAX = 64 * 1024
/** Room for a small append in a new frame, so that the next ones need no new memory. */
const FRAME_BODY_BYTES_MIN = 512

/** What the writer is made from. */
export interface WriterOptions {
  readonly files: Files
  readonly directory: string
  readonly runtime: Runtime
  readonly segments: SegmentList
  readonly limits: SegmentLimits
  readonly recordBytesMax: number
  readonly pendingBytesMax: number
  /** The offset of the next record, and whether it may go to the last segment. */
  readonly nextOffset: number
  readonly lastIsSound: boolean
  /** Called when a group is durable, before its appends are acknowledged. */
  readonly onDurable: (frames: readonly WrittenFrame[]) => void
  /** Called after a new segment was begun. */
  readonly onRoll: () => void
}

interface WaitingAppend {
  readonly records: readonly NewRecord[]
  readonly bytes: number
  readonly waiter: AppendWaiter
}

/**
 * The one writer of a log. Appends are encoded when they arrive; while a group is written and synced the next
 * one gathers, and one sync makes all of it durable.
 *
 * States: sound (an active segment, or none yet) → after a failed write or sync: the group is written once more,
 * to a new segment → if that fails too: failed, for good. A full disk is no failure: the group is refused, and
 * the next one tries again.
 */
export class LogWriter {
  readonly #options: WriterOptions
  #nextOffset: number
  #active: ActiveSegment | undefined
  #activeIsSound: boolean
  #frames: FrameBuilder[] = []
  #pendingBytes = 0
  #waiting: WaitingAppend[] = []
  #running: Promise<void> | undefined
  #failure: Error | undefined
  #closed = false

  constructor(options: WriterOptions) {
    this.#options = options
    this.#nextOffset = options.nextOffset
    this.#activeIsSound = options.lastIsSound
  }

  /** See `Log.append`. */
  append(records: readonly NewRecord[], signal: AbortSignal | undefined): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw abortReason(signal)
      const bytes = this.#check(records)
      if (records.length === 0) return resolve({ baseOffset: this.#nextOffset, count: 0 })
      const waiter = signal === undefined ? { resolve, reject } : abortableWaiter(resolve, reject, signal)
      this.#waiting.push({ records, bytes, waiter })
      this.#admit()
      this.#running ??= this.#run()
    })
  }

  /** Waits for all appends, then closes the file. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
    await this.#active?.close()
  }

  #check(records: readonly NewRecord[]): number {
    const { directory, recordBytesMax } = this.#options
    if (this.#closed) throw millraceError('LOG_CLOSED', { directory })
    if (this.#failure !== undefined) throw this.#failure
    for (const record of records) {
      const seen = recordBytes(record)
      if (seen > recordBytesMax) throw millraceError('LOG_RECORD_TOO_LARGE', { seen, limit: recordBytesMax })
      checkTimestamp(record.timestampMs)
    }
    const bytes = encodedBytesMax(records)
    const limit = this.#appendBytesMax()
    if (bytes > limit) throw millraceError('LOG_APPEND_TOO_LARGE', { seen: bytes, limit })
    return bytes
  }

  #appendBytesMax(): number {
    const { limits, pendingBytesMax } = this.#options
    return Math.min(pendingBytesMax, limits.segmentBytesMax - SEGMENT_HEADER_BYTES - frameBytes(0))
  }

  /** Encodes waiting appends, in order, while they fit the limit of pending bytes. */
  #admit(): void {
    let admitted = 0
    for (const { records, bytes, waiter } of this.#waiting) {
      if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > this.#options.pendingBytesMax) break
      const frame = this.#frameFor(bytes)
      const before = frame.bytes
      frame.add(records, bytes, this.#nowMs(), waiter)
      this.#pendingBytes += frame.bytes - before
      admitted += 1
    }
    if (admitted > 0) this.#waiting.splice(0, admitted)
  }

  /** A clock that was set to nonsense must not make records that cannot be encoded. */
  #nowMs(): number {
    return Math.min(Math.max(0, Math.trunc(this.#options.runtime.clock.now())), TIMESTAMP_MS_MAX)
  }

  #frameFor(bytes: number): FrameBuilder {
    const last = this.#frames.at(-1)
    if (last !== undefined && last.bodyBytes + bytes <= SHARED_FRAME_BODY_BYTES_MAX) return last
    const frame = new FrameBuilder(Math.max(bytes, FRAME_BODY_BYTES_MIN))
    this.#pendingBytes += frame.bytes
    this.#frames.push(frame)
    return frame
  }

  async #run(): Promise<void> {
    // Appends of the same turn share the first group.
    await undefined
    while (this.#frames.length > 0) {
      const group = this.#takeGroup()
      try {
        const written = await this.#store(group)
        this.#options.onDurable(written)
        for (const { builder, baseOffset } of written) builder.acknowledge(baseOffset)
      } catch (error) {
        for (const builder of group) builder.reject(error)
      }
      this.#pendingBytes -= groupBytes(group)
      this.#admit()
      // Those who were just acknowledged may append again, and share the next group with those who waited.
      for (let turn = 0; turn < 4; turn += 1) await undefined
    }
    this.#running = undefined
  }

  /** As many frames as the segment they go to has room for; at least one, which then begins a new segment. */
  #takeGroup(): FrameBuilder[] {
    const [first] = this.#frames
    assert(first !== undefined, 'a group is taken only when frames wait')
    const room =
      this.#room() >= first.bytes ? this.#room() : this.#options.limits.segmentBytesMax - SEGMENT_HEADER_BYTES
    let bytes = 0
    let count = 0
    for (const frame of this.#frames) {
      bytes += frame.bytes
      if (bytes > room) break
      count += 1
    }
    return this.#frames.splice(0, Math.max(1, count))
  }

  #room(): number {
    const { last } = this.#options.segments
    return last === undefined || !this.#activeIsSound
      ? 0
      : this.#options.limits.segmentBytesMax - last.dataBytes
  }

  async #store(group: readonly FrameBuilder[]): Promise<readonly WrittenFrame[]> {
    if (this.#failure !== undefined) throw this.#failure
    try {
      return await this.#attempt(group)
    } catch (error) {
      if (isMillraceError(error, 'DISK_FULL')) throw error
      this.#activeIsSound = false
    }
    // The bytes are still in memory: a new file is written with them, the old one is never synced again.
    try {
      return await this.#attempt(group)
    } catch (error) {
      if (!isMillraceError(error, 'DISK_FULL')) throw this.#fail(error)
      throw error
    }
  }

  async #attempt(group: readonly FrameBuilder[]): Promise<readonly WrittenFrame[]> {
    const active = await this.#activeFor(groupBytes(group))
    const written = await active.write(group)
    this.#nextOffset = active.segment.endOffset
    return written
  }

  async #activeFor(bytes: number): Promise<ActiveSegment> {
    if (this.#room() < bytes) return this.#roll()
    this.#active ??= await this.#openLast()
    return this.#active
  }

  async #openLast(): Promise<ActiveSegment> {
    const { files, segments, limits } = this.#options
    const segment = segments.last
    assert(segment !== undefined, 'a segment with room exists')
    return new ActiveSegment(segment, await files.open(segment.path, 'write'), limits)
  }

  async #roll(): Promise<ActiveSegment> {
    const { files, directory, runtime, segments, limits } = this.#options
    const baseOffset = this.#nextOffset
    const predecessor = segments.all.findLast((segment) => segment.baseOffset < baseOffset)
    const previous = this.#active
    const previousIsSound = this.#activeIsSound
    // If this fails half-way, a segment may be there that says where the old one ends: so the old one has ended.
    this.#activeIsSound = false
    const active = await ActiveSegment.create({ files, directory, runtime, baseOffset, predecessor, limits })
    segments.push(active.segment)
    this.#active = active
    this.#activeIsSound = true
    // Nobody depends on the old file any more; one that could not be synced may not even close well.
    await (previousIsSound ? previous?.seal() : previous?.close())?.catch(() => {})
    this.#options.onRoll()
    return active
  }

  #fail(error: unknown): Error {
    const { directory } = this.#options
    this.#failure = millraceError(
      'LOG_STORAGE_FAILED',
      { directory, reason: errorText(error) },
      { cause: error },
    )
    return this.#failure
  }
}

function groupBytes(group: readonly FrameBuilder[]): number {
  return group.reduce((sum, frame) => sum + frame.bytes, 0)
}

function checkTimestamp(timestampMs: number | undefined): void {
  if (timestampMs === undefined) return
  if (Number.isInteger(timestampMs) && timestampMs >= 0 && timestampMs <= TIMESTAMP_MS_MAX) return
  throw millraceError('LOG_TIMESTAMP_INVALID', { seen: timestampMs, limit: TIMESTAMP_MS_MAX })
}

/** Gives the wait up when `signal` aborts; the records go their way. */
function abortableWaiter(
  resolve: (result: AppendResult) => void,
  reject: (error: unknown) => void,
  signal: AbortSignal,
): AppendWaiter {
  const onAbort = () => reject(abortReason(signal))
  const release = () => signal.removeEventListener('abort', onAbort)
  signal.addEventListener('abort', onAbort, { once: true })
  return {
    resolve: (result) => {
      release()
      resolve(result)
    },
    reject: (error) => {
      release()
      reject(error)
    },
  }
}
