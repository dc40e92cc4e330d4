import { abortReason, type Cancel, millraceError, type Scheduler } from '@millrace/kernel'
import type { QueueItem, TakeOptions } from './queue.ts'

/** A call of `take` that waits. */
export interface Taker {
  readonly countMax: number
  readonly bytesMax: number
  readonly leaseMs: number
  readonly lanes: readonly string[] | undefined
  /** True when its caller has its answer. */
  readonly isSettled: boolean
  /** True when it has waited long enough: it takes what is there, or nothing. */
  readonly isDue: boolean
  resolve(items: readonly QueueItem[]): void
  reject(error: unknown): void
}

const COUNT_MAX_DEFAULT = 100
const BYTES_MAX_DEFAULT = 1024 * 1024
const LEASE_MS_DEFAULT = 30_000

/** The takers of one consumer, in the order in which they came. */
export class TakeLine {
  readonly #scheduler: Scheduler
  readonly #countMax: number
  readonly #onDue: () => void
  readonly #takers = new Set<Taker>()

  constructor(scheduler: Scheduler, countMax: number, onDue: () => void) {
    this.#scheduler = scheduler
    this.#countMax = countMax
    this.#onDue = onDue
  }

  get size(): number {
    return this.#takers.size
  }

  get all(): readonly Taker[] {
    return [...this.#takers]
  }

  /** Joins the line; the promise settles when the taker does. QUEUE_WAITERS_TOO_MANY. */
  join(options: TakeOptions): Promise<readonly QueueItem[]> {
    const { signal, waitMsMax } = options
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw abortReason(signal)
      if (this.#takers.size >= this.#countMax) {
        const setting = 'waitingTakesMax'
        throw millraceError('QUEUE_WAITERS_TOO_MANY', { what: 'takes', limit: this.#countMax, setting })
      }
      let cancel: Cancel | undefined
      let isSettled = false
      let isDue = waitMsMax === 0
      const settle = (end: () => void) => {
        if (isSettled) return
        isSettled = true
        cancel?.()
        signal?.removeEventListener('abort', onAbort)
        this.#takers.delete(taker)
        end()
      }
      const onAbort = () => settle(() => reject(abortReason(signal)))
      const taker: Taker = {
        countMax: options.countMax ?? COUNT_MAX_DEFAULT,
        bytesMax: options.bytesMax ?? BYTES_MAX_DEFAULT,
        leaseMs: options.leaseMs ?? LEASE_MS_DEFAULT,
        lanes: options.lanes,
        get isSettled() {
          return isSettled
        },
        get isDue() {
          return isDue
        },
        resolve: (items) => settle(() => resolve(items)),
        reject: (error) => settle(() => reject(error)),
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      const onDue = () => {
        isDue = true
        this.#onDue()
      }
      if (waitMsMax !== undefined && !isDue) cancel = this.#scheduler.after(waitMsMax, onDue)
      this.#takers.add(taker)
    })
  }

  /** It is being served: nobody else serves it. */
  leave(taker: Taker): void {
    this.#takers.delete(taker)
  }

  /** Back to the front: what it was to get was taken away. */
  rejoin(taker: Taker): void {
    const others = [...this.#takers]
    this.#takers.clear()
    this.#takers.add(taker)
    for (const other of others) this.#takers.add(other)
  }

  /** Lets those go that have waited long enough, when it is known that there is nothing for them. */
  sendDueAway(): void {
    for (const taker of this.#takers) if (taker.isDue) taker.resolve([])
  }

  rejectAll(error: unknown): void {
    for (const taker of this.#takers) taker.reject(error)
  }
}
