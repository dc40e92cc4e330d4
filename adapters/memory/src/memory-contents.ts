/** What is copied when a part of shared contents is written to. */
const BLOCK_BYTES = 4096

/**
 * The bytes of a file. What is behind the size is always zero. Copies share their blocks until one of them is
 * written to, so that a copy of a large file costs next to nothing.
 */
export class Contents {
  /** Undefined: zeros. */
  #blocks: (Uint8Array | undefined)[] = []
  /** Blocks that nobody else has, and that may be changed in place. */
  #isOwned: boolean[] = []
  #isListShared = false
  #size = 0

  get size(): number {
    return this.#size
  }

  copy(): Contents {
    const copy = new Contents()
    copy.#blocks = this.#blocks
    copy.#size = this.#size
    for (const sharer of [this, copy]) {
      sharer.#isListShared = true
      sharer.#isOwned = []
    }
    return copy
  }

  /** Fills `target` from `position`; answers how many bytes there were. */
  read(target: Uint8Array, position: number): number {
    const length = Math.max(0, Math.min(target.length, this.#size - position))
    for (let done = 0; done < length; ) {
      const index = Math.floor((position + done) / BLOCK_BYTES)
      const start = (position + done) % BLOCK_BYTES
      const count = Math.min(BLOCK_BYTES - start, length - done)
      const block = this.#blocks[index]
      if (block === undefined) target.fill(0, done, done + count)
      else target.set(block.subarray(start, start + count), done)
      done += count
    }
    return length
  }

  /** `length` bytes from `position` on, with zeros behind the end. */
  slice(position: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    this.read(bytes, position)
    return bytes
  }

  /** Copies what it is given; extends the file if it must. */
  write(position: number, bytes: Uint8Array): void {
    this.resize(Math.max(this.#size, position + bytes.length))
    for (let done = 0; done < bytes.length; ) {
      const start = (position + done) % BLOCK_BYTES
      const count = Math.min(BLOCK_BYTES - start, bytes.length - done)
      this.#own(Math.floor((position + done) / BLOCK_BYTES)).set(bytes.subarray(done, done + count), start)
      done += count
    }
  }

  resize(size: number): void {
    if (size < this.#size) {
      this.#ownList()
      const kept = Math.ceil(size / BLOCK_BYTES)
      this.#blocks.length = Math.min(this.#blocks.length, kept)
      this.#isOwned.length = Math.min(this.#isOwned.length, kept)
      if (size % BLOCK_BYTES > 0 && this.#blocks[kept - 1] !== undefined)
        this.#own(kept - 1).fill(0, size % BLOCK_BYTES)
    }
    this.#size = size
  }

  #own(index: number): Uint8Array {
    this.#ownList()
    const block = this.#blocks[index]
    if (block !== undefined && this.#isOwned[index] === true) return block
    const own = block === undefined ? new Uint8Array(BLOCK_BYTES) : block.slice()
    while (this.#blocks.length < index) this.#blocks.push(undefined)
    this.#blocks[index] = own
    this.#isOwned[index] = true
    return own
  }

  #ownList(): void {
    if (this.#isListShared) this.#blocks = this.#blocks.slice()
    this.#isListShared = false
  }
}
