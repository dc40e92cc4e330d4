import { millraceError } from '@millrace/kernel'
import { decodeLogState, type LogState, NO_SEGMENT } from './announcement.ts'
import { parseSegmentName } from './directory-layout.ts'
import { DurableMark } from './durable-mark.ts'
import { EndWaiters } from './end-waiters.ts'
import type { Listening } from './files.ts'
import { GapList } from './gap-list.ts'
import type { LogGap, LogReaderOptions, LogRecord, ReadableLog, ReadLimits } from './log.ts'
import { LogReader } from './log-reader.ts'
import type { Segment } from './segment.ts'
import { SegmentList } from './segment-list.ts'
import { adopt, adoptScanned, adoptSealed, type FoundSegment, findSegments } from './segment-survey.ts'
import { TailCache } from './tail-cache.ts'

/** Surveys of a directory that changes while it is looked at. */
const SURVEYS_MAX = 8

/**
 * A log that another process writes. The writer tells how far it may be read; while there is none, that is up to where
 * the files themselves show that everything was durable.
 *
 * `#heard` is the newest announcement; `#follow` brings the segments up to it, one run at a time. What has been shown
 * stays shown: the end never goes back.
 */
export class FollowedLog implements ReadableLog {
  readonly #options: LogReaderOptions
  readonly #segments = new SegmentList()
  readonly #gaps = new GapList()
  readonly #reader: LogReader
  readonly #waiters = new EndWaiters((offset) => this.endOffset > this.#gaps.skip(offset))
  #startOffset = 0
  #endOffset = 0
  #heard: LogState | undefined
  #followed: LogState | undefined
  #following: Promise<void> | undefined
  #listening: Listening | undefined
  /** A segment that was looked at before may not be what it was. */
  #isInDoubt = false
  #isClosed = false

  private constructor(options: LogReaderOptions) {
    this.#options = options
    this.#reader = new LogReader({
      files: options.files,
      directory: options.directory,
      segments: this.#segments,
      gaps: this.#gaps,
      tail: new TailCache(0),
      bounds: this,
      hasChanged: (segment) => this.#hasChanged(segment),
    })
  }

  /** See `openLogReader`. */
  static async open(options: LogReaderOptions): Promise<FollowedLog> {
    const log = new FollowedLog(options)
    log.#listening = await options.files.listen(options.directory, {
      said: (bytes) => log.#hear(decodeLogState(bytes)),
      fellSilent: () => {},
    })
    try {
      await log.#following
      await log.#surveyFirst()
      // The writer may have spoken meanwhile.
      await log.#following
      return log
    } catch (error) {
      await log.close()
      throw error
    }
  }

  get startOffset(): number {
    return this.#startOffset
  }

  get endOffset(): number {
    return this.#endOffset
  }

  get bytes(): number {
    return this.#segments.bytes
  }

  get gaps(): readonly LogGap[] {
    return this.#gaps.all
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

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#listening?.close()
    this.#waiters.end(this.#closedError())
    await this.#following
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #hear(state: LogState | undefined): void {
    if (state === undefined || this.#isClosed) return
    this.#heard = state
    if (this.#following === undefined && this.#isOnlyLonger(state)) this.#lengthen(state)
    else this.#following ??= this.#follow()
  }

  /** True if nothing has changed but the end of the last segment, which is by far the most common case. */
  #isOnlyLonger(state: LogState): boolean {
    return this.#followed?.generation === state.generation && isNamedBy(state)(this.#segments.last)
  }

  #lengthen(state: LogState): void {
    const { last } = this.#segments
    this.#followed = state
    if (last !== undefined && state.lastEndOffset > last.endOffset)
      last.lengthen(state.lastEndOffset, state.lastDataBytes)
    this.#show(state.startOffset, state.endOffset)
  }

  async #follow(): Promise<void> {
    // A turn later, so that whoever began this has noted it.
    await undefined
    for (let attempt = 0; attempt < SURVEYS_MAX && !this.#isClosed; attempt += 1) {
      const state = this.#heard
      if (state === undefined || state === this.#followed) break
      if (this.#isOnlyLonger(state)) this.#lengthen(state)
      // Files that were changed while they were looked at: whoever changed them says so, and then it is tried again.
      else await this.#survey(state).catch(() => {})
    }
    this.#following = undefined
  }

  /** Without a word from the writer. One that begins just now may remove files between the list and a look at them. */
  async #surveyFirst(): Promise<void> {
    for (let attempt = 1; this.#followed === undefined; attempt += 1) {
      try {
        await this.#survey(undefined)
        return
      } catch (error) {
        if (attempt === SURVEYS_MAX) throw error
      }
    }
  }

  /** Asked when a segment is not what it was: it may have been removed, or compacted, meanwhile. */
  async #hasChanged(segment: Segment): Promise<boolean> {
    await this.#following
    this.#isInDoubt = true
    for (let attempt = 1; this.#isInDoubt; attempt += 1) {
      try {
        await this.#survey(this.#heard ?? this.#followed)
        this.#isInDoubt = false
      } catch (error) {
        if (attempt === SURVEYS_MAX) throw error
      }
    }
    return !this.#segments.all.includes(segment)
  }

  /** Finds the segments anew, up to the end that the writer has told, or up to what is witnessed if there is none. */
  async #survey(state: LogState | undefined): Promise<void> {
    const { files, directory } = this.#options
    const names = await files.list(directory)
    const kept = this.#sealedAsBefore(state)
    const keptEnd = kept.at(-1)?.endOffset ?? 0
    const news = names.filter((name) => (parseSegmentName(name) ?? 0) >= keptEnd)
    const { found } = await findSegments(files, directory, news)
    const end = state === undefined ? found.length : found.findIndex(isNamedBy(state)) + 1
    if (state !== undefined && end === 0 && state.lastBaseOffset !== NO_SEGMENT) return
    const segments: Segment[] = [...kept]
    for (const [index, current] of found.slice(0, end).entries()) {
      const successor = found[index + 1]
      const segment =
        index + 1 < end && successor !== undefined
          ? await adoptSealed(files, current, successor, this.#gaps)
          : await this.#adoptLast(current, names, state)
      segments.push(this.#known(segment) ?? segment)
    }
    const isOvertaken = state === undefined && this.#heard !== undefined
    if (this.#isClosed || isOvertaken) return
    this.#segments.replaceAll(segments)
    this.#followed = state
    const first = segments[0]?.baseOffset ?? 0
    this.#show(Math.max(first, state?.startOffset ?? 0), state?.endOffset ?? segments.at(-1)?.endOffset ?? 0)
  }

  /** The sealed segments that nobody has touched since they were looked at last. */
  #sealedAsBefore(state: LogState | undefined): readonly Segment[] {
    const isSame = state !== undefined && state.generation === this.#followed?.generation
    return isSame && !this.#isInDoubt ? this.#segments.all.slice(0, -1) : []
  }

  async #adoptLast(
    found: FoundSegment,
    names: readonly string[],
    state: LogState | undefined,
  ): Promise<Segment> {
    const { files, directory, runtime } = this.#options
    if (state !== undefined) return adopt(found, state.lastEndOffset, state.lastDataBytes)
    const mark = await DurableMark.open(files, directory, names, runtime.scheduler)
    const { segment, result } = await adoptScanned(files, found, mark.durableEnd.offset, mark.durableEnd)
    for (const gap of result.gaps) this.#gaps.add(gap)
    segment.endOffset = result.witnessed.offset
    segment.dataBytes = result.witnessed.position
    return segment
  }

  /** The segment that is known already, with its index, if it is the same as `found`. */
  #known(found: Segment): Segment | undefined {
    return this.#segments.all.find(
      (known) =>
        known.path === found.path &&
        known.salt === found.salt &&
        known.isCompacted === found.isCompacted &&
        known.endOffset === found.endOffset &&
        known.dataBytes === found.dataBytes,
    )
  }

  #show(startOffset: number, endOffset: number): void {
    this.#startOffset = startOffset
    this.#endOffset = Math.max(this.#endOffset, endOffset)
    const { last } = this.#segments
    const shown = last?.endOffset ?? 0
    if (shown < this.#endOffset)
      this.#gaps.add({
        from: shown,
        to: this.#endOffset,
        reason: `missing behind ${last?.path ?? 'nothing'}`,
      })
    this.#gaps.dropBelow(startOffset)
    this.#waiters.wake()
  }

  #throwIfClosed(): void {
    if (this.#isClosed) throw this.#closedError()
  }

  #closedError() {
    return millraceError('LOG_CLOSED', { directory: this.#options.directory })
  }
}

function isNamedBy(state: LogState) {
  return (segment: { readonly baseOffset: number; readonly salt: number } | undefined) =>
    segment?.baseOffset === state.lastBaseOffset && segment.salt === state.lastSalt
}
