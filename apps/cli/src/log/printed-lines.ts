import type { Writable } from 'node:stream'
import { throwIfAborted } from '@millrace/kernel'

/**
 * Lines on their way to a stream that may be slower than we are, or go away: whoever writes waits until the stream has
 * room, and is told when nobody reads any more (`millrace log dump … | head`).
 */
export class PrintedLines {
  readonly #stream: Writable
  readonly #signal: AbortSignal
  #isClosed = false
  #goOn: (() => void) | undefined

  /** Aborting `signal` ends a wait. */
  constructor(stream: Writable, signal: AbortSignal) {
    this.#stream = stream
    this.#signal = signal
    const close = () => {
      this.#isClosed = true
      this.#goOn?.()
    }
    stream.on('error', close)
    stream.on('close', close)
    stream.on('drain', () => this.#goOn?.())
    signal.addEventListener('abort', () => this.#goOn?.())
  }

  /** False when nobody reads any more; rejects when the signal has aborted. */
  async write(text: string): Promise<boolean> {
    if (this.#isClosed) return false
    if (!this.#stream.write(text)) {
      await new Promise<void>((resolve) => {
        this.#goOn = resolve
      })
      this.#goOn = undefined
    }
    throwIfAborted(this.#signal)
    return !this.#isClosed
  }
}
