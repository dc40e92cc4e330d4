import {
  decodeFrameHeader,
  FRAME_HEADER_BYTES,
  FRAME_TRAILER_BYTES,
  frameBytes,
  isBodyIntact,
} from '../frame.ts'
import { viewOf } from '../integers.ts'
import type { SurveyFile } from './survey-file.ts'

/** What a frame begins with, whatever its version. */
const MAGIC = 'MRF'

/** What is asked about: why there is no frame to go on with at `position`. */
export interface DiagnosisRequest {
  readonly file: SurveyFile
  readonly position: number
  readonly limitBytes: number
  readonly salt: number
  readonly expectedOffset: number
}

/** Why no frame with the expected offset stands at a place, as a sentence without a full stop. */
export async function diagnoseFrame(request: DiagnosisRequest): Promise<string> {
  const { file, position, limitBytes, salt, expectedOffset } = request
  if (isUnreadable(file, position)) return 'the disk does not give what stands there'
  const head = new Uint8Array(Math.min(FRAME_HEADER_BYTES, Math.max(0, limitBytes - position)))
  const length = await file.read(head, position)
  if (length < FRAME_HEADER_BYTES) return 'the file ends before the frame does'
  if (head.every((byte) => byte === 0)) return 'there are zeros where a frame should be'
  if (String.fromCharCode(...head.subarray(0, MAGIC.length)) !== MAGIC) return 'no frame begins there'
  const header = decodeFrameHeader(head, 0)
  if (header === undefined) return 'the checksum of the frame header does not fit'
  if (header.salt !== salt) return 'the frame belongs to another segment'
  const bytes = frameBytes(header.bodyBytes)
  if (position + bytes > limitBytes) return `the file ends before the frame of ${bytes} bytes does`
  const frame = new Uint8Array(bytes)
  await file.read(frame, position)
  if (file.unreadable.some((range) => range.from < position + bytes && range.to > position))
    return 'the disk does not give all of the frame'
  const lengthCopy = viewOf(frame).getUint32(bytes - FRAME_TRAILER_BYTES + 4, true)
  if (lengthCopy !== header.bodyBytes) return 'the copy of the length behind the frame does not fit'
  if (!isBodyIntact(frame, header)) return 'the checksum of the frame body does not fit'
  return `the frame is intact and holds offset ${header.baseOffset}, not ${expectedOffset}`
}

function isUnreadable(file: SurveyFile, position: number): boolean {
  return file.unreadable.some((range) => range.from <= position && position < range.to)
}
