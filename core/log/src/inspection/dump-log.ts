import { throwIfAborted } from '@millrace/kernel'
import type { FrameHeader } from '../frame.ts'
import type { Frame } from '../frame-cursor.ts'
import type { LogGap, LogRecord } from '../log.ts'
import { RecordReader } from '../record-codec.ts'
import { type SurveyedSegment, type SurveyOptions, surveyDirectory } from './directory-survey.ts'
import { surveySegment } from './segment-survey.ts'
import { refuseNewer } from './verify-log.ts'

/** Options of {@link dumpLog}. */
export interface DumpOptions extends SurveyOptions {
  /** Default: the first that is there. */
  readonly fromOffset?: number | undefined
  /** Not included. Default: the end. */
  readonly toOffset?: number | undefined
  /** Only records with this time or a later one, in milliseconds since 1970. */
  readonly fromTimestampMs?: number | undefined
  /** Only records of before this time, in milliseconds since 1970. */
  readonly toTimestampMs?: number | undefined
  /** How many records at most. Default: all. */
  readonly countMax?: number | undefined
}

/** Where a frame stands. */
export interface DumpedFrame {
  /** Name of the segment's file. */
  readonly file: string
  readonly position: number
  /** Bytes of the whole frame. */
  readonly bytes: number
  readonly header: FrameHeader
}

/** Who takes what is dumped. */
export interface DumpVisitor {
  /**
   * The wanted records of one frame, at least one; the dump waits for the promise, and ends with false. Keys and values
   * are views of larger memory, which nobody touches again.
   */
  records(frame: DumpedFrame, records: readonly LogRecord[]): boolean | Promise<boolean>
  /** Offsets that are lost, at their place between the records. */
  gap(gap: LogGap): void
}

interface Window {
  readonly from: number
  readonly to: number
  readonly fromTimestampMs: number
  readonly toTimestampMs: number
  left: number
}

/**
 * Hands over the records of a log in the order of their offsets, reads past damage, and names what is lost. Takes no
 * lock and changes nothing. Holds two pieces of a megabyte and one frame in memory.
 *
 * @throws DIRECTORY_TOO_NEW; the reason of `signal`; the file system's own errors other than `EIO`
 */
export async function dumpLog(options: DumpOptions, visitor: DumpVisitor): Promise<void> {
  const survey = await surveyDirectory(options)
  refuseNewer(survey)
  const { countMax = Number.POSITIVE_INFINITY } = options
  const { fromTimestampMs = 0, toTimestampMs = Number.POSITIVE_INFINITY } = options
  const { fromOffset = 0, toOffset = Number.POSITIVE_INFINITY } = options
  const window: Window = { from: fromOffset, to: toOffset, fromTimestampMs, toTimestampMs, left: countMax }
  const gap = (from: number, to: number, reason: string) => {
    const start = Math.max(from, window.from)
    const end = Math.min(to, window.to)
    if (start < end) visitor.gap({ from: start, to: end, reason })
  }
  let end = survey.segments[0]?.file.baseOffset ?? 0
  gap(survey.firstOffset, end, 'in segments of which nothing can be read')
  for (const segment of survey.segments) {
    throwIfAborted(options.signal)
    if (window.left <= 0 || segment.file.baseOffset >= window.to) return
    const isBefore = segment.successorOffset !== undefined && segment.successorOffset <= window.from
    if (isBefore) continue
    const walked = await dumpSegment(options, segment, survey.durableOffset, window, visitor, gap)
    if (walked === undefined) return
    end = walked
    if (segment.successorOffset !== undefined && end < segment.successorOffset)
      gap(end, segment.successorOffset, `missing behind ${segment.file.name}`)
  }
  gap(end, survey.durableOffset, 'acknowledged, and missing at the end of the log')
}

/** Behind the last record of the segment; undefined if the dump has ended. */
async function dumpSegment(
  options: DumpOptions,
  segment: SurveyedSegment,
  durableOffset: number,
  window: Window,
  visitor: DumpVisitor,
  gap: (from: number, to: number, reason: string) => void,
): Promise<number | undefined> {
  let isComplete = false
  const result = await surveySegment({
    files: options.files,
    signal: options.signal,
    keepsFrames: true,
    segment,
    durableOffset,
    damaged: ({ offsets, bytes, cause }) =>
      gap(offsets.from, offsets.to, `damaged at byte ${bytes.from} of ${segment.file.name}: ${cause}`),
    visit: async (frame) => {
      const { header, position, end } = frame
      if (header.baseOffset >= window.to) isComplete = true
      if (isComplete) return false
      const records = wanted(frame, window, gap)
      window.left -= records.length
      const place = { file: segment.file.name, position, bytes: end - position, header }
      if (records.length > 0 && !(await visitor.records(place, records))) isComplete = true
      if (window.left <= 0) isComplete = true
      return !isComplete
    },
  })
  return isComplete ? undefined : (result.end?.endOffset ?? segment.successorOffset ?? 0)
}

function wanted(
  { header, body }: Frame,
  window: Window,
  gap: (from: number, to: number, reason: string) => void,
): LogRecord[] {
  const end = header.baseOffset + header.count
  if (end <= window.from || header.maxTimestampMs < window.fromTimestampMs) return []
  const reader = new RecordReader({ ...header, body })
  const records: LogRecord[] = []
  for (let record = reader.next(); record !== undefined; record = reader.next()) {
    const { offset, timestampMs } = record
    if (offset >= window.to || records.length >= window.left) return records
    const isWanted =
      offset >= window.from && timestampMs >= window.fromTimestampMs && timestampMs < window.toTimestampMs
    if (isWanted) records.push(record)
  }
  if (reader.damagedOffset !== undefined)
    gap(reader.damagedOffset, end, 'the records of a frame do not fill it')
  return records
}
