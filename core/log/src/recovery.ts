import { isMillraceError } from '@millrace/kernel'
import {
  CLEANED,
  CORRUPT,
  DELETED,
  parseSegmentName,
  SPARE_FILE,
  TEMPORARY,
  TORN,
} from './directory-layout.ts'
import type { DurableEnd } from './durable-mark.ts'
import type { Files, OpenFile } from './files.ts'
import { GapList } from './gap-list.ts'
import type { Segment } from './segment.ts'
import { SegmentList } from './segment-list.ts'
import { adoptScanned, adoptSealed, type FoundSegment, findSegments } from './segment-survey.ts'

/** Small, since many logs may be opened at once. */
const COPY_CHUNK_BYTES = 128 * 1024
/** Work that was not finished: done again, or not needed any more. */
const UNFINISHED = [TEMPORARY, DELETED, CLEANED]
/** Offsets that are not used again after a crash, since records without durability may have had them. */
const SKIPPED = 'reserved for records that did not wait for the disk, and not found after a crash'
/** Torn tails that are kept for inspection. */
const TORN_FILES_MAX = 16

/** What recovery hands to the log. */
export interface RecoveredLog {
  readonly segments: SegmentList
  readonly gaps: GapList
  /** The offset of the next record: behind everything that was or may have been acknowledged. */
  readonly nextOffset: number
  /** Whether the last segment may be written to; if not, the next append starts a new one. */
  readonly lastIsSound: boolean
}

/** What the durable mark says: what was durable, and which offsets may have been given to what was not. */
interface Mark {
  readonly durableEnd: DurableEnd
  readonly reserved: number
}

/**
 * Brings a directory back to a log after whatever happened: the decision table of
 * `docs/reference/log-format.md`. It never deletes what may have been acknowledged: a tail that was not is moved
 * to a `.torn` file, what is damaged stays where it is and is named as a gap.
 *
 * @throws DIRECTORY_TOO_NEW; the file system's own errors, `EIO` above all: a disk that does not answer says
 * nothing about what is on it, so nothing is changed
 */
export async function recoverLog(
  files: Files,
  directory: string,
  names: readonly string[],
  mark: Mark,
): Promise<RecoveredLog> {
  await removeLeftovers(files, directory, names)
  // A name that is there may be in the system's memory only: whoever made it may have died before the sync.
  await files.syncDirectory(directory)
  const { found, unreadable, replaced } = await findSegments(files, directory, names)
  for (const path of replaced) await files.remove(path)
  await moveAside(files, directory, unreadable)
  // Before a segment was begun, everything before it was durable; that holds for one nobody can read, too.
  const begun = names.map(baseOffsetIn)
  const compactedEnds = found.map(({ header }) => header?.compactedEndOffset ?? 0)
  const durableOffset = Math.max(mark.durableEnd.offset, ...begun, ...compactedEnds)
  const segments = new SegmentList()
  const gaps = new GapList()
  for (const [index, current] of found.entries()) {
    const successor = found[index + 1]
    if (successor === undefined) break
    segments.push(await adoptSealed(files, current, successor, gaps))
  }
  const aside = names.filter((name) => name.endsWith(CORRUPT)).map((name) => `${directory}/${name}`)
  const firstLost = Math.min(...[...aside, ...unreadable].map(baseOffsetIn))
  const start = found[0]?.baseOffset ?? 0
  if (firstLost < start)
    gaps.add({ from: firstLost, to: start, reason: 'nothing of these segments could be read' })
  const last = found.at(-1)
  if (last === undefined) {
    const nextOffset = Math.max(durableOffset, mark.reserved)
    gaps.add({ from: 0, to: durableOffset, reason: 'no segment is left' })
    gaps.add({ from: 0, to: nextOffset, reason: SKIPPED, isPast: true })
    return { segments, gaps, nextOffset, lastIsSound: false }
  }
  const { segment, isSound } = await adoptLast(files, directory, last, durableOffset, mark.durableEnd, gaps)
  segments.push(segment)
  gaps.add({ from: segment.endOffset, to: durableOffset, reason: `missing at the end of ${segment.path}` })
  const nextOffset = Math.max(segment.endOffset, durableOffset, mark.reserved)
  gaps.add({ from: segment.endOffset, to: nextOffset, reason: SKIPPED, isPast: true })
  return { segments, gaps, nextOffset, lastIsSound: isSound && nextOffset === segment.endOffset }
}

async function removeLeftovers(files: Files, directory: string, names: readonly string[]): Promise<void> {
  const torn = names.filter((name) => name.endsWith(TORN)).sort()
  const leftovers = names.filter(
    (name) => name === SPARE_FILE || UNFINISHED.some((ending) => name.endsWith(ending)),
  )
  for (const name of [...leftovers, ...torn.slice(0, -TORN_FILES_MAX)])
    await files.remove(`${directory}/${name}`)
}

/** The base offset in the name of a segment, moved aside or not; 0 if it is the name of something else. */
function baseOffsetIn(path: string): number {
  return parseSegmentName(path.slice(path.lastIndexOf('/') + 1).replace(CORRUPT, '')) ?? 0
}

/** A segment in which nothing can be read is kept under another name. */
async function moveAside(files: Files, directory: string, unreadable: readonly string[]): Promise<void> {
  for (const path of unreadable) {
    await files.rename(path, path + CORRUPT)
    await files.syncDirectory(directory)
  }
}

async function adoptLast(
  files: Files,
  directory: string,
  found: FoundSegment,
  durableOffset: number,
  marked: DurableEnd,
  gaps: GapList,
) {
  const { segment, result } = await adoptScanned(files, found, durableOffset, marked)
  for (const gap of result.gaps) gaps.add(gap)
  await makeDurable(files, segment, durableOffset)
  const isWhole =
    found.header !== undefined &&
    !segment.isCompacted &&
    result.gaps.length === 0 &&
    result.endOffset >= durableOffset
  if (!isWhole || result.contentEnd <= result.dataBytes) return { segment, isSound: isWhole }
  const isSound = await cutTornTail(files, directory, segment, result.contentEnd)
  return { segment, isSound }
}

/**
 * What was just read may be in the system's memory only: a killed process may not have synced it, and after a
 * sync that failed, no later sync writes it. So what lies above the durable mark is written and synced again
 * before anybody reads it. The bytes are the same, so a power cut in between does no harm.
 */
async function makeDurable(files: Files, segment: Segment, durableOffset: number): Promise<void> {
  if (segment.endOffset <= durableOffset) return
  const { position } = segment.index.find(durableOffset)
  await using file = await files.open(segment.path, 'write')
  await copyRange(file, position, segment.dataBytes, file, position)
  await file.sync()
}

/**
 * Moves a tail that nobody was promised to a file of its own and cuts it off. If there is no room for that it
 * stays, and the log goes on in a new segment whose header says where this one ends.
 */
async function cutTornTail(
  files: Files,
  directory: string,
  segment: Segment,
  contentEnd: number,
): Promise<boolean> {
  const target = `${segment.path}.${segment.dataBytes}${TORN}`
  try {
    await using source = await files.open(segment.path, 'write')
    await files.remove(target)
    {
      await using copy = await files.open(target, 'create')
      await copyRange(source, segment.dataBytes, contentEnd, copy, 0)
      await copy.sync()
    }
    await files.syncDirectory(directory)
    await source.truncate(segment.dataBytes)
    await source.sync()
    segment.fileBytes = segment.dataBytes
    return true
  } catch (error) {
    if (isMillraceError(error, 'DISK_FULL')) return false
    throw error
  }
}

async function copyRange(
  source: OpenFile,
  from: number,
  to: number,
  target: OpenFile,
  targetPosition: number,
) {
  const chunk = new Uint8Array(Math.min(COPY_CHUNK_BYTES, to - from))
  for (let position = from; position < to; position += chunk.length) {
    const length = await source.read(chunk.subarray(0, Math.min(chunk.length, to - position)), position)
    await target.write([chunk.subarray(0, length)], targetPosition + position - from)
  }
}
