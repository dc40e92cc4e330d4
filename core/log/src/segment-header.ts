import { assert, crc32c } from '@millrace/kernel'
import { getInteger64, putInteger64, viewOf } from './integers.ts'

/** "MRSG" in memory order. */
const MAGIC = 0x4753524d
const CHECKSUM_CRC32C = 1

const FLAG_PREDECESSOR = 1
const FLAG_RECYCLED = 2
const FLAG_COMPACTED = 4

/** The newest format that this code reads, and the one that it writes. */
export const FORMAT_VERSION = 1
export const SEGMENT_HEADER_BYTES = 64
export const SEGMENT_ID_BYTES = 16

/** The segment before this one, as it was when this one was made. */
export interface Predecessor {
  /** The salt (first four bytes of its id) and the next four bytes. */
  readonly salt: number
  readonly idRest: number
  /** The offset behind its last durable record. */
  readonly endOffset: number
  /** Where its last durable frame ends in the file. What stands behind it does not belong to the log. */
  readonly dataBytes: number
}

/** What the first 64 bytes of a segment say. */
export interface SegmentHeader {
  readonly version: number
  /** Random: tells this file from every other that had its name or its blocks before. */
  readonly id: Uint8Array
  readonly baseOffset: number
  /** 0 for one made by compaction. */
  readonly createdAtMs: number
  /** The file was another segment before: what stands behind the frames may be anything, not just zeros. */
  readonly isRecycled: boolean
  /**
   * The offset behind its last record, if it was made by compaction: complete, from one segment or several, whose records
   * it replaces. Its id is that of the last of them, so that the next segment's header names it.
   */
  readonly compactedEndOffset: number | undefined
  /** Undefined for the first segment of a log. */
  readonly predecessor: Predecessor | undefined
}

/** The number that every frame of a segment carries: the first four bytes of its id. */
export function saltOf(id: Uint8Array): number {
  return viewOf(id).getUint32(0, true)
}

/** Bytes 4 to 8 of an id. */
export function idRestOf(id: Uint8Array): number {
  return viewOf(id).getUint32(4, true)
}

/** The 64 bytes of a header; `docs/reference/log-format.md` describes them. */
export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  assert(header.id.length === SEGMENT_ID_BYTES, 'a segment id has 16 bytes')
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES)
  const view = viewOf(bytes)
  view.setUint32(0, MAGIC, true)
  view.setUint16(4, header.version, true)
  view.setUint8(6, CHECKSUM_CRC32C)
  bytes.set(header.id, 8)
  putInteger64(view, 24, header.baseOffset)
  const { predecessor, isRecycled, compactedEndOffset } = header
  putInteger64(view, 32, compactedEndOffset ?? header.createdAtMs)
  const flags = (isRecycled ? FLAG_RECYCLED : 0) | (compactedEndOffset === undefined ? 0 : FLAG_COMPACTED)
  view.setUint8(7, flags | (predecessor === undefined ? 0 : FLAG_PREDECESSOR))
  if (predecessor !== undefined) {
    view.setUint32(40, predecessor.salt, true)
    view.setUint32(44, predecessor.idRest, true)
    putInteger64(view, 48, predecessor.endOffset)
    view.setUint32(56, predecessor.dataBytes, true)
  }
  view.setUint32(60, crc32c(bytes.subarray(0, 60)), true)
  return bytes
}

/** The header in `bytes`; undefined if it is damaged. A newer version is returned, not judged. */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES) return undefined
  const view = viewOf(bytes)
  if (view.getUint32(0, true) !== MAGIC) return undefined
  if (view.getUint32(60, true) !== crc32c(bytes.subarray(0, 60))) return undefined
  const flags = view.getUint8(7)
  const isCompacted = (flags & FLAG_COMPACTED) !== 0
  return {
    version: view.getUint16(4, true),
    id: bytes.slice(8, 24),
    baseOffset: getInteger64(view, 24),
    createdAtMs: isCompacted ? 0 : getInteger64(view, 32),
    isRecycled: (flags & FLAG_RECYCLED) !== 0,
    compactedEndOffset: isCompacted ? getInteger64(view, 32) : undefined,
    predecessor: (flags & FLAG_PREDECESSOR) === 0 ? undefined : decodePredecessor(view),
  }
}

function decodePredecessor(view: DataView): Predecessor {
  return {
    salt: view.getUint32(40, true),
    idRest: view.getUint32(44, true),
    endOffset: getInteger64(view, 48),
    dataBytes: view.getUint32(56, true),
  }
}
