import { abortReason } from '@millrace/kernel'

interface EndWaiter {
  readonly offset: number
  resolve(): void
  reject(error: unknown): void
}

/** Those who wait for a record that is not there yet. */
export class EndWaiters {
  readonly #waiters = new Set<EndWaiter>()
  readonly #hasRecordAt: (offset: number) => boolean

  /** `hasRecordAt` tells whether there is a record at an offset or behind it. */
  constructor(hasRecordAt: (offset: number) => boolean) {
    this.#hasRecordAt = hasRecordAt
  }

  /** How many wait now. */
  get count(): number {
    return this.#waiters.size
  }

  /** See `ReadableLog.waitBeyond`. */
  wait(offset: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw abortReason(signal)
      if (this.#hasRecordAt(offset)) return resolve()
      const settle = (end: () => void) => {
        signal?.removeEventListener('abort', onAbort)
        this.#waiters.delete(waiter)
        end()
      }
      const onAbort = () => settle(() => reject(abortReason(signal)))
      const waiter = {
        offset,
        resolve: () => settle(resolve),
        reject: (error: unknown) => settle(() => reject(error)),
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiters.add(waiter)
    })
  }

  /** There may be more than before. */
  wake(): void {
    for (const waiter of [...this.#waiters]) if (this.#hasRecordAt(waiter.offset)) waiter.resolve()
  }

  /** Nothing will come any more. */
  end(error: unknown): void {
    for (const waiter of [...this.#waiters]) waiter.reject(error)
  }
}
