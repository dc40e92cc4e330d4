import type { Files } from '../files.ts'
import { type Frame, FrameCursor } from '../frame-cursor.ts'
import { lastFrameEnd } from '../segment-scan.ts'
import { type SurveyedSegment, unreadableFinding } from './directory-survey.ts'
import type { Finding } from './finding.ts'
import { diagnoseFrame } from './frame-diagnosis.ts'
import { type WalkDamage, type WalkEnd, walkSegment } from './segment-walk.ts'
import { type ByteRange, SurveyFile } from './survey-file.ts'

const CHUNK_BYTES = 256 * 1024

/** What is to be read of one segment. */
export interface SegmentSurveyRequest {
  readonly files: Files
  readonly segment: SurveyedSegment
  /** Everything before this was acknowledged. */
  readonly durableOffset: number
  readonly isBeingWritten?: boolean
  /** True if what `visit` is given may be kept for longer. Default: the body of a frame is good until it returns. */
  readonly keepsFrames?: boolean
  readonly signal?: AbortSignal | undefined
  readonly onBytes?: (bytes: number) => void
  /** Each intact frame in its order; false ends the survey. */
  visit(frame: Frame): boolean | Promise<boolean>
  /** Each damage, at its place between the frames. */
  damaged?(damage: WalkDamage): void
}

/** What was found in one segment. */
export interface SegmentSurvey {
  /** Undefined if the file has vanished. */
  readonly end: WalkEnd | undefined
  readonly unreadable: readonly ByteRange[]
  readonly findings: readonly Finding[]
}

/** Reads a segment from its beginning to its end. */
export async function surveySegment(request: SegmentSurveyRequest): Promise<SegmentSurvey> {
  const { files, segment, durableOffset, signal, onBytes } = request
  const { name, path } = segment.file
  const findings: Finding[] = []
  try {
    await using file = await files.open(path, 'read')
    const isLast = segment.successorOffset === undefined
    const limitBytes = isLast ? await file.size() : segment.limitBytes
    await using survey = new SurveyFile(file, { signal, onBytes, sizeBytes: limitBytes })
    const end = await walkSegment(
      {
        file: survey,
        salt: segment.salt,
        baseOffset: segment.file.baseOffset,
        limitBytes,
        endOffset: segment.endOffset,
        durableOffset: segment.endOffset ?? segment.successorOffset ?? durableOffset,
        isLast,
        isScan: request.keepsFrames !== true,
      },
      {
        frame: (frame) => request.visit(frame),
        damage: (damage) => {
          findings.push(damageFinding(name, damage))
          request.damaged?.(damage)
        },
      },
    )
    if (isLast && !end.wasStopped) findings.push(...(await tailFindings(request, survey, end, limitBytes)))
    for (const bytes of survey.unreadable) findings.push(unreadableFinding(name, bytes))
    return { end, unreadable: survey.unreadable, findings }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    const text = `${name} was there and is gone: retention removed it meanwhile, or somebody did`
    findings.push({ severity: 'note', kind: 'file-vanished', file: name, text })
    return { end: undefined, unreadable: [], findings }
  }
}

function damageFinding(file: string, { bytes, offsets, cause }: WalkDamage): Finding {
  const text = `damaged at byte ${bytes.from} of ${file}: ${cause}`
  return { severity: 'loss', kind: 'frame-damaged', file, bytes, offsets, text }
}

/** What stands behind the last frame of the last segment, if it is anything but zeros. */
async function tailFindings(
  { segment, durableOffset, isBeingWritten = false }: SegmentSurveyRequest,
  file: SurveyFile,
  { endOffset, dataBytes }: WalkEnd,
  limitBytes: number,
): Promise<Finding[]> {
  const { name } = segment.file
  const cursor = new FrameCursor(file, segment.salt, limitBytes, CHUNK_BYTES)
  const isRecycled = segment.file.header?.isRecycled === true
  const to = await (isRecycled ? lastFrameEnd(cursor, dataBytes) : cursor.contentEnd(dataBytes))
  if (to <= dataBytes) return []
  const bytes = { from: dataBytes, to }
  const place = `behind the last frame of ${name}, at byte ${dataBytes}, are ${to - dataBytes} bytes`
  if (isBeingWritten)
    return [
      {
        severity: 'note',
        kind: 'tail-in-flight',
        file: name,
        bytes,
        text: `${place} that are being written`,
      },
    ]
  const request = { file, position: dataBytes, limitBytes, salt: segment.salt, expectedOffset: endOffset }
  const cause = await diagnoseFrame(request)
  if (endOffset < durableOffset) {
    const text = `${place} that held acknowledged records: ${cause}`
    return [{ severity: 'damage', kind: 'frame-damaged', file: name, bytes, text }]
  }
  const text = `${place} of an append that was never acknowledged (${cause}); opening the log moves them to a file of their own`
  return [{ severity: 'note', kind: 'tail-torn', file: name, bytes, text }]
}
