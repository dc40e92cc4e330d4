import type { OpenFile } from './files.ts'
import {
  decodeFrameHeader,
  FRAME_ALIGNMENT_BYTES,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  frameBytes,
  isBodyIntact,
  isFrameMagic,
} from './frame.ts'

/** An intact frame, as it stands in a file. */
export interface Frame {
  readonly header: FrameHeader
  readonly position: number
  /** Where the next frame would be. */
  readonly end: number
  readonly body: Uint8Array
  /** All of it. */
  readonly bytes: Uint8Array
}

/**
 * Finds and checks frames in one file, reading it in chunks. Errors of reading are passed on as they are:
 * a disk that does not answer says nothing about what is on it.
 */
export class FrameCursor {
  readonly #file: Pick<OpenFile, 'read'>
  readonly #salt: number | undefined
  readonly #limit: number
  readonly #chunkBytes: number
  #chunk = NOTHING
  #chunkPosition = 0

  readonly #isScan: boolean
  /** What the next chunk of a scan is read into. */
  #memory = NOTHING

  /**
   * Looks at nothing from `limit` on; frames must carry `salt`, if it is known. With `isScan` the body of a frame is good
   * until the next call only, and a large file leaves no garbage behind.
   */
  constructor(
    file: Pick<OpenFile, 'read'>,
    salt: number | undefined,
    limit: number,
    chunkBytes: number,
    isScan = false,
  ) {
    this.#isScan = isScan
    this.#file = file
    this.#salt = salt
    this.#limit = limit
    this.#chunkBytes = chunkBytes
  }

  /** The intact frame that starts at `position`; undefined if none does. */
  async frameAt(position: number): Promise<Frame | undefined> {
    const head = await this.#load(position, FRAME_HEADER_BYTES)
    if (head === undefined) return undefined
    const header = decodeFrameHeader(head, 0)
    if (header === undefined || (this.#salt !== undefined && header.salt !== this.#salt)) return undefined
    const bytes = await this.#load(position, frameBytes(header.bodyBytes))
    if (bytes === undefined || !isBodyIntact(bytes, header)) return undefined
    const body = bytes.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + header.bodyBytes)
    return { header, position, end: position + bytes.length, body, bytes }
  }

  /** The first intact frame at `position` or behind it whose records have `offset` or higher ones. */
  async nextFrame(position: number, offset: number): Promise<Frame | undefined> {
    let next = position
    while (next + FRAME_HEADER_BYTES <= this.#limit) {
      const found = await this.#findMagic(next)
      if (found === undefined) return undefined
      const frame = await this.frameAt(found)
      if (frame !== undefined && frame.header.baseOffset >= offset) return frame
      next = frame?.end ?? found + FRAME_ALIGNMENT_BYTES
    }
    return undefined
  }

  /** The position behind the last byte from `position` on that is not zero; `position` if all are. */
  async contentEnd(position: number): Promise<number> {
    let end = position
    for (let next = position; next < this.#limit; ) {
      const bytes = await this.#loadSome(next)
      if (bytes.length === 0) break
      const contentBytes = lengthWithoutZeros(bytes)
      if (contentBytes > 0) end = next + contentBytes
      next += bytes.length
    }
    return end
  }

  async #findMagic(position: number): Promise<number | undefined> {
    let next = position
    while (next + FRAME_HEADER_BYTES <= this.#limit) {
      const bytes = await this.#loadSome(next)
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      const end = bytes.length - 3
      if (end <= 0) return undefined
      for (let index = 0; index < end; index += FRAME_ALIGNMENT_BYTES) {
        if (isFrameMagic(view.getUint32(index, true))) return next + index
      }
      next += Math.ceil(end / FRAME_ALIGNMENT_BYTES) * FRAME_ALIGNMENT_BYTES
    }
    return undefined
  }

  /** Exactly `length` bytes from `position` on; undefined if there are not so many below the limit. */
  async #load(position: number, length: number): Promise<Uint8Array | undefined> {
    if (position + length > this.#limit) return undefined
    let start = position - this.#chunkPosition
    if (start < 0 || start + length > this.#chunk.length) {
      await this.#fill(position, length)
      start = 0
    }
    return start + length <= this.#chunk.length ? this.#chunk.subarray(start, start + length) : undefined
  }

  /** What is there from `position` on, a chunk at most; empty at the end. */
  async #loadSome(position: number): Promise<Uint8Array> {
    const start = position - this.#chunkPosition
    if (start < 0 || start >= this.#chunk.length) {
      await this.#fill(position, 0)
      return this.#chunk
    }
    return this.#chunk.subarray(start)
  }

  /** Frames handed out are views of the chunk, so every chunk gets memory of its own, if they are to last. */
  async #fill(position: number, length: number): Promise<void> {
    const wanted = Math.min(Math.max(this.#chunkBytes, length), this.#limit - position)
    const bytes = this.#isScan ? this.#memoryFor(wanted) : new Uint8Array(wanted)
    const filled = await this.#file.read(bytes, position)
    this.#chunk = bytes.subarray(0, filled)
    this.#chunkPosition = position
  }

  #memoryFor(bytes: number): Uint8Array {
    if (this.#memory.length < bytes) this.#memory = new Uint8Array(bytes)
    return this.#memory.subarray(0, bytes)
  }
}

const NOTHING: Uint8Array = new Uint8Array(0)

/** A loop, since most of an active segment is zeros, and every start looks at all of them. */
function lengthWithoutZeros(bytes: Uint8Array): number {
  let length = bytes.length
  while (length > 0 && bytes[length - 1] === 0) length -= 1
  return length
}
