import type { Connection } from './listener.ts'

/** Larger pieces are written by themselves: copying them together would cost more than a second write. */
const GATHER_BYTES_MAX = 16 * 1024

/** Gathers what is sent to one connection within a turn into one write: a system call a turn, not one a packet. */
export class OutputBuffer {
  readonly #connection: Connection
  #parts: Uint8Array[] = []
  #bytes = 0
  #isScheduled = false

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Bytes that the other side has not taken yet. */
  get waitingBytes(): number {
    return this.#bytes + this.#connection.bufferedBytes
  }

  send(bytes: Uint8Array): void {
    this.#parts.push(bytes)
    this.#bytes += bytes.length
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.flush()
    })
  }

  /** Hands everything to the connection now. */
  flush(): void {
    if (this.#parts.length === 0) return
    const parts = this.#parts
    this.#parts = []
    const gathered = this.#bytes <= GATHER_BYTES_MAX ? [together(parts, this.#bytes)] : parts
    this.#bytes = 0
    for (const part of gathered) this.#connection.write(part)
  }
}

function together(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const [first] = parts
  if (parts.length === 1 && first !== undefined) return first
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
