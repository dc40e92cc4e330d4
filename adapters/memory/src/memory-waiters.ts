import { abortReason, type Scheduler } from '@millrace/kernel'

/** Those who wait for events. */
export class MemoryWaiters {
  readonly #scheduler: Scheduler | undefined
  readonly #waiting = new Set<{ readonly position: number; readonly wake: () => void }>()

  constructor(scheduler: Scheduler | undefined) {
    this.#scheduler = scheduler
  }

  /** Resolves when there is an event behind `position`, when the time is over, or when the database closes. */
  wait(position: number, { waitMsMax, signal }: { waitMsMax: number; signal?: AbortSignal }): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortReason(signal))
      const end = (settle: () => void) => {
        this.#waiting.delete(waiter)
        cancel?.()
        signal?.removeEventListener('abort', onAbort)
        settle()
      }
      const waiter = { position, wake: () => end(resolve) }
      const onAbort = () => end(() => reject(abortReason(signal)))
      const cancel = this.#scheduler?.after(waitMsMax, waiter.wake)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(waiter)
    })
  }

  /** There are events up to `end` now. */
  wake(end: number): void {
    for (const waiter of [...this.#waiting]) if (waiter.position < end) waiter.wake()
  }
}
