import { millraceError } from '@millrace/kernel'
import type { LogOptions } from './log.ts'

const KIB = 1024
const MIB = 1024 * KIB

interface Limit {
  readonly min: number
  readonly default: number
  readonly max: number
}

/** Bounds and defaults of the options, and the limits that are not options. */
export const LOG_LIMITS = {
  /** Positions within a segment are stored in 32 bits. */
  segmentBytes: { min: 4 * KIB, default: 64 * MIB, max: 2 ** 31 },
  recordBytes: { min: 1, default: MIB, max: 64 * MIB },
  pendingBytes: { min: 4 * KIB, default: 16 * MIB, max: 1024 * MIB },
  allocateAheadBytes: { min: 0, default: 64 * MIB, max: 2 ** 31 },
  compactionKeys: { min: 1, default: 250_000, max: 16_000_000 },
  tombstoneMsMin: { min: 0, default: 86_400_000, max: Number.MAX_SAFE_INTEGER },
  dirtyShareMin: 0.5,
  syncIntervalMs: { min: 1, default: 1000, max: 3_600_000 },
  /** Newest frames kept in memory. */
  tailCacheBytesMax: 256 * KIB,
} as const

/** @throws LOG_OPTION_INVALID */
export function checkOptions(options: LogOptions): void {
  checkLimit('segmentBytesMax', options.segmentBytesMax, LOG_LIMITS.segmentBytes)
  checkLimit('recordBytesMax', options.recordBytesMax, LOG_LIMITS.recordBytes)
  checkLimit('pendingBytesMax', options.pendingBytesMax, LOG_LIMITS.pendingBytes)
  checkLimit('allocateAheadBytesMax', options.allocateAheadBytesMax, LOG_LIMITS.allocateAheadBytes)
  checkLimit('syncIntervalMsMax', options.syncIntervalMsMax, LOG_LIMITS.syncIntervalMs)
  checkLimit('compaction.keysMax', options.compaction?.keysMax, LOG_LIMITS.compactionKeys)
  checkLimit('compaction.tombstoneMsMin', options.compaction?.tombstoneMsMin, LOG_LIMITS.tombstoneMsMin)
  const positive = { min: 0, default: 0, max: Number.MAX_SAFE_INTEGER }
  checkLimit('retention.ageMsMax', options.retention?.ageMsMax, positive)
  checkLimit('retention.bytesMax', options.retention?.bytesMax, positive)
}

function checkLimit(option: string, seen: number | undefined, { min, max }: Limit): void {
  if (seen === undefined || (Number.isInteger(seen) && seen >= min && seen <= max)) return
  throw millraceError('LOG_OPTION_INVALID', {
    option,
    seen,
    expected: `a whole number from ${min} to ${max}`,
  })
}
