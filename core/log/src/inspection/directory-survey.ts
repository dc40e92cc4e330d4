import { errorText, throwIfAborted } from '@millrace/kernel'
import {
  CLEANED,
  CORRUPT,
  DELETED,
  FORMAT_FILE,
  MARK_FILE,
  parseSegmentName,
  SPARE_FILE,
  TEMPORARY,
  TORN,
} from '../directory-layout.ts'
import type { Files } from '../files.ts'
import { FORMAT_VERSION } from '../segment-header.ts'
import type { Finding } from './finding.ts'
import { type FormatFile, readFormatFile } from './format-file.ts'
import { type MarkFile, readMarkFile } from './mark-file.ts'
import { endsBefore, isNamedBy, readSegmentFile, type SegmentFile } from './segment-file.ts'
import type { ByteRange } from './survey-file.ts'

/** Names of work that was not finished, which opening removes. */
const UNFINISHED = [TEMPORARY, DELETED, CLEANED, SPARE_FILE]
/** Names of files that were set aside by a recovery, and are kept. */
const SET_ASIDE = [TORN, CORRUPT]
/** The lock of the directory, which is the adapter's, and what a repair has moved aside. */
const KNOWN = /^(lock\.db(-\w+)?|owner\.json|announcements\.sock|repair-[\w-]+)$/
/** The copy of a segment that a repair was about to put in the place of the original. */
export const RESCUED = '.rescued'

/** A segment that is part of the log, and what its neighbours say of it. */
export interface SurveyedSegment {
  readonly file: SegmentFile
  readonly salt: number
  /** Where its data end at the latest. */
  readonly limitBytes: number
  /** Behind its last record, if the successor says so; undefined if only its frames can tell. */
  readonly endOffset: number | undefined
  /** What its successor begins with; undefined for the last one. */
  readonly successorOffset: number | undefined
  /** How it hangs together with the segment before it. */
  readonly link: 'first' | 'follows' | 'broken'
}

/** What is in the directory of a log, before any frame is read. */
export interface DirectorySurvey {
  readonly directory: string
  readonly names: readonly string[]
  readonly format: FormatFile | undefined
  readonly mark: MarkFile | undefined
  readonly segments: readonly SurveyedSegment[]
  /** What the log begins with, as far as it can be told: below the first segment if one before it cannot be read. */
  readonly firstOffset: number
  /** Everything before this was acknowledged, as the mark and the names of unreadable segments tell. */
  readonly durableOffset: number
  /** Below this, offsets may have been given to records that did not wait for the disk. */
  readonly reservedOffset: number
  readonly findings: readonly Finding[]
}

/** Options of every look at a log. */
export interface SurveyOptions {
  readonly files: Files
  readonly directory: string
  readonly signal?: AbortSignal | undefined
}

/**
 * Reads the names in the directory, the format, the mark, and the header of every segment. Takes no lock and changes
 * nothing. What vanishes meanwhile is a note.
 */
export async function surveyDirectory(options: SurveyOptions): Promise<DirectorySurvey> {
  const { files, directory } = options
  const findings: Finding[] = []
  // The mark first: what it vouches for is in the files then, whatever a writer does meanwhile.
  const early = await files.list(directory)
  const mark = early.includes(MARK_FILE) ? await readMark(options, findings) : undefined
  const names = [...(await files.list(directory))].sort()
  const format = names.includes(FORMAT_FILE) ? await readFormat(options, findings) : undefined
  if (format === undefined && !names.includes(FORMAT_FILE))
    findings.push({ severity: 'note', kind: 'format-missing', text: `there is no ${FORMAT_FILE}` })
  const found = await readSegments(options, names, findings)
  const replaced = findReplaced(found)
  for (const file of replaced) findings.push(replacedFinding(file))
  const readable = found.filter((file) => file.salt !== undefined && !replaced.includes(file))
  const strays = findStrays(readable)
  for (const stray of strays) findings.push(strayFinding(stray))
  const unreadable = found.filter(({ salt }) => salt === undefined).map(({ baseOffset }) => baseOffset)
  const begun = names.map((name) => parseSegmentName(name.replace(CORRUPT, '')) ?? 0)
  const corrupt = names.filter((name) => name.endsWith(CORRUPT)).map((name) => Number(name.slice(0, 20)))
  const compacted = readable.map(({ header }) => header?.compactedEndOffset ?? 0)
  const durableOffset = Math.max(mark?.newest?.offset ?? 0, ...unreadable, ...begun, ...compacted)
  const segments = chain(readable.filter((file) => !strays.includes(file)))
  const start = segments[0]?.file.baseOffset ?? 0
  const firstLost = Math.min(start, ...unreadable, ...corrupt)
  if (firstLost < start) findings.push(lostBeginning(firstLost, start))
  for (const { file } of segments) refuseToJudgeNewer(file, findings)
  findings.push(...names.flatMap((name) => otherFile(name)))
  const reservedOffset = mark?.newest?.reserved ?? 0
  return {
    directory,
    names,
    format,
    mark,
    segments,
    firstOffset: firstLost,
    durableOffset,
    reservedOffset,
    findings,
  }
}

/** The segments in order, each with what its neighbours say of it. */
function chain(files: readonly SegmentFile[]): SurveyedSegment[] {
  return files.map((file, index): SurveyedSegment => {
    const before = files[index - 1]
    const successor = files[index + 1]
    const named = successor?.header?.predecessor
    const compactedEnd = file.header?.compactedEndOffset
    const isNamed =
      compactedEnd === undefined &&
      successor !== undefined &&
      named !== undefined &&
      isNamedBy(file, successor)
    const follows = before !== undefined && endsBefore(before, file)
    return {
      file,
      salt: file.salt ?? 0,
      limitBytes: isNamed ? Math.min(named.dataBytes, file.fileBytes) : file.fileBytes,
      endOffset: isNamed ? named.endOffset : compactedEnd,
      successorOffset: successor?.baseOffset,
      link: before === undefined ? 'first' : follows ? 'follows' : 'broken',
    }
  })
}

/**
 * Segments that lie between two that belong together, and hold offsets that the first of them holds: they come from
 * another log, or are old copies.
 */
function findStrays(files: readonly SegmentFile[]): SegmentFile[] {
  const strays = new Set<SegmentFile>()
  for (const [index, file] of files.entries()) {
    for (const [distance, successor] of files.slice(index + 1).entries()) {
      const endOffset = successor.header?.predecessor?.endOffset ?? 0
      if (!isNamedBy(file, successor)) continue
      for (const between of files.slice(index + 1, index + 1 + distance))
        if (between.baseOffset < endOffset) strays.add(between)
      break
    }
  }
  return [...strays]
}

/** Segments that a compacted one has taken the place of, and that a crash has kept from being removed. */
function findReplaced(files: readonly SegmentFile[]): SegmentFile[] {
  let replacedBelow = 0
  return files.filter(({ baseOffset, header }) => {
    if (baseOffset < replacedBelow) return true
    replacedBelow = header?.compactedEndOffset ?? replacedBelow
    return false
  })
}

/** Where the log begins cannot be told from a segment that nobody can read, but that it was there can. */
function lostBeginning(from: number, to: number): Finding {
  const text = 'in segments of which nothing can be read'
  return { severity: 'loss', kind: 'offsets-missing', offsets: { from, to }, text }
}

/** Bytes of a file that the disk refuses. */
export function unreadableFinding(file: string, bytes: ByteRange): Finding {
  const text = `the disk does not give bytes ${bytes.from} to ${bytes.to - 1} of ${file}`
  return { severity: 'damage', kind: 'bytes-unreadable', file, bytes, text }
}

function replacedFinding({ name }: SegmentFile): Finding {
  const text = `a compacted segment has taken the place of ${name}; opening the log removes it`
  return { severity: 'note', kind: 'segment-replaced', file: name, text }
}

function strayFinding({ name, fileBytes }: SegmentFile): Finding {
  const text = `${name} (${fileBytes} bytes) is between two segments that belong together, and hides records of the first`
  return { severity: 'damage', kind: 'segment-stray', file: name, text }
}

async function readMark(options: SurveyOptions, findings: Finding[]): Promise<MarkFile | undefined> {
  const { files, directory } = options
  const mark = await guarded(MARK_FILE, findings, () => readMarkFile(files, `${directory}/${MARK_FILE}`))
  if (mark === undefined || mark.damagedSlots === 0) return mark
  const both = mark.newest === undefined
  const text = both
    ? 'no slot of the mark is intact: what is missing at the end cannot be told from what was never acknowledged'
    : `one slot of the mark is damaged; the other says ${mark.newest?.offset}`
  findings.push({ severity: both ? 'damage' : 'note', kind: 'mark-damaged', file: MARK_FILE, text })
  return mark
}

async function readFormat(options: SurveyOptions, findings: Finding[]): Promise<FormatFile | undefined> {
  const { files, directory } = options
  const format = await guarded(FORMAT_FILE, findings, () =>
    readFormatFile(files, `${directory}/${FORMAT_FILE}`),
  )
  if (format === undefined) return undefined
  const { version } = format
  if (version === undefined) {
    const text = `${FORMAT_FILE} does not tell the version of the format`
    findings.push({ severity: 'damage', kind: 'format-damaged', file: FORMAT_FILE, text })
  } else if (version > FORMAT_VERSION) {
    const text = `${FORMAT_FILE} tells version ${version}, and this program knows ${FORMAT_VERSION}`
    findings.push({ severity: 'damage', kind: 'format-newer', file: FORMAT_FILE, text })
  }
  return format
}

function refuseToJudgeNewer({ name, header }: SegmentFile, findings: Finding[]): void {
  const version = header?.version ?? 0
  if (version <= FORMAT_VERSION) return
  const text = `${name} has version ${version} of the format, and this program knows ${FORMAT_VERSION}`
  findings.push({ severity: 'damage', kind: 'format-newer', file: name, text })
}

async function readSegments(
  { files, directory, signal }: SurveyOptions,
  names: readonly string[],
  findings: Finding[],
): Promise<SegmentFile[]> {
  const found: SegmentFile[] = []
  for (const name of names) {
    throwIfAborted(signal)
    const nameOffset = parseSegmentName(name)
    if (nameOffset === undefined) continue
    const file = await guarded(name, findings, () =>
      readSegmentFile(files, directory, name, nameOffset, signal),
    )
    if (file === undefined) continue
    found.push(file)
    findings.push(...segmentFindings(file, nameOffset))
  }
  return found.sort((left, right) => left.baseOffset - right.baseOffset)
}

function segmentFindings(file: SegmentFile, nameOffset: number): Finding[] {
  const { name, header, salt, fileBytes, baseOffset, isMisnamed } = file
  const common = { file: name, severity: 'damage' } as const
  if (isMisnamed) {
    const text = `${name} is called after offset ${nameOffset}, but its header says that it begins with ${baseOffset}`
    return [{ ...common, kind: 'segment-misnamed', text }]
  }
  if (header !== undefined) return []
  if (salt !== undefined) {
    const text = `the header of ${name} is damaged; the name and the first intact frame tell what is needed`
    return [{ ...common, kind: 'header-damaged', bytes: { from: 0, to: 64 }, text }]
  }
  const text = `nothing can be read in ${name}: no header and no frame is intact in ${fileBytes} bytes`
  return [
    { ...common, kind: 'segment-unreadable', bytes: { from: 0, to: fileBytes }, text },
    ...file.unreadable.map((bytes) => unreadableFinding(name, bytes)),
  ]
}

/** Files that are neither a segment nor the format nor the mark. */
function otherFile(name: string): Finding[] {
  if (parseSegmentName(name) !== undefined || name === FORMAT_FILE || name === MARK_FILE || KNOWN.test(name))
    return []
  const common = { severity: 'note', file: name } as const
  if (UNFINISHED.some((ending) => name.endsWith(ending)))
    return [
      { ...common, kind: 'file-unfinished', text: `${name} was not finished; opening the log removes it` },
    ]
  if (SET_ASIDE.some((ending) => name.endsWith(ending)))
    return [{ ...common, kind: 'file-set-aside', text: `${name} was set aside by an earlier recovery` }]
  if (name.endsWith(RESCUED) && parseSegmentName(name.slice(0, -RESCUED.length)) !== undefined) {
    const text = `${name} is what an interrupted repair has rescued; repairing again goes on with it`
    return [{ ...common, severity: 'damage', kind: 'file-rescued', text }]
  }
  return [{ ...common, kind: 'file-unknown', text: `${name} is not a file of the log; it is left alone` }]
}

/** Undefined, and a finding, if the file has vanished or is none. */
async function guarded<Result>(
  name: string,
  findings: Finding[],
  read: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await read()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') {
      const text = `${name} was there and is gone: somebody removed it meanwhile`
      findings.push({ severity: 'note', kind: 'file-vanished', file: name, text })
    } else if (code === 'EISDIR') {
      const text = `${name} is not a file: ${errorText(error)}`
      findings.push({ severity: 'damage', kind: 'not-a-file', file: name, text })
    } else throw error
    return undefined
  }
}
