import { abortReason } from '@millrace/kernel'

/** How often the file is asked for events that another process has appended. */
const POLL_MS = 250

interface Waiter {
  readonly position: number
  readonly wake: () => void
}

/**
 * Those who wait for events. Commits of this process wake them at once; for those of other processes the file is asked
 * now and then, as long as anybody waits.
 */
export class EventWaiters {
  readonly #findEnd: () => Promise<number>
  readonly #waiting = new Set<Waiter>()
  #timer: NodeJS.Timeout | undefined
  #isAsking = false
  #end = 0

  /** `findEnd` asks the file for the position of the last event. */
  constructor(findEnd: () => Promise<number>) {
    this.#findEnd = findEnd
  }

  /** There are events up to `end`. */
  wake(end: number): void {
    this.#end = Math.max(this.#end, end)
    for (const waiter of [...this.#waiting]) if (waiter.position < this.#end) waiter.wake()
  }

  /** Wakes everybody, whatever they wait for. */
  end(): void {
    for (const waiter of [...this.#waiting]) waiter.wake()
  }

  /** Resolves when there may be events behind `position`, or the time is over. Rejects with the signal's reason. */
  async wait(
    position: number,
    { waitMsMax, signal }: { waitMsMax: number; signal?: AbortSignal },
  ): Promise<void> {
    if (signal?.aborted) throw abortReason(signal)
    if (this.#end > position) return
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timeout)
        signal?.removeEventListener('abort', onAbort)
        this.#waiting.delete(waiter)
        if (this.#waiting.size === 0) this.#stopPolling()
        settle()
      }
      const waiter = { position, wake: () => end(resolve) }
      const onAbort = () => end(() => reject(abortReason(signal as AbortSignal)))
      const timeout = setTimeout(waiter.wake, waitMsMax)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(waiter)
      this.#poll()
    })
  }

  /** Asks the file, and again after a while, as long as anybody waits. */
  #poll(): void {
    if (this.#isAsking || this.#timer !== undefined) return
    this.#isAsking = true
    this.#findEnd()
      .then((end) => this.wake(end))
      // Whoever waits reads again when the time is over, and is told the error then.
      .catch(() => {})
      .finally(() => {
        this.#isAsking = false
        if (this.#waiting.size > 0) this.#timer = setTimeout(() => this.#pollAgain(), POLL_MS)
      })
  }

  #pollAgain(): void {
    this.#timer = undefined
    this.#poll()
  }

  #stopPolling(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
