import { millraceError, throwIfAborted } from '@millrace/kernel'
import type { Frame } from '../frame-cursor.ts'
import { FORMAT_VERSION } from '../segment-header.ts'
import {
  type DirectorySurvey,
  type SurveyedSegment,
  type SurveyOptions,
  surveyDirectory,
} from './directory-survey.ts'
import type { Finding } from './finding.ts'
import { checkRecords } from './record-check.ts'
import { type SegmentSurvey, surveySegment } from './segment-survey.ts'

/** Findings that are listed; more are counted only. */
const FINDINGS_MAX = 10_000

/** How far a long work is. */
export interface Progress {
  readonly doneBytes: number
  readonly totalBytes: number
}

/** Options of {@link verifyLog}. */
export interface VerifyOptions extends SurveyOptions {
  /** True if a process has the log open: then what stands behind the last frame is its next append, not a torn one. */
  readonly isBeingWritten?: boolean
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** What {@link verifyLog} found. */
export interface LogVerification {
  readonly directory: string
  /** True if nothing is lost and nothing is damaged. Notes do not count. */
  readonly isSound: boolean
  readonly segments: number
  readonly frames: number
  readonly records: number
  /** Bytes of headers and frames that were read and checked. */
  readonly bytes: number
  readonly startOffset: number
  /** Behind everything that was, or may have been, acknowledged. */
  readonly endOffset: number
  /** Offsets that earlier recoveries have found missing, or skipped after a crash, and recorded in the segments. */
  readonly recordedGapOffsets: number
  /** Offsets that are lost, beside those. */
  readonly lostOffsets: number
  readonly findings: readonly Finding[]
  /** How many findings more there are than are listed. */
  readonly furtherFindings: number
}

interface Tally {
  frames: number
  records: number
  bytes: number
  endOffset: number
  further: number
  lost: number
  readonly findings: Finding[]
}

/**
 * Reads every frame of every segment and checks every checksum, that records decode and fill their frames, that offsets
 * follow one another, and that the segments hang together. Takes no lock and changes nothing, so it runs beside a
 * writer. Memory does not grow with the log: it takes two pieces of a megabyte, and the largest frame.
 *
 * @throws DIRECTORY_TOO_NEW; the reason of `signal`; the file system's own errors other than `EIO`, which is a finding
 */
export async function verifyLog(options: VerifyOptions): Promise<LogVerification> {
  const survey = await surveyDirectory(options)
  refuseNewer(survey)
  const tally: Tally = { frames: 0, records: 0, bytes: 0, endOffset: 0, further: 0, lost: 0, findings: [] }
  for (const finding of survey.findings) note(tally, finding)
  const totalBytes = survey.segments.reduce((sum, { limitBytes }) => sum + limitBytes, 0)
  let doneBytes = 0
  const onBytes = (bytes: number) => {
    doneBytes += bytes
    options.onProgress?.({ doneBytes: Math.min(doneBytes, totalBytes), totalBytes })
  }
  tally.endOffset = survey.segments[0]?.file.baseOffset ?? 0
  for (const segment of survey.segments) {
    throwIfAborted(options.signal)
    await verifySegment(options, survey, segment, tally, onBytes)
  }
  noteMissingEnd(survey, options.isBeingWritten === true, tally)
  return summary(options, survey, tally)
}

async function verifySegment(
  options: VerifyOptions,
  survey: DirectorySurvey,
  segment: SurveyedSegment,
  tally: Tally,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const result = await surveySegment({
    ...options,
    segment,
    durableOffset: survey.durableOffset,
    onBytes,
    visit: (frame) => {
      checkFrame(segment.file.name, frame, tally)
      return true
    },
  })
  for (const finding of result.findings) note(tally, finding)
  if (result.end === undefined) return
  tally.bytes += result.end.dataBytes
  tally.endOffset = result.end.endOffset
  for (const finding of seamFindings(segment, result)) note(tally, finding)
}

function checkFrame(file: string, { header, body, position, end }: Frame, tally: Tally): void {
  const { records, damagedOffset, maxTimestampMs, surplusBytes } = checkRecords({ ...header, body })
  tally.frames += 1
  tally.records += records
  const place = { file, bytes: { from: position, to: end } }
  const frame = `the frame at byte ${position} of ${file}`
  if (damagedOffset !== undefined) {
    const offsets = { from: damagedOffset, to: header.baseOffset + header.count }
    const text = `${frame} is intact, but its records do not fill it`
    note(tally, { severity: 'loss', kind: 'records-undecodable', ...place, offsets, text })
  } else if (surplusBytes > 0 || maxTimestampMs !== header.maxTimestampMs) {
    const surplus = `has ${surplusBytes} bytes that belong to no record`
    const times = `says that its newest record is of ${header.maxTimestampMs}, and it is of ${maxTimestampMs}`
    const text = `${frame} ${surplusBytes > 0 ? surplus : times}`
    note(tally, { severity: 'damage', kind: 'frame-inconsistent', ...place, text })
  }
}

/** What is between the end of a segment and the beginning of the next. */
function seamFindings(
  { file, endOffset, successorOffset }: SurveyedSegment,
  { end }: SegmentSurvey,
): Finding[] {
  if (successorOffset === undefined || end === undefined) return []
  if (end.endOffset < successorOffset) {
    const offsets = { from: end.endOffset, to: successorOffset }
    if (endOffset !== undefined) {
      const text = `not there since the segment with offset ${successorOffset} was begun, as its header tells`
      return [{ severity: 'note', kind: 'gap-recorded', offsets, text }]
    }
    const text = `missing between ${file.name} and the segment with offset ${successorOffset}`
    return [{ severity: 'loss', kind: 'offsets-missing', offsets, text }]
  }
  if (end.endOffset === successorOffset) return []
  const offsets = { from: successorOffset, to: end.endOffset }
  const text = `${file.name} goes on beyond the segment with offset ${successorOffset}, which hides what it holds`
  return [{ severity: 'damage', kind: 'segments-overlap', file: file.name, offsets, text }]
}

function noteMissingEnd(survey: DirectorySurvey, isBeingWritten: boolean, tally: Tally): void {
  const { segments, durableOffset, reservedOffset } = survey
  const end = tally.endOffset
  const last = segments.at(-1)?.file.name
  const file = last === undefined ? {} : { file: last }
  if (durableOffset > end) {
    const text =
      last === undefined
        ? 'no segment is left, and the mark says that there were acknowledged records'
        : `acknowledged, as the mark tells, and missing at the end of ${last}`
    note(tally, {
      severity: 'loss',
      kind: 'end-missing',
      ...file,
      offsets: { from: end, to: durableOffset },
      text,
    })
  }
  const from = Math.max(end, durableOffset)
  if (reservedOffset <= from || isBeingWritten) return
  const text = 'reserved for records that did not wait for the disk, and not used again after a crash'
  note(tally, { severity: 'note', kind: 'offsets-reserved', offsets: { from, to: reservedOffset }, text })
}

function note(tally: Tally, finding: Finding): void {
  const { severity, offsets } = finding
  if (severity === 'loss' && offsets !== undefined) tally.lost += offsets.to - offsets.from
  if (tally.findings.length < FINDINGS_MAX) tally.findings.push(finding)
  else tally.further += 1
}

function summary({ directory }: VerifyOptions, survey: DirectorySurvey, tally: Tally): LogVerification {
  const { frames, records, bytes, findings, further } = tally
  return {
    directory,
    isSound: further === 0 && findings.every(({ severity }) => severity === 'note'),
    segments: survey.segments.length,
    frames,
    records,
    bytes,
    startOffset: survey.segments[0]?.file.baseOffset ?? survey.durableOffset,
    endOffset: Math.max(tally.endOffset, survey.durableOffset),
    recordedGapOffsets: findings
      .filter(({ kind }) => kind === 'gap-recorded')
      .reduce((sum, { offsets }) => sum + (offsets === undefined ? 0 : offsets.to - offsets.from), 0),
    lostOffsets: tally.lost,
    findings,
    furtherFindings: further,
  }
}

/** What a newer format says, nobody here can judge. */
export function refuseNewer({ directory, format, segments }: DirectorySurvey): void {
  const seen = Math.max(format?.version ?? 0, ...segments.map(({ file }) => file.header?.version ?? 0))
  if (seen <= FORMAT_VERSION) return
  throw millraceError('DIRECTORY_TOO_NEW', { directory, seen, supported: FORMAT_VERSION })
}
