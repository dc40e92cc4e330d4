import type { LogRecord } from './log.ts'

const decoder = new TextDecoder('latin1')

/** The latest offset of each key, for as many keys as it may hold. */
export class KeyIndex {
  readonly #offsets = new Map<string, number>()
  readonly #keysMax: number

  constructor(keysMax: number) {
    this.#keysMax = keysMax
  }

  /** Notes a record; false if its key is one too many. Records come in the order of their offsets. */
  note({ key, offset }: LogRecord): boolean {
    if (key === undefined) return true
    // One character a byte: the shortest text that is different for different keys.
    const text = decoder.decode(key)
    if (this.#offsets.size >= this.#keysMax && !this.#offsets.has(text)) return false
    this.#offsets.set(text, offset)
    return true
  }

  /** False if a later record of its key is known. One without key has no later one. */
  isLatest({ key, offset }: LogRecord): boolean {
    return key === undefined || (this.#offsets.get(decoder.decode(key)) ?? offset) <= offset
  }
}
