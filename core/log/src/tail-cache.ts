import type { EncodedRecords } from './record-codec.ts'

/** A frame that was just made durable: its records need no reading from the disk, and no check. */
export type CachedFrame = EncodedRecords

/** What a frame costs beside its records, so that tiny ones are bounded too. */
const FRAME_COST_BYTES = 128

/** The newest frames of a log, so that followers at its end do not touch the disk. */
export class TailCache {
  readonly #bytesMax: number
  readonly #frames: CachedFrame[] = []
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Adds the next frame; the oldest go while there are more bytes than allowed. */
  push(frame: CachedFrame): void {
    this.#frames.push(frame)
    this.#bytes += costBytes(frame)
    let drop = 0
    while (this.#bytes > this.#bytesMax && drop < this.#frames.length) {
      const oldest = this.#frames[drop]
      if (oldest !== undefined) this.#bytes -= costBytes(oldest)
      drop += 1
    }
    if (drop > 0) this.#frames.splice(0, drop)
  }

  /** Forgets what is in the files in another form now. */
  dropBelow(offset: number): void {
    while ((this.#frames[0]?.baseOffset ?? offset) < offset)
      this.#bytes -= this.#frames.shift()?.body.buffer.byteLength ?? 0
  }

  /** The frames from the one with `offset` on; empty if that one is not here. */
  from(offset: number): readonly CachedFrame[] {
    if (offset < (this.#frames[0]?.baseOffset ?? Number.POSITIVE_INFINITY)) return []
    let index = this.#frames.length - 1
    while ((this.#frames[index]?.baseOffset ?? 0) > offset) index -= 1
    return this.#frames.slice(index)
  }
}

/** Frames stand one behind the other in their memory, so all of them together hold little more than what they count. */
function costBytes({ body }: CachedFrame): number {
  return body.length + FRAME_COST_BYTES
}
