import { abortReason, errorText, isMillraceError, millraceError, type Runtime } from '@millrace/kernel'
import type { SegmentLimits, WrittenFrame } from './active-segment.ts'
import { AppendQueue, groupBytes } from './append-queue.ts'
import type { DurableMark } from './durable-mark.ts'
import type { Files } from './files.ts'
import type { FrameBuilder } from './frame-builder.ts'
import type { GapList } from './gap-list.ts'
import type { AppendOptions, AppendResult, Durability, NewRecord } from './log.ts'
import { SEGMENT_HEADER_BYTES } from './segment-header.ts'
import type { SegmentList } from './segment-list.ts'
import { SegmentRoller } from './segment-roller.ts'

/** What the writer is made from. */
export interface WriterOptions {
  readonly files: Files
  readonly directory: string
  readonly runtime: Runtime
  readonly segments: SegmentList
  readonly gaps: GapList
  readonly mark: DurableMark
  readonly limits: SegmentLimits
  readonly recordBytesMax: number
  readonly pendingBytesMax: number
  readonly durability: Durability
  readonly syncIntervalMsMax: number
  /** The offset of the next record, and whether it may go to the last segment. */
  readonly nextOffset: number
  readonly lastIsSound: boolean
  /** Called when a group is written, before its appends are acknowledged, and when more has become durable. */
  readonly onStored: (frames: readonly WrittenFrame[], durableOffset: number) => void
  /** Called after a new segment was begun. */
  readonly onRoll: () => void
}

/**
 * The one writer of a log. While a group of appends is written and synced the next one gathers, and one sync makes
 * all of it durable.
 *
 * States: sound (an active segment, or none yet) → after a failed write or sync: what is not durable is written once
 * more, to a new segment → if that fails too: failed, for good. A full disk is no failure: the group is refused, and
 * the next one tries again.
 */
export class LogWriter {
  readonly #options: WriterOptions
  readonly #queue: AppendQueue
  readonly #roller: SegmentRoller
  #syncs: PromiseWithResolvers<void>[] = []
  #rolls: PromiseWithResolvers<void>[] = []
  #cancelSync: (() => void) | undefined
  #running: Promise<void> | undefined
  #failure: Error | undefined
  #closed = false

  constructor(options: WriterOptions) {
    this.#options = options
    const { segmentBytesMax } = options.limits
    this.#queue = new AppendQueue({ ...options, segmentBytesMax })
    this.#roller = new SegmentRoller(options)
  }

  /** Behind the last record that a power cut would leave. */
  get durableOffset(): number {
    return this.#roller.durableOffset
  }

  /** See `Log.append`. */
  async append(records: readonly NewRecord[], options: AppendOptions): Promise<AppendResult> {
    const { signal, durability = this.#options.durability } = options
    if (signal?.aborted) throw abortReason(signal)
    this.#throwIfUnable()
    if (records.length === 0) return { baseOffset: this.#roller.nextOffset, count: 0 }
    const result = this.#queue.add(records, durability, signal)
    this.#running ??= this.#run()
    return result
  }

  /** See `Log.sync`. */
  async sync(): Promise<void> {
    this.#throwIfUnable()
    await this.#request(this.#syncs)
  }

  /** Begins a new segment behind what has been handed over until now, so that the present one is sealed. */
  async roll(): Promise<void> {
    this.#throwIfUnable()
    await this.#request(this.#rolls)
  }

  /** See {@link SegmentRoller.recycle}. */
  recycle(path: string): Promise<boolean> {
    return this.#roller.recycle(path)
  }

  /** Waits for all appends, makes everything durable, then closes the file. */
  async close(): Promise<void> {
    const wasClosed = this.#closed
    this.#closed = true
    this.#cancelSync?.()
    await this.#running
    if (!wasClosed && this.#failure === undefined && this.#roller.hasUnsynced)
      await this.#request(this.#syncs).catch(() => {})
    await this.#roller.close()
  }

  #throwIfUnable(): void {
    if (this.#closed) throw millraceError('LOG_CLOSED', { directory: this.#options.directory })
    if (this.#failure !== undefined) throw this.#failure
  }

  #request(requests: PromiseWithResolvers<void>[]): Promise<void> {
    const request = Promise.withResolvers<void>()
    requests.push(request)
    this.#running ??= this.#run()
    return request.promise
  }

  async #run(): Promise<void> {
    // Appends of the same turn share the first group.
    await undefined
    for (;;) {
      if (!this.#queue.isEmpty) await this.#writeGroup()
      else if (this.#syncs.length > 0) await this.#answer(this.#syncs, () => this.#secure([], true))
      else if (this.#rolls.length > 0) await this.#answer(this.#rolls, () => this.#roller.roll())
      else break
      // Those who were just acknowledged may append again, and share the next group with those who waited.
      for (let turn = 0; turn < 4; turn += 1) await undefined
    }
    this.#running = undefined
  }

  async #writeGroup(): Promise<void> {
    const group = this.#queue.take(this.#roomForGroup())
    const syncs = this.#syncs.splice(0)
    try {
      const isDurable = syncs.length > 0 || group.some((frame) => frame.durability === 'disk')
      const written = await this.#secure(group, isDurable)
      for (const { builder, baseOffset } of written) builder.acknowledge(baseOffset)
      for (const sync of syncs) sync.resolve()
      if (!isDurable && group.some((frame) => frame.durability === 'interval')) this.#syncLater()
    } catch (error) {
      for (const builder of group) builder.reject(error)
      for (const sync of syncs) sync.reject(error)
    }
    this.#queue.release(group)
  }

  async #answer(requests: PromiseWithResolvers<void>[], act: () => Promise<unknown>): Promise<void> {
    const answered = requests.splice(0)
    try {
      await act()
      for (const request of answered) request.resolve()
    } catch (error) {
      for (const request of answered) request.reject(error)
    }
  }

  /** The room of the segment that the next group goes to; a new one, if its first frame does not fit the present one. */
  #roomForGroup(): number {
    const { room } = this.#roller
    return room >= this.#queue.firstBytes ? room : this.#options.limits.segmentBytesMax - SEGMENT_HEADER_BYTES
  }

  /** Writes a group, and makes it and all before it durable if asked; answers when readers may have it. */
  async #secure(group: readonly FrameBuilder[], isDurable: boolean): Promise<readonly WrittenFrame[]> {
    if (!isDurable) await this.#options.mark.reserve(this.#roller.nextOffset + recordCount(group))
    const written = await this.#store(group, isDurable)
    this.#options.onStored(written, this.durableOffset)
    return written
  }

  async #store(group: readonly FrameBuilder[], isDurable: boolean): Promise<readonly WrittenFrame[]> {
    if (this.#failure !== undefined) throw this.#failure
    try {
      return await this.#attempt(group, isDurable)
    } catch (error) {
      if (isMillraceError(error, 'DISK_FULL')) return this.#useSpare(group, isDurable, error)
      this.#roller.abandon()
    }
    // The bytes are still in memory: a new file is written with them, the old one is never synced again.
    try {
      return await this.#attempt(group, isDurable)
    } catch (error) {
      // For want of space it can go on later. But what the first attempt has left behind may come back after a crash.
      throw isMillraceError(error, 'DISK_FULL') ? this.#inDoubt(error) : this.#fail(error)
    }
  }

  /** Nothing of the group was left: the next segment may have its space already; then the present one ends early. */
  async #useSpare(
    group: readonly FrameBuilder[],
    isDurable: boolean,
    error: Error,
  ): Promise<readonly WrittenFrame[]> {
    if (!this.#roller.hasSpare) throw error
    await this.#roller.roll()
    return this.#attempt(group, isDurable)
  }

  async #attempt(group: readonly FrameBuilder[], isDurable: boolean): Promise<readonly WrittenFrame[]> {
    const active = await this.#roller.segmentFor(groupBytes(group))
    if (group.length > 0) return active.write(group, isDurable)
    await active.sync()
    return []
  }

  #syncLater(): void {
    if (this.#cancelSync !== undefined || this.#closed) return
    this.#cancelSync = this.#options.runtime.scheduler.after(this.#options.syncIntervalMsMax, () => {
      this.#cancelSync = undefined
      if (this.#roller.hasUnsynced && this.#failure === undefined) this.#request(this.#syncs).catch(() => {})
    })
  }

  #fail(error: unknown): Error {
    this.#failure = this.#inDoubt(error)
    return this.#failure
  }

  #inDoubt(error: unknown): Error {
    const { directory } = this.#options
    return millraceError('LOG_STORAGE_FAILED', { directory, reason: errorText(error) }, { cause: error })
  }
}

function recordCount(group: readonly FrameBuilder[]): number {
  return group.reduce((sum, frame) => sum + frame.count, 0)
}
