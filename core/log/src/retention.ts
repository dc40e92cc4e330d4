import type { Clock } from '@millrace/kernel'
import { DELETED } from './directory-layout.ts'
import type { Files } from './files.ts'
import type { Retention } from './log.ts'
import type { LogReader } from './log-reader.ts'
import type { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'

/** What removal needs of a log. */
export interface RetainedLog {
  readonly files: Files
  readonly directory: string
  readonly clock: Clock
  readonly segments: SegmentList
  readonly reader: LogReader
  /** May take the file of a removed segment, by its path, to use it again. */
  readonly recycle: (path: string) => Promise<boolean>
}

/**
 * Removes the oldest sealed segments that the retention gives up, and answers how many. Renamed first, then
 * the names made durable, then removed: after a power cut a segment is there, or is removed at the next start.
 */
export async function removeExpired(log: RetainedLog, retention: Retention | undefined): Promise<number> {
  return retention === undefined ? 0 : removeFirst(log, await findExpired(log, retention))
}

/** Removes the sealed segments of which every record is below `offset`. */
export function removeBefore(log: RetainedLog, offset: number): Promise<number> {
  return removeFirst(
    log,
    log.segments.all.slice(0, -1).filter(({ endOffset }) => endOffset <= offset),
  )
}

/** Removes `expired`, which are the first segments of the log. */
async function removeFirst(log: RetainedLog, expired: readonly Segment[]): Promise<number> {
  if (expired.length === 0) return 0
  for (const { path } of expired) {
    await log.files.rename(path, path + DELETED)
    log.segments.removeFirst()
  }
  await log.files.syncDirectory(log.directory)
  for (const { path } of expired)
    if (!(await log.recycle(path + DELETED))) await log.files.remove(path + DELETED)
  return expired.length
}

async function findExpired(log: RetainedLog, retention: Retention): Promise<readonly Segment[]> {
  const { ageMsMax, bytesMax = Number.POSITIVE_INFINITY } = retention
  const expired: Segment[] = []
  let { bytes } = log.segments
  for (const segment of log.segments.all.slice(0, -1)) {
    const isTooMuch = bytes > bytesMax
    if (!isTooMuch && !(await isTooOld(log, segment, ageMsMax))) break
    expired.push(segment)
    bytes -= segment.fileBytes
  }
  return expired
}

async function isTooOld(log: RetainedLog, segment: Segment, ageMsMax: number | undefined): Promise<boolean> {
  if (ageMsMax === undefined) return false
  return (await log.reader.maxTimestampMs(segment)) < log.clock.now() - ageMsMax
}
