import { abortReason, millraceError, type Runtime } from '@millrace/kernel'
import { frameBytes } from './frame.ts'
import { type AppendWaiter, encodedBytesMax, FrameBuilder } from './frame-builder.ts'
import { FrameMemory } from './frame-memory.ts'
import type { AppendResult, Durability, NewRecord } from './log.ts'
import { recordBytes, TIMESTAMP_MS_MAX } from './record-codec.ts'
import { SEGMENT_HEADER_BYTES } from './segment-header.ts'

/** Appends share a frame up to this size, or that of a segment; a larger one has its own. Damage costs one frame. */
const SHARED_FRAME_BODY_BYTES_MAX = 64 * 1024

/** What the queue is made from. */
export interface AppendQueueOptions {
  readonly directory: string
  readonly runtime: Runtime
  readonly segmentBytesMax: number
  readonly recordBytesMax: number
  readonly pendingBytesMax: number
}

interface WaitingAppend {
  readonly records: readonly NewRecord[]
  readonly bytes: number
  readonly durability: Durability
  readonly waiter: AppendWaiter
}

/**
 * Appends that nobody has written yet: checked and encoded into frames on arrival, in order, as far as they fit the
 * limit of pending bytes; the others wait as they are.
 */
export class AppendQueue {
  readonly #options: AppendQueueOptions
  readonly #memory = new FrameMemory()
  #frames: FrameBuilder[] = []
  #frameBytes = 0
  /** Of the frames, and of what was taken and not released. */
  #pendingBytes = 0
  #waiting: WaitingAppend[] = []

  constructor(options: AppendQueueOptions) {
    this.#options = options
  }

  /** True if there is nothing to write. */
  get isEmpty(): boolean {
    return this.#frames.length === 0
  }

  /** Bytes of all frames in the file. */
  get bytes(): number {
    return this.#frameBytes
  }

  /** Bytes of the first frame in the file. There must be one. */
  get firstBytes(): number {
    return this.#frames[0]?.bytes ?? 0
  }

  /**
   * Takes an append; the result comes when somebody has written it.
   *
   * @throws LOG_RECORD_TOO_LARGE, LOG_APPEND_TOO_LARGE, LOG_TIMESTAMP_INVALID
   */
  add(records: readonly NewRecord[], durability: Durability, signal?: AbortSignal): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      const bytes = this.#check(records)
      const waiter = signal === undefined ? { resolve, reject } : abortableWaiter(resolve, reject, signal)
      this.#waiting.push({ records, bytes, durability, waiter })
      this.#admit()
    })
  }

  /** As many frames as fit into `room` bytes, at least one. They go on counting as pending until `release`. */
  take(room: number): readonly FrameBuilder[] {
    let bytes = 0
    let count = 0
    for (const frame of this.#frames) {
      bytes += frame.bytes
      if (bytes > room) break
      count += 1
    }
    const taken = this.#frames.splice(0, Math.max(1, count))
    this.#frameBytes -= groupBytes(taken)
    return taken
  }

  /** Lets others in for what has been written, or refused. */
  release(group: readonly FrameBuilder[]): void {
    this.#pendingBytes -= groupBytes(group)
    this.#admit()
  }

  #check(records: readonly NewRecord[]): number {
    const { recordBytesMax, pendingBytesMax } = this.#options
    for (const record of records) {
      const seen = recordBytes(record)
      if (seen > recordBytesMax) throw millraceError('LOG_RECORD_TOO_LARGE', { seen, limit: recordBytesMax })
      checkTimestamp(record.timestampMs)
    }
    const bytes = encodedBytesMax(records)
    const limit = Math.min(pendingBytesMax, this.#appendBytesMax)
    if (bytes > limit) throw millraceError('LOG_APPEND_TOO_LARGE', { seen: bytes, limit })
    return bytes
  }

  /** What a frame may hold that has a segment for itself. */
  get #appendBytesMax(): number {
    return this.#options.segmentBytesMax - SEGMENT_HEADER_BYTES - frameBytes(0)
  }

  #admit(): void {
    let admitted = 0
    for (const { records, bytes, durability, waiter } of this.#waiting) {
      if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > this.#options.pendingBytesMax) break
      const frame = this.#frameFor(bytes)
      const before = frame.bytes
      frame.add(records, bytes, { nowMs: this.#nowMs(), durability, waiter })
      this.#pendingBytes += frame.bytes - before
      this.#frameBytes += frame.bytes - before
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
    const sharedMax = Math.min(SHARED_FRAME_BODY_BYTES_MAX, this.#appendBytesMax)
    if (last !== undefined && last.bodyBytes + bytes <= sharedMax) return last
    const frame = new FrameBuilder(this.#memory)
    this.#pendingBytes += frame.bytes
    this.#frameBytes += frame.bytes
    this.#frames.push(frame)
    return frame
  }
}

/** Bytes of frames in the file. */
export function groupBytes(group: readonly FrameBuilder[]): number {
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
