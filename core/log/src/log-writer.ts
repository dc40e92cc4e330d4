import {
  abortReason,
  assert,
  errorText,
  isMillraceError,
  millraceError,
  type Runtime,
} from '@millrace/kernel'
import type { SegmentLimits, WrittenFrame } from './active-segment.ts'
import { AppendQueue, groupBytes } from './append-queue.ts'
import type { DurableEnd, DurableMark } from './durable-mark.ts'
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
  readonly onStored: (frames: readonly WrittenFrame[], durableEnd: DurableEnd) => void
  /** Called after a new segment was begun. */
  readonly onRoll: () => void
}

/** Groups that are written at the same time, and what must wait for a second one to begin. */
const IN_FLIGHT_MAX = 2
const OVERLAP_BYTES_MIN = 64 * 1024

/** A group on its way to the disk. */
interface Write {
  readonly group: readonly FrameBuilder[]
  /** Calls of `sync` that it answers. */
  readonly syncs: readonly PromiseWithResolvers<void>[]
  readonly isDurable: boolean
  outcome: { readonly frames: readonly WrittenFrame[] } | { readonly error: unknown } | undefined
}

/** Nothing of a group was written, and its segment is what it was. */
class NotBegun {
  readonly reason: Error

  constructor(reason: Error) {
    this.reason = reason
  }
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
  /** In the order of their offsets. */
  readonly #inFlight: Write[] = []
  #wake: PromiseWithResolvers<void> | undefined
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

  /** See {@link SegmentRoller.durableEnd}. */
  get durableEnd(): DurableEnd {
    return this.#roller.durableEnd
  }

  /** See `Log.append`. */
  async append(records: readonly NewRecord[], options: AppendOptions): Promise<AppendResult> {
    const { signal, durability = this.#options.durability } = options
    if (signal?.aborted) throw abortReason(signal)
    this.#throwIfUnable()
    if (records.length === 0) return { baseOffset: this.#roller.nextOffset, count: 0 }
    const result = this.#queue.add(records, durability, signal)
    this.#running ??= this.#run()
    if (this.#inFlight.length > 0 && this.#mayStart()) this.#wake?.resolve()
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
      if (this.#mayStart()) await this.#start()
      else if (this.#inFlight.length > 0) await this.#finishFirst()
      else if (this.#syncs.length > 0) await this.#answer(this.#syncs, () => this.#sync())
      else if (this.#rolls.length > 0) await this.#answer(this.#rolls, () => this.#roller.roll())
      else break
    }
    this.#running = undefined
  }

  /**
   * One group at a time, so that the next one gathers; but a second one beside it when so much waits that the disk, and
   * we, would take turns otherwise.
   */
  #mayStart(): boolean {
    if (this.#queue.isEmpty || this.#inFlight.length === IN_FLIGHT_MAX) return false
    if (this.#inFlight.length === 0) return true
    return (
      this.#queue.bytes >= OVERLAP_BYTES_MIN &&
      this.#inFlight.every(({ isDurable }) => isDurable) &&
      this.#roller.overlapping !== undefined &&
      this.#roller.room >= this.#queue.firstBytes
    )
  }

  async #start(): Promise<void> {
    const isAlone = this.#inFlight.length === 0
    const group = this.#queue.take(this.#groupBytesMax(isAlone))
    const syncs = this.#syncs.splice(0)
    const isDurable = !isAlone || syncs.length > 0 || group.some((frame) => frame.durability === 'disk')
    const write: Write = { group, syncs, isDurable, outcome: undefined }
    this.#inFlight.push(write)
    const active = isAlone ? undefined : this.#roller.overlapping
    const writing =
      active === undefined ? await this.#place(group, isDurable) : { done: active.write(group, isDurable) }
    writing.done
      .then(
        (frames) => {
          write.outcome = { frames }
        },
        (error: unknown) => {
          write.outcome = { error }
        },
      )
      .then(() => this.#wake?.resolve())
  }

  /** Resolves when a group has its place, so that the next one may have the place behind it. */
  async #place(
    group: readonly FrameBuilder[],
    isDurable: boolean,
  ): Promise<{ readonly done: Promise<readonly WrittenFrame[]> }> {
    try {
      if (this.#failure !== undefined) throw this.#failure
      if (!isDurable) await this.#reserve(recordCount(group))
      const active = await this.#roller.segmentFor(groupBytes(group))
      return { done: active.write(group, isDurable) }
    } catch (error) {
      return { done: Promise.reject(error) }
    }
  }

  /** Offsets of records that are acknowledged before they are durable must not be given again after a crash. */
  async #reserve(count: number): Promise<void> {
    try {
      await this.#options.mark.reserve(this.#roller.nextOffset + count)
    } catch (error) {
      throw new NotBegun(isMillraceError(error, 'DISK_FULL') ? error : this.#inDoubt(error))
    }
  }

  /** Half of a lot, so that the other half can go beside it. */
  #groupBytesMax(isAlone: boolean): number {
    const { room } = this.#roller
    const { firstBytes, bytes } = this.#queue
    const most = room >= firstBytes ? room : this.#options.limits.segmentBytesMax - SEGMENT_HEADER_BYTES
    return isAlone && bytes >= 2 * OVERLAP_BYTES_MIN ? Math.min(most, Math.ceil(bytes / 2)) : most
  }

  /** Waits for the oldest write, or until another one may begin beside it. */
  async #finishFirst(): Promise<void> {
    const [first] = this.#inFlight
    assert(first !== undefined, 'there is something to wait for')
    if (first.outcome === undefined) {
      this.#wake = Promise.withResolvers()
      await this.#wake.promise
      this.#wake = undefined
      return
    }
    if ('frames' in first.outcome) {
      this.#inFlight.shift()
      this.#finish(first, first.outcome.frames)
    } else {
      await this.#finishAgain(first.outcome.error)
    }
    // Those who were just acknowledged may append again, and share the next group with those who waited.
    for (let turn = 0; turn < 4; turn += 1) await undefined
  }

  /** The oldest write has failed: when nothing is on its way any more, all are written once more, in order. */
  async #finishAgain(error: unknown): Promise<void> {
    while (this.#inFlight.some(({ outcome }) => outcome === undefined)) {
      this.#wake = Promise.withResolvers()
      await this.#wake.promise
    }
    const [failed, ...behind] = this.#inFlight.splice(0)
    assert(failed !== undefined, 'a write has failed')
    await this.#settle(failed, () => this.#writeAgain(failed, error))
    for (const write of behind) await this.#settle(write, () => this.#write(write))
  }

  async #settle(write: Write, act: () => Promise<readonly WrittenFrame[]>): Promise<void> {
    try {
      this.#finish(write, await act())
    } catch (reason) {
      for (const builder of write.group) builder.reject(reason)
      for (const sync of write.syncs) sync.reject(reason)
      this.#queue.release(write.group)
    }
  }

  async #write(write: Write): Promise<readonly WrittenFrame[]> {
    try {
      return await (await this.#place(write.group, write.isDurable)).done
    } catch (error) {
      return this.#writeAgain(write, error)
    }
  }

  /** Its bytes are still in memory. With `isLast` there is no third time. */
  async #writeAgain(write: Write, error: unknown, isLast = false): Promise<readonly WrittenFrame[]> {
    if (this.#failure !== undefined) throw this.#failure
    if (error instanceof NotBegun) throw error.reason
    const left = isMillraceError(error, 'DISK_FULL') ? await this.#takeBack() : 'unknown'
    const isRefused = left !== 'unknown'
    // It can go on when there is space. But what an earlier attempt has left behind may come back after a crash.
    if (isRefused && isLast) throw this.#inDoubt(error)
    if (left === 'nothing' || (left === 'taken back' && !this.#roller.makeRoom())) throw error
    if (!isRefused && isLast) throw this.#fail(error)
    // A new file is written, the old one is never synced again.
    if (!isRefused) this.#roller.abandon()
    try {
      return await (await this.#place(write.group, write.isDurable)).done
    } catch (reason) {
      return this.#writeAgain(write, reason, !isRefused)
    }
  }

  /** What a refused write has left. */
  async #takeBack(): Promise<'nothing' | 'taken back' | 'unknown'> {
    try {
      return (await this.#roller.undo()) ? 'taken back' : 'nothing'
    } catch {
      return 'unknown'
    }
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

  /** Makes durable what no append has waited for. */
  async #sync(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    try {
      await this.#roller.sync()
    } catch {
      this.#roller.abandon()
      await this.#roller.roll().catch((error: unknown) => {
        throw isMillraceError(error, 'DISK_FULL') ? this.#inDoubt(error) : this.#fail(error)
      })
    }
    this.#options.onStored([], this.durableEnd)
  }

  #finish({ group, syncs, isDurable }: Write, frames: readonly WrittenFrame[]): void {
    this.#roller.commit(frames, isDurable)
    this.#options.onStored(frames, this.durableEnd)
    for (const { builder, baseOffset } of frames) builder.acknowledge(baseOffset)
    for (const sync of syncs) sync.resolve()
    if (!isDurable && group.some((frame) => frame.durability === 'interval')) this.#syncLater()
    this.#queue.release(group)
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
