import type { EncodedRecords } from './record-codec.ts'

/** A frame that was just made durable: its records need no reading from the disk, and no check. */
export type CachedFrame = EncodedRecords

/** What a frame costs beside its records, so that tiny ones are bounded too. */
const FRAME_COST_BYTES = 128

/** So many frames that are gone may stand before the others: taking one from the front of a long list is dear. */
const GONE_COUNT_MAX = 1024

/** The newest frames of a log, so that followers at its end do not touch the disk. */
export class TailCache {
  readonly #bytesMax: number
  /** In the order of their offsets; those before `#first` are gone. */
  readonly #frames: (CachedFrame | undefined)[] = []
  #first = 0
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Adds the next frame; the oldest go while there are more bytes than allowed. */
  push(frame: CachedFrame): void {
    this.#frames.push(frame)
    this.#bytes += costBytes(frame)
    this.#dropWhile(() => this.#bytes > this.#bytesMax)
  }

  /** Forgets what is in the files in another form now. */
  dropBelow(offset: number): void {
    this.#dropWhile((oldest) => oldest.baseOffset < offset)
  }

  /** The frames from the one with `offset` on; empty if that one is not here. */
  from(offset: number): readonly CachedFrame[] {
    let low = this.#first
    if (offset < (this.#frames[low]?.baseOffset ?? Number.POSITIVE_INFINITY)) return []
    let high = this.#frames.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((this.#frames[middle]?.baseOffset ?? 0) <= offset) low = middle
      else high = middle
    }
    return this.#frames.slice(low).filter((frame) => frame !== undefined)
  }

  #dropWhile(isUnwanted: (oldest: CachedFrame) => boolean): void {
    for (;;) {
      const oldest = this.#frames[this.#first]
      if (oldest === undefined || !isUnwanted(oldest)) break
      this.#bytes -= costBytes(oldest)
      this.#frames[this.#first] = undefined
      this.#first += 1
    }
    if (this.#first <= GONE_COUNT_MAX) return
    this.#frames.splice(0, this.#first)
    this.#first = 0
  }
}

/** Frames stand one behind the other in their memory, so all of them together hold little more than what they count. */
function costBytes({ body }: CachedFrame): number {
  return body.length + FRAME_COST_BYTES
}
