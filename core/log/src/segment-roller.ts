import type { Runtime } from '@millrace/kernel'
import { ActiveSegment, type SegmentLimits, type WrittenFrame } from './active-segment.ts'
import type { DurableEnd } from './durable-mark.ts'
import type { Files } from './files.ts'
import type { Frame } from './frame-cursor.ts'
import type { GapList } from './gap-list.ts'
import type { Predecessor } from './segment-header.ts'
import type { SegmentList } from './segment-list.ts'
import { SpareSegment } from './spare-segment.ts'

/** What the roller is made from. */
export interface RollerOptions {
  readonly files: Files
  readonly directory: string
  readonly runtime: Runtime
  readonly segments: SegmentList
  readonly gaps: GapList
  readonly limits: SegmentLimits
  readonly nextOffset: number
  readonly lastIsSound: boolean
  readonly onRoll: () => void
}

/**
 * Decides which segment is written to: opens the last one when it is needed first, begins a new one when it is full,
 * and takes what is not durable yet out of one that cannot be trusted any more.
 */
export class SegmentRoller {
  readonly #options: RollerOptions
  readonly #spare: SpareSegment
  #active: ActiveSegment | undefined
  #isSound: boolean
  /** The next write begins a new segment, whatever room there is. */
  #isEnding = false

  constructor(options: RollerOptions) {
    this.#options = options
    this.#isSound = options.lastIsSound
    this.#spare = new SpareSegment(options)
  }

  /** The offset of the next record. */
  get nextOffset(): number {
    return this.#active?.segment.endOffset ?? this.#options.nextOffset
  }

  /** Behind the last durable record. What recovery found is durable. */
  get durableOffset(): number {
    return this.#active?.synced.offset ?? this.#options.nextOffset
  }

  /**
   * How far the records that are there are durable, and where that stands: in a segment that may be written to, since of
   * another one the next start has to see what is wrong with it. Not beyond the last record: of offsets that were skipped
   * after a crash nobody can say that they were durable.
   */
  get durableEnd(): DurableEnd {
    const segment = this.#active?.segment ?? this.#options.segments.last
    if (segment === undefined) return { offset: 0, place: undefined }
    const { offset, bytes: position } = this.#active?.synced ?? {
      offset: segment.endOffset,
      bytes: segment.dataBytes,
    }
    const { baseOffset, salt } = segment
    return { offset, place: this.#isSound ? { baseOffset, salt, position } : undefined }
  }

  get hasUnsynced(): boolean {
    return this.durableOffset < this.nextOffset
  }

  /** Bytes that the segment has room for; 0 if the next write begins a new one. */
  get room(): number {
    const { last } = this.#options.segments
    const { segmentBytesMax } = this.#options.limits
    if (last === undefined || !this.#isSound || this.#isEnding) return 0
    return segmentBytesMax - (this.#active?.placed.bytes ?? last.dataBytes)
  }

  /** The segment that is written to, if another write may begin before the last one has ended. */
  get overlapping(): ActiveSegment | undefined {
    return this.#active?.mayOverlap === true ? this.#active : undefined
  }

  /** What was written longest ago counts from now on; see `ActiveSegment.commit`. */
  commit(frames: readonly WrittenFrame[], isDurable: boolean): void {
    this.#active?.commit(frames, isDurable)
  }

  /**
   * Makes everything durable that counts; after a rejection nobody knows what is there. A file whose sync has failed is
   * never synced again: what it holds is written to another one.
   */
  async sync(): Promise<void> {
    if (!this.hasUnsynced) return
    if (!this.#isSound) {
      await this.roll()
      return
    }
    try {
      await this.#active?.sync()
    } catch (error) {
      this.#isSound = false
      throw error
    }
  }

  /** Takes back what a refused write has left, if it has left anything; rejects if nobody knows what is there. */
  async undo(): Promise<boolean> {
    return this.#isSound && (await this.#active?.undo()) === true
  }

  /** After a full disk: true if there is another way to get by with what is there. */
  makeRoom(): boolean {
    if (this.#active?.stopAllocating() === true) return true
    // The next segment may have its space already; then the present one ends early.
    const isNew = !this.#isEnding && this.#spare.isReady
    this.#isEnding ||= isNew
    return isNew
  }

  /** Where a segment file that is not needed any more may go to be used again; false if it is not wanted. */
  recycle(path: string): Promise<boolean> {
    return this.#spare.recycle(path)
  }

  /** Nobody knows any more what stands in the segment behind its durable part: nothing more goes into it. */
  abandon(): void {
    this.#isSound = false
  }

  /** The segment with room for `bytes`. */
  async segmentFor(bytes: number): Promise<ActiveSegment> {
    if (this.room < bytes) return this.roll()
    this.#active ??= await this.#openLast()
    this.#spare.prepareFor(this.#active, bytes)
    return this.#active
  }

  /** Begins a new segment; what stands in the one before is durable on return. */
  async roll(): Promise<ActiveSegment> {
    const previous = this.#active
    if (previous !== undefined && this.hasUnsynced) {
      if (!this.#isSound) return this.#rescue(previous)
      await this.sync()
    }
    const baseOffset = this.nextOffset
    const predecessor = this.#options.segments.all.findLast((segment) => segment.baseOffset < baseOffset)
    const wasSound = this.#isSound
    // If this fails half-way, a segment may be there that says where the old one ends: so the old one has ended.
    this.#isSound = false
    const active = await this.#create(baseOffset, predecessor)
    this.#replaceActive(active)
    // Nobody depends on the old file any more; one that could not be synced may not even close well.
    await (wasSound ? previous?.seal() : previous?.close())?.catch(() => {})
    return active
  }

  /** What was allocated ahead is given back, so that the next start has nothing to look at. */
  async close(): Promise<void> {
    await this.#spare.close()
    const isClean = this.#isSound && !this.hasUnsynced
    if (isClean && this.#active === undefined)
      this.#active = await this.#openAllocated().catch(() => undefined)
    await (isClean ? this.#active?.seal().catch(() => {}) : this.#active?.close())
  }

  /** The last segment, if nobody has written to it, and there is more in its file than in its frames. */
  async #openAllocated(): Promise<ActiveSegment | undefined> {
    const { last } = this.#options.segments
    return last !== undefined && last.fileBytes > last.dataBytes ? this.#openLast() : undefined
  }

  async #openLast(): Promise<ActiveSegment> {
    const { files, segments, limits, nextOffset } = this.#options
    const segment = segments.last
    if (segment === undefined) return this.#create(nextOffset, undefined)
    return new ActiveSegment(segment, await files.open(segment.path, 'write'), limits)
  }

  #create(
    baseOffset: number,
    predecessor: Predecessor | undefined,
    frames: readonly Frame[] = [],
  ): Promise<ActiveSegment> {
    const seed = { ...this.#options, baseOffset, predecessor, spare: this.#spare }
    return ActiveSegment.create(seed, frames)
  }

  #replaceActive(active: ActiveSegment): void {
    this.#options.segments.push(active.segment)
    this.#active = active
    this.#isSound = true
    this.#isEnding = false
    this.#options.onRoll()
  }

  /**
   * Writes what was acknowledged without being durable into a new segment, from where the system still has it. What it
   * does not have any more is a gap. Readers see the old file until the new one is complete.
   */
  async #rescue(previous: ActiveSegment): Promise<ActiveSegment> {
    const { segments, gaps } = this.#options
    const { segment, synced } = previous
    const frames = await previous.unsyncedFrames()
    const before = segments.all.findLast(({ baseOffset }) => baseOffset < synced.offset)
    const { salt, idRest } = segment
    const predecessor =
      before === segment ? { salt, idRest, endOffset: synced.offset, dataBytes: synced.bytes } : before
    const rescued = await this.#create(synced.offset, predecessor, frames)
    const { endOffset: nextOffset } = segment
    previous.cutToSynced()
    this.#replaceActive(rescued)
    await previous.close().catch(() => {})
    const { endOffset } = rescued.segment
    if (endOffset === nextOffset) return rescued
    gaps.add({
      from: endOffset,
      to: nextOffset,
      reason: `not durable when a sync of ${segment.path} failed, and not readable any more`,
    })
    const next = await this.#create(nextOffset, rescued.segment)
    this.#replaceActive(next)
    await rescued.seal().catch(() => {})
    return next
  }
}
