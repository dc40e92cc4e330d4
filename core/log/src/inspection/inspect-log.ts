import { throwIfAborted } from '@millrace/kernel'
import {
  type DirectorySurvey,
  type SurveyedSegment,
  type SurveyOptions,
  surveyDirectory,
} from './directory-survey.ts'
import type { Finding, OffsetRange } from './finding.ts'
import { surveySegment } from './segment-survey.ts'

/** Options of {@link inspectLog}. */
export interface InspectOptions extends SurveyOptions {
  /** True if a process has the log open. */
  readonly isBeingWritten?: boolean
}

/** One segment as it lies on the disk. */
export interface SegmentInspection {
  readonly file: string
  readonly baseOffset: number
  /** Behind its last record. */
  readonly endOffset: number
  /** How many records it holds, as its successor or its frames say; undefined if only reading a compacted one tells. */
  readonly records: number | undefined
  /** Size of the file, with what is allocated ahead. */
  readonly fileBytes: number
  /** Header and frames. */
  readonly dataBytes: number
  /** Milliseconds since 1970; undefined if the header is damaged, or the segment was made by compaction. */
  readonly createdAtMs: number | undefined
  readonly header: 'intact' | 'damaged'
  /** Made by compaction: offsets that are not there were replaced by later records of their keys. */
  readonly isCompacted: boolean
  /** How it hangs together with the one before it; `broken` if it names another, or one that ended elsewhere. */
  readonly chain: 'first' | 'follows' | 'broken'
  /** True if the numbers come from its frames, false if only from what its successor says. */
  readonly wasRead: boolean
}

/** What is in the directory of a log. */
export interface LogInspection {
  readonly directory: string
  readonly formatVersion: number | undefined
  /** Everything before it was durable when it was written; undefined without an intact mark. */
  readonly mark: number | undefined
  readonly startOffset: number
  /** Behind the last record that can be seen, or behind the mark, if that is higher. */
  readonly endOffset: number
  readonly fileBytes: number
  readonly dataBytes: number
  readonly segments: readonly SegmentInspection[]
  /** Offsets that are known to be missing without reading all frames. */
  readonly gaps: readonly OffsetRange[]
  readonly findings: readonly Finding[]
}

/**
 * Says what is there: the format, the segments, the mark, and every file that is not in order. Reads the headers, and
 * the frames of the last segment only, so it is quick whatever the size; damage inside the others is for `verifyLog`.
 * Takes no lock and changes nothing.
 *
 * @throws the reason of `signal`; the file system's own errors other than `EIO`, which is a finding
 */
export async function inspectLog(options: InspectOptions): Promise<LogInspection> {
  const survey = await surveyDirectory(options)
  const findings: Finding[] = [...survey.findings]
  const segments: SegmentInspection[] = []
  const gaps: OffsetRange[] = []
  for (const segment of survey.segments) {
    throwIfAborted(options.signal)
    const inspected = await inspectSegment(options, survey, segment, findings)
    if (inspected === undefined) continue
    segments.push(inspected)
    const next = segment.successorOffset ?? survey.durableOffset
    if (inspected.endOffset < next) gaps.push({ from: inspected.endOffset, to: next })
  }
  const end = segments.at(-1)?.endOffset ?? 0
  if (segments.length === 0 && survey.durableOffset > 0) gaps.push({ from: 0, to: survey.durableOffset })
  for (const { severity, offsets } of findings)
    if (severity === 'loss' && offsets !== undefined) gaps.push(offsets)
  return {
    directory: options.directory,
    formatVersion: survey.format?.version,
    mark: survey.mark?.newest?.offset,
    startOffset: segments[0]?.baseOffset ?? survey.durableOffset,
    endOffset: Math.max(end, survey.durableOffset),
    fileBytes: segments.reduce((sum, { fileBytes }) => sum + fileBytes, 0),
    dataBytes: segments.reduce((sum, { dataBytes }) => sum + dataBytes, 0),
    segments,
    gaps: gaps.sort((left, right) => left.from - right.from),
    findings,
  }
}

async function inspectSegment(
  options: InspectOptions,
  survey: DirectorySurvey,
  segment: SurveyedSegment,
  findings: Finding[],
): Promise<SegmentInspection | undefined> {
  const { file, endOffset, limitBytes, link } = segment
  const common = {
    file: file.name,
    baseOffset: file.baseOffset,
    fileBytes: file.fileBytes,
    createdAtMs: file.isCompacted ? undefined : file.header?.createdAtMs,
    header: file.header === undefined ? 'damaged' : 'intact',
    isCompacted: file.isCompacted,
    chain: link,
  } as const
  if (endOffset !== undefined)
    return {
      ...common,
      endOffset,
      records: common.isCompacted ? undefined : endOffset - file.baseOffset,
      dataBytes: limitBytes,
      wasRead: false,
    }
  let records = 0
  const result = await surveySegment({
    ...options,
    segment,
    durableOffset: survey.durableOffset,
    visit: ({ header }) => {
      records += header.count
      return true
    },
  })
  findings.push(...result.findings)
  if (result.end === undefined) return undefined
  const { endOffset: readEnd, dataBytes } = result.end
  return { ...common, endOffset: readEnd, records, dataBytes, wasRead: true }
}
