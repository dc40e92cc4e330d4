const KIB = 1024
const ZEROS = new Uint8Array(256 * KIB)

/** Zeros written ahead in a small segment: what a topic that hardly anybody uses costs. */
const AHEAD_BYTES_MIN = 64 * KIB
/** A segment that is filled in small groups allocates at most this much at once. */
const AHEAD_BYTES_STEADY_MAX = 1024 * KIB
/** One that is filled in large groups allocates for about this many of them at once. */
const AHEAD_GROUPS = 8

/** What decides how much is allocated ahead. All in bytes. */
export interface AllocationState {
  /** Where the group ends that is about to be written. */
  readonly dataEnd: number
  readonly groupBytes: number
  /** Size of the file now. */
  readonly fileBytes: number
  readonly aheadBytesMax: number
  readonly segmentBytesMax: number
}

/**
 * Zeros to be written behind a group that would make the file longer. A write into bytes that exist already
 * needs no change of the file's size or extents, so its sync need not wait for the file system's journal. What
 * is allocated grows with the segment, so that small logs stay small.
 */
export function zerosAhead(state: AllocationState): readonly Uint8Array[] {
  const { dataEnd, groupBytes, fileBytes, aheadBytesMax, segmentBytesMax } = state
  if (dataEnd <= fileBytes) return []
  const steady = Math.min(Math.max(dataEnd, AHEAD_BYTES_MIN), AHEAD_BYTES_STEADY_MAX)
  const wanted = Math.min(
    Math.max(steady, AHEAD_GROUPS * groupBytes),
    aheadBytesMax,
    segmentBytesMax - dataEnd,
  )
  const zeros: Uint8Array[] = []
  for (let rest = wanted; rest > 0; rest -= ZEROS.length)
    zeros.push(ZEROS.subarray(0, Math.min(rest, ZEROS.length)))
  return zeros
}
