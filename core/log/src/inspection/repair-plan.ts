import { CORRUPT, MARK_FILE, segmentName } from '../directory-layout.ts'
import { decodeFrameHeader, FRAME_ALIGNMENT_BYTES, FRAME_HEADER_BYTES } from '../frame.ts'
import { type DirectorySurvey, RESCUED, type SurveyOptions, surveyDirectory } from './directory-survey.ts'
import type { Finding } from './finding.ts'
import { rebuildHeader } from './header-rebuild.ts'
import { surveySegment } from './segment-survey.ts'
import { type ByteRange, SurveyFile } from './survey-file.ts'
import { type LogVerification, type Progress, verifyLog } from './verify-log.ts'

/** A record takes three bytes at least, so lost bytes held no more offsets than a third of them. */
const RECORD_BYTES_MIN = 3
const CHUNK_BYTES = 1024 * 1024

/** One step of a repair. `reason` is a sentence without a full stop. */
export type RepairAction =
  /** Puts the copy that an interrupted repair has made in the place of the original, which is aside already. */
  | { readonly kind: 'finish-rescue'; readonly file: string; readonly to: string; readonly reason: string }
  /** Moves a file into the folder of the repair. */
  | { readonly kind: 'move-aside'; readonly file: string; readonly reason: string }
  /** Gives a segment the name that its header tells. */
  | { readonly kind: 'rename'; readonly file: string; readonly to: string; readonly reason: string }
  /** Copies what can be read of a segment, and moves the original aside. */
  | {
      readonly kind: 'rescue'
      readonly file: string
      /** Written in place of the damaged one. */
      readonly header: Uint8Array | undefined
      readonly reason: string
    }
  /** Raises the mark, so that no offset below `toOffset` is given to another record. */
  | { readonly kind: 'raise-mark'; readonly toOffset: number; readonly reason: string }
  | { readonly kind: 'write-format'; readonly reason: string }
  /** Opening the log does it, today as ever: a repair opens it once. */
  | { readonly kind: 'settle'; readonly file: string; readonly reason: string }

/** Options of a plan. */
export interface PlanOptions extends SurveyOptions {
  /** The next record shall get this offset or a higher one. */
  readonly nextOffset?: number | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** What a repair would do, and what it found. */
export interface RepairPlan {
  readonly survey: DirectorySurvey
  readonly before: LogVerification
  readonly actions: readonly RepairAction[]
}

/** Reads the whole log, and says what a repair would do. Changes nothing. */
export async function planRepair(options: PlanOptions): Promise<RepairPlan> {
  const before = await verifyLog(options)
  const survey = await surveyDirectory(options)
  const mark = await markAction(options, survey, before)
  // What then counts as lost is not cut off.
  const isTailKept = mark !== undefined && mark.toOffset > before.endOffset
  const actions: RepairAction[] = mark === undefined ? [] : [mark]
  const refused = new Set(
    before.findings.map(({ kind, file }) => (kind === 'bytes-unreadable' ? file : undefined)),
  )
  for (const finding of before.findings)
    if (!isTailKept || finding.kind !== 'tail-torn') actions.push(...actionsFor(finding, survey, refused))
  actions.push(...(await rescues(options, survey, before)))
  if (before.findings.some(({ kind, severity }) => kind === 'mark-damaged' && severity === 'damage'))
    actions.push({ kind: 'move-aside', file: MARK_FILE, reason: 'no slot of it is intact' })
  return { survey, before, actions: inOrder(actions) }
}

const RANKS: Readonly<Record<RepairAction['kind'], number>> = {
  'finish-rescue': 0,
  'raise-mark': 2,
  'move-aside': 3,
  rename: 4,
  rescue: 5,
  'write-format': 6,
  settle: 7,
}

/**
 * The mark before anything moves: it must know by then what only the names of those files told. One step for each file,
 * and no file takes a name that another takes: what is left then, the next repair finds.
 */
function inOrder(actions: readonly RepairAction[]): RepairAction[] {
  const rank = (action: RepairAction) =>
    action.kind === 'move-aside' && action.file === MARK_FILE ? 1 : RANKS[action.kind]
  const handled = new Set<string>()
  const taken = new Set<string>()
  return [...actions]
    .sort((left, right) => rank(left) - rank(right))
    .flatMap((action): RepairAction[] => {
      if (action.kind !== 'move-aside' && action.kind !== 'rename' && action.kind !== 'rescue')
        return [action]
      if (handled.has(action.file)) return []
      handled.add(action.file)
      if (action.kind !== 'rename') return [action]
      const { file, reason, to } = action
      if (taken.has(to)) return [{ kind: 'move-aside', file, reason }]
      taken.add(to)
      return [action]
    })
}

function actionsFor(
  { kind, file, text }: Finding,
  { names, segments }: DirectorySurvey,
  refused: ReadonlySet<string | undefined>,
): RepairAction[] {
  if (file === undefined) return []
  switch (kind) {
    case 'segment-unreadable':
      // Its name tells that there was something, so it stays where it can be seen, unless opening stumbles over it.
      if (refused.has(file)) return [{ kind: 'move-aside', file, reason: text }]
      return [{ kind: 'settle', file, reason: `${text}; opening the log renames it to ${file}${CORRUPT}` }]
    case 'segment-stray':
    case 'not-a-file':
      return [{ kind: 'move-aside', file, reason: text }]
    case 'segment-misnamed': {
      const baseOffset = segments.find((segment) => segment.file.name === file)?.file.baseOffset
      const to = segmentName(baseOffset ?? 0)
      if (baseOffset === undefined || names.includes(to)) return [{ kind: 'move-aside', file, reason: text }]
      return [{ kind: 'rename', file, to, reason: text }]
    }
    case 'format-damaged':
      return [
        { kind: 'move-aside', file, reason: text },
        { kind: 'write-format', reason: 'the segments tell the version, too' },
      ]
    case 'file-rescued': {
      const to = file.slice(0, -RESCUED.length)
      if (!names.includes(to)) return [{ kind: 'finish-rescue', file, to, reason: text }]
      return [
        { kind: 'move-aside', file, reason: `${file} may be incomplete, and the original is still there` },
      ]
    }
    case 'tail-torn':
    case 'file-unfinished':
      return [{ kind: 'settle', file, reason: text }]
    default:
      return []
  }
}

/** Segments of which the disk does not give all, or whose header is damaged. */
async function rescues(
  options: PlanOptions,
  survey: DirectorySurvey,
  { findings }: LogVerification,
): Promise<RepairAction[]> {
  const actions: RepairAction[] = []
  for (const [index, segment] of survey.segments.entries()) {
    const { file } = segment
    const unreadable = findings.filter(
      ({ kind, file: name }) => kind === 'bytes-unreadable' && name === file.name,
    )
    const isHeaderDamaged = file.header === undefined
    if (unreadable.length === 0 && !isHeaderDamaged) continue
    const header = isHeaderDamaged ? await rebuildHeader(options, survey, index) : undefined
    const reasons = [
      ...unreadable.map(({ text }) => text),
      ...(isHeaderDamaged ? [`the header of ${file.name} is damaged, and can be made again`] : []),
    ]
    actions.push({ kind: 'rescue', file: file.name, header, reason: reasons.join('; ') })
  }
  return actions
}

/**
 * How high the mark must be that no offset is given twice. Where the disk has lost what was at the end, and nobody can
 * say how many records that were, doubt counts as loss.
 */
async function markAction(
  options: PlanOptions,
  survey: DirectorySurvey,
  before: LogVerification,
): Promise<Extract<RepairAction, { kind: 'raise-mark' }> | undefined> {
  const known = survey.mark?.newest?.offset ?? 0
  const bounds: { readonly toOffset: number; readonly reason: string }[] = []
  const { nextOffset = 0 } = options
  if (nextOffset > before.endOffset)
    bounds.push({
      toOffset: nextOffset,
      reason: `you want the next record to have offset ${nextOffset} or a higher one`,
    })
  const lastBase = survey.segments.at(-1)?.file.baseOffset ?? -1
  for (const { kind, file, bytes } of before.findings) {
    const baseOffset = Number(file?.slice(0, 20))
    if (kind !== 'segment-unreadable' || bytes === undefined || baseOffset < lastBase) continue
    const toOffset = baseOffset + Math.ceil(bytes.to / RECORD_BYTES_MIN)
    bounds.push({
      toOffset,
      reason: `${file} may have held so many records, and none of their offsets must come again`,
    })
  }
  const bound = await tailBound(options, survey, before)
  if (bound !== undefined) bounds.push(bound)
  const highest = bounds.sort((left, right) => right.toOffset - left.toOffset)[0]
  return highest === undefined || highest.toOffset <= known ? undefined : { kind: 'raise-mark', ...highest }
}

/** What may have been acknowledged behind the last intact frame, if the mark or the disk cannot tell any more. */
async function tailBound({ files, signal }: PlanOptions, survey: DirectorySurvey, before: LogVerification) {
  const last = survey.segments.at(-1)
  if (last === undefined) return undefined
  const { name, path } = last.file
  const { end } = await surveySegment({
    files,
    signal,
    segment: last,
    durableOffset: survey.durableOffset,
    visit: () => true,
  })
  const dataBytes = end?.dataBytes ?? 0
  // What is unreadable before an intact frame is a gap whose size that frame tells.
  const lost = rangesOf(before, 'bytes-unreadable', name).filter(({ to }) => to > dataBytes)
  const torn = rangesOf(before, 'tail-torn', name)
  if (lost.length === 0 && !isMarkLost(before)) return undefined
  await using opened = await files.open(path, 'read')
  const size = await opened.size()
  await using file = new SurveyFile(opened, { signal, sizeBytes: size })
  const witnessed = await highestOffset(file, last.salt, dataBytes, size)
  const unknownBytes = [...lost, ...(witnessed === undefined ? torn : [])].reduce(
    (sum, range) => sum + range.to - range.from,
    0,
  )
  const toOffset = Math.max(before.endOffset, witnessed ?? 0) + Math.ceil(unknownBytes / RECORD_BYTES_MIN)
  return {
    toOffset,
    reason:
      'nobody can tell any more whether more was acknowledged than can be read, so doubt counts as loss',
  }
}

function isMarkLost({ findings }: LogVerification): boolean {
  return findings.some(({ severity, file }) => file === MARK_FILE && severity === 'damage')
}

function rangesOf({ findings }: LogVerification, kind: Finding['kind'], file: string): ByteRange[] {
  return findings.flatMap((finding) =>
    finding.kind === kind && finding.file === file && finding.bytes !== undefined ? [finding.bytes] : [],
  )
}

/** Behind the last record that any intact frame header in a part of a file announces. */
async function highestOffset(
  file: SurveyFile,
  salt: number,
  from: number,
  to: number,
): Promise<number | undefined> {
  let highest: number | undefined
  for (let position = from; position < to; position += CHUNK_BYTES - FRAME_HEADER_BYTES) {
    const bytes = new Uint8Array(Math.min(CHUNK_BYTES, to - position))
    await file.read(bytes, position)
    for (let index = 0; index < bytes.length; index += FRAME_ALIGNMENT_BYTES) {
      if (bytes[index] === 0) continue
      const header = decodeFrameHeader(bytes, index)
      if (header?.salt === salt) highest = Math.max(highest ?? 0, header.baseOffset + header.count)
    }
  }
  return highest
}
