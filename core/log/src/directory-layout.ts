/** What the files of a log are called. Everything else in the directory is left alone. */

const SEGMENT_NAME = /^(\d{20})\.seg$/

/** The durable mark, see durable-mark.ts. */
export const MARK_FILE = 'mark'

/** The format version, see format-version.ts. */
export const FORMAT_FILE = 'format.json'

/** The file of the next segment, not in use yet; removed at the next start. */
export const SPARE_FILE = 'next.spare'

/** A file that is not complete yet; removed at the next start. */
export const TEMPORARY = '.tmp'

/** A segment that retention has given up; removed at the next start. */
export const DELETED = '.deleted'

/** A compacted segment that has not taken its place yet; removed at the next start. */
export const CLEANED = '.cleaned'

/** A tail that was cut off because it was never acknowledged; kept for inspection. */
export const TORN = '.torn'

/** A segment in which nothing could be read; kept for inspection. */
export const CORRUPT = '.corrupt'

/** The file name of the segment whose first record has `baseOffset`; sorts like the offsets. */
export function segmentName(baseOffset: number): string {
  return `${String(baseOffset).padStart(20, '0')}.seg`
}

/** The base offset in a segment's file name; undefined if it is not one. */
export function parseSegmentName(name: string): number | undefined {
  const digits = SEGMENT_NAME.exec(name)?.[1]
  const baseOffset = Number(digits)
  return digits !== undefined && Number.isSafeInteger(baseOffset) ? baseOffset : undefined
}
