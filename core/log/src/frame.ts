import { crc32c } from '@millrace/kernel'
import { getInteger64, putInteger64, viewOf } from './integers.ts'

/** "MRF1" in memory order: a frame whose records have consecutive offsets. */
export const FRAME_MAGIC = 0x3146524d
/** "MRF2": a frame of a compacted segment, whose records each tell how far they are from the one before. */
export const SPARSE_FRAME_MAGIC = 0x3246524d
export const FRAME_HEADER_BYTES = 48
export const FRAME_TRAILER_BYTES = 8
export const FRAME_ALIGNMENT_BYTES = 8

/** What stands before the records of a frame. A frame is the unit that is checked, read, and lost. */
export interface FrameHeader {
  readonly bodyBytes: number
  /** Offsets that the frame stands for: one for each record, or more in a sparse frame. */
  readonly count: number
  /**
   * How many records before this frame were written but not yet synced when it was written. So a frame
   * witnesses that everything before `baseOffset - unsyncedBefore` was durable: that is how recovery tells a
   * torn group, which nobody was promised, from damage to what was acknowledged.
   */
  readonly unsyncedBefore: number
  readonly baseOffset: number
  readonly firstTimestampMs: number
  readonly maxTimestampMs: number
  readonly salt: number
  readonly isSparse: boolean
}

/** Bytes of a whole frame whose body has `bodyBytes`: header, body, zeros up to 8, trailer. */
export function frameBytes(bodyBytes: number): number {
  return FRAME_HEADER_BYTES + alignUp(bodyBytes) + FRAME_TRAILER_BYTES
}

/**
 * Completes a frame in place: `bytes` is exactly the whole frame, with the body at {@link FRAME_HEADER_BYTES}
 * and zeros behind it. Can be repeated with another header, for a copy in another segment.
 */
export function sealFrame(bytes: Uint8Array, header: FrameHeader): void {
  const view = viewOf(bytes)
  view.setUint32(0, header.isSparse ? SPARSE_FRAME_MAGIC : FRAME_MAGIC, true)
  view.setUint32(4, header.bodyBytes, true)
  view.setUint32(8, header.count, true)
  view.setUint32(12, header.unsyncedBefore, true)
  putInteger64(view, 16, header.baseOffset)
  putInteger64(view, 24, header.firstTimestampMs)
  putInteger64(view, 32, header.maxTimestampMs)
  view.setUint32(40, header.salt, true)
  const headerCrc = crc32c(bytes.subarray(0, 44))
  view.setUint32(44, headerCrc, true)
  const trailer = bytes.length - FRAME_TRAILER_BYTES
  view.setUint32(trailer, bodyCrc(bytes, trailer, headerCrc), true)
  view.setUint32(trailer + 4, header.bodyBytes, true)
}

/** The frame header at `position` of `bytes`; undefined if no intact one stands there. */
export function decodeFrameHeader(bytes: Uint8Array, position: number): FrameHeader | undefined {
  if (position + FRAME_HEADER_BYTES > bytes.length) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + position, FRAME_HEADER_BYTES)
  const magic = view.getUint32(0, true)
  if (!isFrameMagic(magic)) return undefined
  if (view.getUint32(44, true) !== crc32c(bytes.subarray(position, position + 44))) return undefined
  return {
    bodyBytes: view.getUint32(4, true),
    count: view.getUint32(8, true),
    unsyncedBefore: view.getUint32(12, true),
    baseOffset: getInteger64(view, 16),
    firstTimestampMs: getInteger64(view, 24),
    maxTimestampMs: getInteger64(view, 32),
    salt: view.getUint32(40, true),
    isSparse: magic === SPARSE_FRAME_MAGIC,
  }
}

/** True for the first four bytes of a frame. */
export function isFrameMagic(magic: number): boolean {
  return magic === FRAME_MAGIC || magic === SPARSE_FRAME_MAGIC
}

/** True if the body and trailer of the frame that fills `frame` fit its (intact) header. */
export function isBodyIntact(frame: Uint8Array, header: FrameHeader): boolean {
  const view = viewOf(frame)
  const trailer = frame.length - FRAME_TRAILER_BYTES
  return (
    view.getUint32(trailer + 4, true) === header.bodyBytes &&
    view.getUint32(trailer, true) === bodyCrc(frame, trailer, view.getUint32(44, true))
  )
}

/** Goes on from the header's checksum, so that a body can never pass under another header. */
function bodyCrc(frame: Uint8Array, trailer: number, headerCrc: number): number {
  return crc32c(frame.subarray(FRAME_HEADER_BYTES, trailer), headerCrc)
}

function alignUp(bytes: number): number {
  return Math.ceil(bytes / FRAME_ALIGNMENT_BYTES) * FRAME_ALIGNMENT_BYTES
}
