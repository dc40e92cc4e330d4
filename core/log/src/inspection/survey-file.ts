import { throwIfAborted } from '@millrace/kernel'
import type { OpenFile } from '../files.ts'

/** What a survey reads at a time; the next piece is on its way while this one is looked at. */
const PIECE_BYTES = 1024 * 1024
/** The same for a look at the beginning of a file. */
const SPARING_PIECE_BYTES = 4096
/** The smallest piece that a disk reads or does not read. */
const SECTOR_BYTES = 512
/** A read that fails is tried so many times before its bytes count as unreadable. */
const ATTEMPTS_MAX = 2

/** Part of a file: from one byte up to, not including, another. */
export interface ByteRange {
  readonly from: number
  readonly to: number
}

/** Options of {@link SurveyFile}. */
export interface SurveyFileOptions {
  /** Size of the file: nothing behind it is looked at. Default: what reading it shows. */
  readonly sizeBytes?: number
  /** Told how many bytes were read for the first time. */
  readonly onBytes?: ((bytes: number) => void) | undefined
  /** Aborting makes the next read reject. */
  readonly signal?: AbortSignal | undefined
  /** Reads little at a time and nothing ahead, for a file of which only some bytes are wanted. */
  readonly isSparing?: boolean
}

interface Piece {
  readonly position: number
  readonly memory: Uint8Array
  readonly bytes: Promise<Uint8Array>
}

/**
 * A file as it is surveyed from its beginning to its end: read ahead by one piece, and read past what the disk does not
 * give. Bytes that it refuses with `EIO` are given as zeros and noted in {@link SurveyFile.unreadable}, to the sector.
 * Any other error of reading is passed on. Holds two pieces in memory, whatever the size of the file.
 */
export class SurveyFile implements AsyncDisposable {
  readonly #file: OpenFile
  readonly #options: SurveyFileOptions
  readonly #pieceBytes: number
  readonly #unreadable: ByteRange[] = []
  /** Memory of pieces that nobody looks at any more. */
  readonly #spare: Uint8Array[] = []
  #current: Piece | undefined
  #ahead: Piece | undefined
  /** Pieces from here on have not been counted yet. */
  #counted = 0

  constructor(file: OpenFile, options: SurveyFileOptions = {}) {
    this.#file = file
    this.#options = options
    this.#pieceBytes = options.isSparing === true ? SPARING_PIECE_BYTES : PIECE_BYTES
  }

  /** What the disk did not give so far, in order, neighbours joined. */
  get unreadable(): readonly ByteRange[] {
    return this.#unreadable
  }

  /** Forgets what was read ahead, because another process may have written since. */
  forget(): void {
    this.#current = undefined
    this.#ahead = undefined
  }

  /** Like `OpenFile.read`. */
  async read(target: Uint8Array, position: number): Promise<number> {
    let filled = 0
    while (filled < target.length) {
      const next = position + filled
      const piece = this.#pieceAt(next)
      const bytes = await piece.bytes
      const part = bytes.subarray(next - piece.position, next - piece.position + target.length - filled)
      target.set(part, filled)
      filled += part.length
      if (bytes.length < this.#pieceBytes && next + part.length >= piece.position + bytes.length) break
    }
    return filled
  }

  /** Waits for what is on its way, so that the file can be closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([this.#current?.bytes, this.#ahead?.bytes])
  }

  #pieceAt(position: number): Piece {
    const start = position - (position % this.#pieceBytes)
    if (this.#current?.position !== start) {
      // What was current has been read, and copied where it was wanted.
      if (this.#current !== undefined) this.#spare.push(this.#current.memory)
      this.#current = this.#ahead?.position === start ? this.#ahead : this.#load(start)
      this.#ahead = this.#options.isSparing === true ? undefined : this.#load(start + PIECE_BYTES)
    }
    return this.#current
  }

  #load(position: number): Piece {
    const { sizeBytes = Number.POSITIVE_INFINITY } = this.#options
    const wantedBytes = Math.max(0, Math.min(this.#pieceBytes, sizeBytes - position))
    const spare = this.#spare.pop()
    const memory = spare !== undefined && spare.length >= wantedBytes ? spare : new Uint8Array(wantedBytes)
    const bytes = this.#read(memory.subarray(0, wantedBytes), position)
    // Whoever waits for it hears of the failure; nobody may.
    bytes.catch(() => {})
    return { position, memory, bytes }
  }

  async #read(bytes: Uint8Array, position: number): Promise<Uint8Array> {
    throwIfAborted(this.#options.signal)
    const isNew = position >= this.#counted
    if (isNew) this.#counted = position + bytes.length
    const filled = bytes.length === 0 ? 0 : await this.#fill(bytes, position)
    if (isNew && filled > 0) this.#options.onBytes?.(filled)
    return bytes.subarray(0, filled)
  }

  /** Reads into `target`; halves what cannot be read until only bad sectors are left out. */
  async #fill(target: Uint8Array, position: number): Promise<number> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#file.read(target, position)
      } catch (error) {
        if (!isInputOutputError(error)) throw error
        if (attempt < ATTEMPTS_MAX) continue
      }
      if (target.length > SECTOR_BYTES) return this.#fillHalves(target, position)
      target.fill(0)
      this.#note(position, position + target.length)
      return Math.min(target.length, Math.max(0, (await this.#file.size()) - position))
    }
  }

  async #fillHalves(target: Uint8Array, position: number): Promise<number> {
    const half = Math.ceil(target.length / 2 / SECTOR_BYTES) * SECTOR_BYTES
    const first = await this.#fill(target.subarray(0, half), position)
    if (first < half) return first
    return half + (await this.#fill(target.subarray(half), position + half))
  }

  #note(from: number, to: number): void {
    if (this.#unreadable.some((range) => range.from <= from && to <= range.to)) return
    const before = this.#unreadable.findIndex((range) => range.to === from)
    if (before < 0) this.#unreadable.push({ from, to })
    else this.#unreadable[before] = { from: this.#unreadable[before]?.from ?? from, to }
    this.#unreadable.sort((left, right) => left.from - right.from)
  }
}

/** True if the disk did not give what was asked for: that says nothing about what is on it. */
export function isInputOutputError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EIO'
}
