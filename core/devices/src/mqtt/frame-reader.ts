/** What {@link FrameReader.next} found. */
export type FrameResult =
  | { readonly kind: 'frame'; readonly bytes: Uint8Array }
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'oversize'; readonly seenBytes: number }
  | { readonly kind: 'malformed'; readonly reason: string }

const INCOMPLETE = { kind: 'incomplete' } as const
const NO_BYTES = new Uint8Array(0)
/** Four bytes is the longest form. Source: MQTT 5, section 1.5.5. */
const LENGTH_BYTES_MAX = 4

/**
 * Cuts a byte stream into whole MQTT packets. A packet that announces itself as too large is refused by its first
 * bytes, before any of it is stored; what is stored is at most one packet and one chunk.
 */
export class FrameReader {
  /** May be changed between two packets. */
  packetBytesMax: number
  #bytes: Uint8Array = NO_BYTES
  #start = 0
  #end = 0
  /** True if `#bytes` was made here, so that its free end may be filled. */
  #owned = false

  constructor(packetBytesMax: number) {
    this.packetBytesMax = packetBytesMax
  }

  /** Adds what came in; the reader owns the chunk from now on. */
  push(chunk: Uint8Array): void {
    if (this.#start === this.#end) {
      this.#bytes = chunk
      this.#start = 0
      this.#end = chunk.length
      this.#owned = false
      return
    }
    if (!this.#owned || this.#bytes.length - this.#end < chunk.length) this.#grow(chunk.length)
    this.#bytes.set(chunk, this.#end)
    this.#end += chunk.length
  }

  /** The next whole packet as a view that stays valid, or why there is none. */
  next(): FrameResult {
    const length = this.#remainingLength()
    if (length === undefined) return INCOMPLETE
    if (length.value < 0) return { kind: 'malformed', reason: 'a remaining length of more than four bytes' }
    const frameBytes = 1 + length.bytes + length.value
    if (frameBytes > this.packetBytesMax) return { kind: 'oversize', seenBytes: frameBytes }
    if (this.#end - this.#start < frameBytes) return INCOMPLETE
    const bytes = this.#bytes.subarray(this.#start, this.#start + frameBytes)
    this.#start += frameBytes
    if (this.#start === this.#end) this.#bytes = NO_BYTES
    if (this.#start === this.#end) this.#start = this.#end = 0
    return { kind: 'frame', bytes }
  }

  /** The variable byte integer after the first byte; -1 if it is too long. Source: MQTT 5, section 1.5.5. */
  #remainingLength(): { readonly value: number; readonly bytes: number } | undefined {
    let value = 0
    for (let index = 0; index < LENGTH_BYTES_MAX; index += 1) {
      const at = this.#start + 1 + index
      if (at >= this.#end) return undefined
      const byte = this.#bytes[at] ?? 0
      value += (byte & 0x7f) * 2 ** (7 * index)
      if ((byte & 0x80) === 0) return { value, bytes: index + 1 }
    }
    return { value: -1, bytes: LENGTH_BYTES_MAX }
  }

  /** Doubles, so that a packet that drips in byte by byte costs no more than one that comes at once. */
  #grow(addedBytes: number): void {
    const leftBytes = this.#end - this.#start
    const grown = new Uint8Array(Math.max(64, 2 * (leftBytes + addedBytes)))
    grown.set(this.#bytes.subarray(this.#start, this.#end))
    this.#bytes = grown
    this.#start = 0
    this.#end = leftBytes
    this.#owned = true
  }
}
