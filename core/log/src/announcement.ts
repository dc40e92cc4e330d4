import { ANNOUNCEMENT_BYTES } from './files.ts'
import { getInteger64, putInteger64, viewOf } from './integers.ts'

/** "MRAN" in memory order. */
const MAGIC = 0x4e41524d

/** The first offset of the last segment of a log that has none. */
export const NO_SEGMENT = -1

/** What the writer of a log tells its readers in other processes. */
export interface LogState {
  readonly startOffset: number
  /** Behind the last record that readers may have. */
  readonly endOffset: number
  /** The last segment: its first offset, its salt, the offset behind it, and where its last frame ends in the file. */
  readonly lastBaseOffset: number
  readonly lastEndOffset: number
  readonly lastSalt: number
  readonly lastDataBytes: number
  /** Goes up when other segments than the last one have changed: removed, or compacted. */
  readonly generation: number
}

/** The bytes of an announcement. */
export function encodeLogState(state: LogState): Uint8Array {
  const bytes = new Uint8Array(ANNOUNCEMENT_BYTES)
  const view = viewOf(bytes)
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, state.generation, true)
  putInteger64(view, 8, state.startOffset)
  putInteger64(view, 16, state.endOffset)
  putInteger64(view, 24, state.lastBaseOffset)
  view.setUint32(32, state.lastSalt, true)
  view.setUint32(36, state.lastDataBytes, true)
  putInteger64(view, 40, state.lastEndOffset)
  return bytes
}

/** Undefined for what another version of the program says. */
export function decodeLogState(bytes: Uint8Array): LogState | undefined {
  const view = viewOf(bytes)
  if (bytes.length !== ANNOUNCEMENT_BYTES || view.getUint32(0, true) !== MAGIC) return undefined
  return {
    generation: view.getUint32(4, true),
    startOffset: getInteger64(view, 8),
    endOffset: getInteger64(view, 16),
    lastBaseOffset: getInteger64(view, 24),
    lastSalt: view.getUint32(32, true),
    lastDataBytes: view.getUint32(36, true),
    lastEndOffset: getInteger64(view, 40),
  }
}
