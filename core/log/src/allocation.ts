const KIB = 1024
const ZEROS = new Uint8Array(256 * KIB)

/**
 * Groups up to this size are worth zeros that are written for them ahead. A larger one pays the journal once for all of
 * its records, and writing it twice would cost more (measured; see docs/benchmarks.md).
 */
export const GROUP_BYTES_WORTH_ZEROS_MAX = 32 * KIB

/** Zeros written ahead in a small segment: what a topic that hardly anybody uses costs. */
const AHEAD_BYTES_MIN = 64 * KIB
/** A larger one allocates at most this much at once. */
const AHEAD_BYTES_MAX = 1024 * KIB

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
 * Zeros to be written behind a small group that would make the file longer. A write into bytes that exist already
 * needs no change of the file's size or extents, so its sync need not wait for the file system's journal. What
 * is allocated grows with the segment, so that small logs stay small.
 */
export function zerosAhead(state: AllocationState): readonly Uint8Array[] {
  const { dataEnd, groupBytes, fileBytes, aheadBytesMax, segmentBytesMax } = state
  if (dataEnd <= fileBytes || groupBytes > GROUP_BYTES_WORTH_ZEROS_MAX) return []
  const wanted = Math.min(Math.max(dataEnd, AHEAD_BYTES_MIN), AHEAD_BYTES_MAX)
  return zeros(Math.min(wanted, aheadBytesMax, segmentBytesMax - dataEnd))
}

/** So many zeros, in pieces that share one memory. */
export function zeros(bytes: number): readonly Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let rest = bytes; rest > 0; rest -= ZEROS.length)
    pieces.push(ZEROS.subarray(0, Math.min(rest, ZEROS.length)))
  return pieces
}
