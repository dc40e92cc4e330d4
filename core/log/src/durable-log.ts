import { millraceError } from '@millrace/kernel'
import type { WrittenFrame } from './active-segment.ts'
import { encodeLogState, NO_SEGMENT } from './announcement.ts'
import { Compactor } from './compaction.ts'
import type { DurableEnd, DurableMark } from './durable-mark.ts'
import { EndWaiters } from './end-waiters.ts'
import type { Announcer, FileLock } from './files.ts'
import { FRAME_HEADER_BYTES } from './frame.ts'
import type {
  AppendOptions,
  AppendResult,
  CompactionOutcome,
  Log,
  LogGap,
  LogOptions,
  LogRecord,
  NewRecord,
  ReadLimits,
  RetentionOutcome,
} from './log.ts'
import { LOG_LIMITS } from './log-limits.ts'
import { LogReader } from './log-reader.ts'
import { LogWriter } from './log-writer.ts'
import type { RecoveredLog } from './recovery.ts'
import { type RetainedLog, removeBefore, removeExpired } from './retention.ts'
import { SteadyClock } from './steady-clock.ts'
import { TailCache } from './tail-cache.ts'

/** A consumed active segment is left behind when its file has at least this size. */
const CONSUMED_BYTES_MIN = 64 * 1024

/** What `openLog` has found and taken hold of. */
export interface OpenedDirectory {
  readonly recovered: RecoveredLog
  readonly mark: DurableMark
  readonly lock: FileLock
  /** Undefined where readers in other processes cannot be told anything. */
  readonly announcer: Announcer | undefined
}

/** The log on files: one writer, any number of readers, one lock. Made by `openLog`. */
export class DurableLog implements Log {
  readonly #options: LogOptions
  readonly #recovered: RecoveredLog
  readonly #mark: DurableMark
  readonly #lock: FileLock
  readonly #tail: TailCache
  readonly #writer: LogWriter
  readonly #reader: LogReader
  readonly #ageClock: SteadyClock
  readonly #waiters = new EndWaiters((offset) => this.#endOffset > this.#recovered.gaps.skip(offset))
  readonly #announcer: Announcer | undefined
  #endOffset: number
  /** Retention, trimming and compaction run one after another, so that two never touch the same segment. */
  #maintenance: Promise<unknown> = Promise.resolve()
  /** Segment files and the list of segments disagree for a moment. */
  #swapping: Promise<void> = Promise.resolve()
  readonly #compactor: Compactor
  #closing: Promise<void> | undefined

  constructor(options: LogOptions, { recovered, mark, lock, announcer }: OpenedDirectory) {
    const { files, directory, runtime } = options
    this.#options = options
    this.#recovered = recovered
    this.#mark = mark
    this.#lock = lock
    this.#ageClock = new SteadyClock(runtime.clock)
    this.#announcer = announcer
    this.#endOffset = recovered.nextOffset
    this.#tail = new TailCache(LOG_LIMITS.tailCacheBytesMax)
    this.#writer = new LogWriter({
      files,
      directory,
      runtime,
      segments: recovered.segments,
      gaps: recovered.gaps,
      mark,
      durability: options.durability ?? 'disk',
      syncIntervalMsMax: options.syncIntervalMsMax ?? LOG_LIMITS.syncIntervalMs.default,
      limits: {
        segmentBytesMax: options.segmentBytesMax ?? LOG_LIMITS.segmentBytes.default,
        aheadBytesMax: options.allocateAheadBytesMax ?? LOG_LIMITS.allocateAheadBytes.default,
      },
      recordBytesMax: options.recordBytesMax ?? LOG_LIMITS.recordBytes.default,
      pendingBytesMax: options.pendingBytesMax ?? LOG_LIMITS.pendingBytes.default,
      nextOffset: recovered.nextOffset,
      lastIsSound: recovered.lastIsSound,
      onStored: (frames, durableEnd) => this.#onStored(frames, durableEnd),
      onRoll: () => this.#maintain(),
    })
    this.#reader = new LogReader({
      files,
      directory,
      segments: recovered.segments,
      gaps: recovered.gaps,
      tail: this.#tail,
      bounds: this,
      hasChanged: async (segment) => {
        await this.#swapping
        return !recovered.segments.all.includes(segment)
      },
    })
    this.#compactor = this.#createCompactor()
    // Recovery has made sure of it; so what is damaged later is not taken for torn.
    mark.advance(this.#writer.durableEnd)
    this.#announce()
  }

  get startOffset(): number {
    return this.#recovered.segments.first?.baseOffset ?? this.#endOffset
  }

  get endOffset(): number {
    return this.#endOffset
  }

  get bytes(): number {
    return this.#recovered.segments.bytes
  }

  get gaps(): readonly LogGap[] {
    return this.#recovered.gaps.all
  }

  get durableOffset(): number {
    return this.#writer.durableOffset
  }

  append(records: readonly NewRecord[], options: AppendOptions = {}): Promise<AppendResult> {
    return this.#writer.append(records, options)
  }

  sync(): Promise<void> {
    return this.#writer.sync()
  }

  async read(offset: number, limits?: ReadLimits): Promise<readonly LogRecord[]> {
    this.#throwIfClosed()
    return this.#reader.read(offset, limits)
  }

  async waitBeyond(offset: number, signal?: AbortSignal): Promise<void> {
    this.#throwIfClosed()
    return this.#waiters.wait(offset, signal)
  }

  async offsetAt(timestampMs: number): Promise<number> {
    this.#throwIfClosed()
    return this.#reader.offsetAt(timestampMs)
  }

  applyRetention(): Promise<RetentionOutcome> {
    return this.#remove((log) => removeExpired(log, this.#options.retention))
  }

  async trimBefore(offset: number): Promise<RetentionOutcome> {
    const { startOffset: start, endOffset: end } = this
    if (!(offset <= end)) throw millraceError('LOG_OFFSET_OUT_OF_RANGE', { offset, start, end })
    return this.#remove(async (log) => {
      const { last } = log.segments
      const isConsumed = last !== undefined && offset >= last.endOffset && last.endOffset > last.baseOffset
      if (isConsumed && last.fileBytes >= CONSUMED_BYTES_MIN) await this.#writer.roll()
      return removeBefore(log, offset)
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    try {
      await this.#writer.close()
    } finally {
      // Whatever the file said: a mark that is written later would stand in the way of whoever opens the log next.
      await this.#maintenance
      await this.#mark.close(this.#endOffset)
      this.#waiters.end(this.#closedError())
      await this.#announcer?.close()
      await this.#lock.release()
    }
  }

  compact(): Promise<CompactionOutcome> {
    return this.#inTurn(() => this.#compactor.run())
  }

  #createCompactor(): Compactor {
    const { files, directory, runtime, segmentBytesMax, compaction } = this.#options
    return new Compactor(
      {
        files,
        directory,
        runtime,
        segments: this.#recovered.segments,
        gaps: this.#recovered.gaps,
        reader: this.#reader,
        segmentBytesMax: segmentBytesMax ?? LOG_LIMITS.segmentBytes.default,
        isClosing: () => this.#closing !== undefined,
        whileSwapping: (swap) => {
          const swapping = swap()
          this.#swapping = swapping.catch(() => {})
          return swapping.finally(() => this.#tail.dropBelow(this.#recovered.segments.last?.baseOffset ?? 0))
        },
      },
      compaction ?? {},
    )
  }

  /** What a new segment gives occasion to. Whoever wants to hear of a failure calls it himself. */
  #maintain(): void {
    this.applyRetention().catch(() => {})
    if (this.#options.compaction === undefined) return
    this.#inTurn(async () => {
      if (this.#compactor.isDue) await this.#compactor.run()
    }).catch(() => {})
  }

  /** Does something to old segments when all that was asked before is done, and tells readers that they have changed. */
  #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const run = this.#maintenance.then(async () => {
      this.#throwIfClosed()
      const { segments, gaps } = this.#recovered
      const { revision } = segments
      try {
        return await act()
      } finally {
        if (segments.revision !== revision) gaps.dropBelow(this.startOffset)
        this.#announce()
      }
    })
    this.#maintenance = run.catch(() => {})
    return run
  }

  #remove(remove: (log: RetainedLog) => Promise<number>): Promise<RetentionOutcome> {
    const { files, directory } = this.#options
    const { segments } = this.#recovered
    return this.#inTurn(async () => {
      const removedSegments = await remove({
        files,
        directory,
        clock: this.#ageClock,
        segments,
        reader: this.#reader,
        recycle: (path) => this.#writer.recycle(path),
      })
      return { removedSegments, startOffset: this.startOffset }
    })
  }

  #onStored(frames: readonly WrittenFrame[], durableEnd: DurableEnd): void {
    for (const { builder, bytes, baseOffset } of frames) {
      const { count, bodyBytes, firstTimestampMs } = builder
      const body = bytes.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + bodyBytes)
      this.#tail.push({ baseOffset, count, firstTimestampMs, isSparse: false, body })
      this.#endOffset = baseOffset + count
    }
    this.#mark.advance(durableEnd)
    this.#announce()
    this.#waiters.wake()
  }

  #announce(): void {
    const { last } = this.#recovered.segments
    this.#announcer?.say(
      encodeLogState({
        startOffset: this.startOffset,
        endOffset: this.#endOffset,
        lastBaseOffset: last?.baseOffset ?? NO_SEGMENT,
        lastEndOffset: last?.endOffset ?? 0,
        lastSalt: last?.salt ?? 0,
        lastDataBytes: last?.dataBytes ?? 0,
        generation: this.#recovered.segments.revision,
      }),
    )
  }

  #throwIfClosed(): void {
    if (this.#closing !== undefined) throw this.#closedError()
  }

  #closedError() {
    return millraceError('LOG_CLOSED', { directory: this.#options.directory })
  }
}
