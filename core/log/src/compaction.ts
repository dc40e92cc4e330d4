import { millraceError, type Runtime } from '@millrace/kernel'
import { CompactedFile } from './compacted-file.ts'
import type { Files } from './files.ts'
import type { GapList } from './gap-list.ts'
import { KeyIndex } from './key-index.ts'
import type { Compaction, CompactionOutcome, LogRecord } from './log.ts'
import { LOG_LIMITS } from './log-limits.ts'
import type { LogReader } from './log-reader.ts'
import type { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'

/** What compaction needs of a log. */
export interface CompactableLog {
  readonly files: Files
  readonly directory: string
  readonly runtime: Runtime
  readonly segments: SegmentList
  readonly gaps: GapList
  readonly reader: LogReader
  readonly segmentBytesMax: number
  /** True when the log is being closed: compaction then stops where it is. */
  isClosing(): boolean
  /** Runs `swap`, which changes files that are being read; whoever finds something strange meanwhile waits for it. */
  whileSwapping(swap: () => Promise<void>): Promise<void>
}

/** Adjacent sealed segments that become one. */
interface Group {
  readonly segments: Segment[]
  readonly file: CompactedFile
  removedRecords: number
}

/**
 * Keeps the latest record of each key in the sealed segments of a log.
 *
 * A round reads from where the last one ended, as many keys as fit the index, then writes all segments up to there anew
 * without the records that have a later one; small results are joined. Each new file is complete and durable before it
 * takes the name, and the place in the chain, of those that it replaces; these are removed after that is durable. Segments
 * with damage are left alone, so that the gap stays where it is.
 */
export class Compactor {
  readonly #log: CompactableLog
  readonly #settings: Compaction
  /** Everything below has been through a round since the log was opened. */
  #cleanBelow = 0

  constructor(log: CompactableLog, settings: Compaction) {
    this.#log = log
    this.#settings = settings
  }

  /** True if so much is new that a round is worth while. */
  get isDue(): boolean {
    let dirtyBytes = 0
    let bytes = 0
    for (const segment of this.#sealed) {
      bytes += segment.dataBytes
      if (segment.endOffset > this.#cleanBelow) dirtyBytes += segment.dataBytes
    }
    return bytes > 0 && dirtyBytes >= bytes * (this.#settings.dirtyShareMin ?? LOG_LIMITS.dirtyShareMin)
  }

  /** Rounds until everything sealed now is compacted. */
  async run(): Promise<CompactionOutcome> {
    const before = this.#log.segments.bytes
    let removedRecords = 0
    const end = this.#sealed.at(-1)?.endOffset ?? 0
    while (this.#cleanBelow < end) removedRecords += await this.#round()
    return { removedRecords, removedBytes: before - this.#log.segments.bytes }
  }

  get #sealed(): readonly Segment[] {
    return this.#log.segments.all.slice(0, -1)
  }

  async #round(): Promise<number> {
    const index = new KeyIndex(this.#settings.keysMax ?? LOG_LIMITS.compactionKeys.default)
    const sealed = this.#sealed
    const end = sealed.at(-1)?.endOffset ?? 0
    let horizon = end
    for (const segment of sealed) {
      if (segment.endOffset <= this.#cleanBelow) continue
      await this.#scan(segment, (record) => {
        if (record.offset < this.#cleanBelow || record.offset >= horizon) return
        // An index that is full ends the round here: what follows is for the next one.
        if (!index.note(record)) horizon = record.offset
      })
      if (horizon < end) break
    }
    const removedRecords = await this.#rewrite(sealed, horizon, index)
    this.#cleanBelow = Math.max(horizon, this.#cleanBelow + 1)
    return removedRecords
  }

  /** Rewrites segment after segment, and swaps each group in when the next segment does not fit it any more. */
  async #rewrite(sealed: readonly Segment[], horizon: number, index: KeyIndex): Promise<number> {
    const lastOffset = await this.#lastRecordOffset(sealed)
    let removedRecords = 0
    let group: Group | undefined
    const finish = async () => {
      if (group !== undefined) removedRecords += await this.#finish(group)
      group = undefined
    }
    try {
      for (const segment of sealed) {
        if (segment.baseOffset >= horizon) break
        if (this.#hasGap(segment)) {
          await finish()
          continue
        }
        if (group !== undefined && !this.#fits(group, segment)) await finish()
        group ??= { segments: [], removedRecords: 0, file: await this.#begin(segment) }
        await this.#copy(segment, group, index, lastOffset)
      }
      await finish()
    } catch (error) {
      await group?.file.discard()
      throw error
    }
    return removedRecords
  }

  #fits({ file, segments }: Group, next: Segment): boolean {
    const adjoins = segments.at(-1)?.endOffset === next.baseOffset
    return adjoins && file.bytes + next.dataBytes <= this.#log.segmentBytesMax
  }

  /** Damage that is in the segment, or before it. */
  #hasGap({ baseOffset, endOffset }: Segment): boolean {
    return this.#log.gaps.all.some(({ from, to }) => from < endOffset && to > baseOffset)
  }

  #begin(segment: Segment): Promise<CompactedFile> {
    return CompactedFile.begin(this.#log, segment.baseOffset)
  }

  async #copy(segment: Segment, group: Group, index: KeyIndex, lastOffset: number): Promise<void> {
    group.segments.push(segment)
    const kept: LogRecord[] = []
    const oldestTombstoneMs =
      this.#log.runtime.clock.now() - (this.#settings.tombstoneMsMin ?? LOG_LIMITS.tombstoneMsMin.default)
    await this.#scan(
      segment,
      (record) => {
        // The newest record of all stays, whatever it is: what waits for it or for more must find it.
        const isKept =
          record.offset === lastOffset ||
          (index.isLatest(record) && !(isTombstone(record) && record.timestampMs < oldestTombstoneMs))
        if (isKept) kept.push(record)
        else group.removedRecords += 1
      },
      () => group.file.add(kept.splice(0)),
    )
  }

  /** Puts a finished group in the place of its segments, if that gains anything. */
  async #finish(group: Group): Promise<number> {
    const { segments, file } = group
    const [first] = segments
    const last = segments.at(-1)
    if (first === undefined || last === undefined) return 0
    if (group.removedRecords === 0 && segments.length === 1) {
      await file.discard()
      return 0
    }
    const { all } = this.#log.segments
    const predecessor = all[all.indexOf(first) - 1]
    const compacted = await file.complete(last, predecessor)
    await this.#log.whileSwapping(async () => {
      await file.takePlace()
      this.#log.segments.replace(segments, compacted)
      await file.removeReplaced(segments.slice(1))
    })
    return group.removedRecords
  }

  async #lastRecordOffset(sealed: readonly Segment[]): Promise<number> {
    let lastOffset = -1
    for (const segment of sealed.toReversed()) {
      await this.#scan(segment, ({ offset }) => {
        lastOffset = offset
      })
      if (lastOffset >= 0) break
    }
    return lastOffset
  }

  async #scan(
    segment: Segment,
    visit: (record: LogRecord) => void,
    pause?: () => Promise<void>,
  ): Promise<void> {
    for await (const records of this.#log.reader.recordsOf(segment)) {
      if (this.#log.isClosing()) throw millraceError('LOG_CLOSED', { directory: this.#log.directory })
      for (const record of records) visit(record)
      await pause?.()
    }
  }
}

/** Says that a key has no value any more. */
export function isTombstone({ key, value }: LogRecord): boolean {
  return key !== undefined && value.length === 0
}
