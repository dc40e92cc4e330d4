import { assert } from '@millrace/kernel'

const SLAB_BYTES_MIN = 4 * 1024
const SLAB_BYTES_MAX = 256 * 1024

/** Where a frame is being built. */
export interface FrameRoom {
  /** Zeros, as far as nothing was written. */
  slab: Uint8Array
  start: number
  /** How much of the slab from `start` on is the frame's; whoever builds it keeps this right. */
  bytes: number
}

/**
 * Memory for the frames of one log, one behind the other in slabs, so that a frame grows where it is: nothing is copied
 * but what no longer fits its slab. Slabs are small in a log that hardly anybody uses. Memory is never used again: what
 * was written may be in the tail cache, and in the hands of readers.
 */
export class FrameMemory {
  #room: FrameRoom = { slab: new Uint8Array(0), start: 0, bytes: 0 }

  /** Room for a new frame, behind the last one, which must not grow any more. */
  begin(): FrameRoom {
    const { slab, start, bytes } = this.#room
    this.#room = { slab, start: start + bytes, bytes: 0 }
    return this.#room
  }

  /** Lets the newest frame have `bytes` bytes in all, elsewhere if it must be. */
  reserve(room: FrameRoom, bytes: number): void {
    assert(room === this.#room, 'only the newest frame grows')
    if (room.start + bytes <= room.slab.length) return
    const slabBytes = Math.min(Math.max(SLAB_BYTES_MIN, 2 * room.slab.length), SLAB_BYTES_MAX)
    const slab = new Uint8Array(Math.max(bytes, slabBytes))
    slab.set(room.slab.subarray(room.start, room.start + room.bytes))
    room.slab = slab
    room.start = 0
  }
}
