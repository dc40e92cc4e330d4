/** Bytes between two entries: finding a record costs reading at most this much and one frame. */
const INTERVAL_BYTES = 64 * 1024

/** Where in a segment some offsets stand. A cache in memory: it can always be made again from the frames. */
export class SparseIndex {
  readonly #offsets: number[]
  readonly #positions: number[]

  constructor(baseOffset: number, position: number) {
    this.#offsets = [baseOffset]
    this.#positions = [position]
  }

  /** Notes that the frame with `offset` first starts at `position`, if no entry is near. */
  note(offset: number, position: number, always = false): void {
    const before = this.#before(offset)
    if (this.#offsets[before] === offset) {
      this.#positions[before] = position
      return
    }
    if (!always && position - (this.#positions[before] ?? 0) < INTERVAL_BYTES) return
    this.#offsets.splice(before + 1, 0, offset)
    this.#positions.splice(before + 1, 0, position)
  }

  /** The position of the last noted frame that starts at or before `offset`. */
  find(offset: number): { readonly offset: number; readonly position: number } {
    const before = this.#before(offset)
    return { offset: this.#offsets[before] ?? 0, position: this.#positions[before] ?? 0 }
  }

  #before(offset: number): number {
    let low = 0
    let high = this.#offsets.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((this.#offsets[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low
  }
}
