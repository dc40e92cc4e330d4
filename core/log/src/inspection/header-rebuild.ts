import { viewOf } from '../integers.ts'
import { encodeSegmentHeader, FORMAT_VERSION, idRestOf, SEGMENT_ID_BYTES } from '../segment-header.ts'
import type { DirectorySurvey, SurveyedSegment, SurveyOptions } from './directory-survey.ts'
import { surveySegment } from './segment-survey.ts'

/**
 * A header in place of a damaged one: the offset from the name, the salt from the frames, the rest from the neighbours.
 * What nobody else knows is made up: half of the id is zero, and the time of creation is that of the first record.
 */
export async function rebuildHeader(
  { files, signal }: SurveyOptions,
  { segments, durableOffset }: DirectorySurvey,
  index: number,
): Promise<Uint8Array | undefined> {
  const segment = segments[index]
  if (segment === undefined) return undefined
  const before = segments[index - 1]
  const named = segments[index + 1]?.file.header?.predecessor
  const id = new Uint8Array(SEGMENT_ID_BYTES)
  viewOf(id).setUint32(0, segment.salt, true)
  if (named?.salt === segment.salt) viewOf(id).setUint32(4, named.idRest, true)
  const { isCompacted } = segment.file
  let createdAtMs: number | undefined
  const { end } = await surveySegment({
    files,
    signal,
    segment,
    durableOffset,
    visit: ({ header }) => {
      createdAtMs ??= header.firstTimestampMs
      return isCompacted
    },
  })
  const predecessor = before && (await predecessorOf({ files, signal, before, durableOffset }))
  return encodeSegmentHeader({
    version: FORMAT_VERSION,
    id,
    baseOffset: segment.file.baseOffset,
    createdAtMs: createdAtMs ?? 0,
    // Nobody knows, and it does no harm: then only frames count as its content, and not whatever is not zero.
    isRecycled: !isCompacted,
    compactedEndOffset: isCompacted ? end?.endOffset : undefined,
    predecessor,
  })
}

/** Where the segment before ends, as its frames tell. */
async function predecessorOf({
  files,
  signal,
  before,
  durableOffset,
}: Pick<SurveyOptions, 'files' | 'signal'> & {
  readonly before: SurveyedSegment
  readonly durableOffset: number
}) {
  const { end } = await surveySegment({ files, signal, segment: before, durableOffset, visit: () => true })
  if (end === undefined) return undefined
  const { header } = before.file
  const idRest = header === undefined ? 0 : idRestOf(header.id)
  return { salt: before.salt, idRest, endOffset: end.endOffset, dataBytes: end.dataBytes }
}
