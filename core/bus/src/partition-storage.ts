import {
  type Cancel,
  isMillraceError,
  type MillraceError,
  millraceError,
  type Scheduler,
} from '@millrace/kernel'
import type { PartitionStore } from './bus-stores.ts'

const PAUSE_MS_MIN = 1_000
const PAUSE_MS_MAX = 60_000

/** How the storage of a partition is opened, at first and after every failure. */
export interface StorageOpening {
  readonly topic: string
  readonly index: number
  readonly scheduler: Scheduler
  open(): Promise<PartitionStore>
  /** Reads what must be known of a store before anybody may append to it; what is before `knownTo` was known. */
  admit(store: PartitionStore, knownTo: number): Promise<void>
  /** Called when the storage is there again. */
  opened(store: PartitionStore): Promise<void>
}

interface Bounds {
  readonly startOffset: number
  readonly endOffset: number
  readonly bytes: number
}

/**
 * The storage of a partition over its failures. What could not be opened, or has failed while it was written, is opened
 * anew, with pauses that double from a second to a minute, until that works or the partition is closed.
 *
 * States: sound (a store, no failure) → failed (a store that is read but takes nothing more) → closed (no store, and the
 * failure) → sound. A failed store is closed only when its disk takes writes again, because it can still be read.
 * What it had acknowledged is in the store that is opened then; what was in doubt was rejected to its publisher, and is
 * there or not. While there is no store, nothing is appended; the bounds stay what they were.
 */
export class PartitionStorage {
  readonly #opening: StorageOpening
  #store: PartitionStore | undefined
  #failure: { readonly error: unknown } | undefined
  #lastBounds: Bounds = { startOffset: 0, endOffset: 0, bytes: 0 }
  #pauseMs = PAUSE_MS_MIN
  #cancel: Cancel | undefined
  /** Never rejects. */
  #attempt: Promise<void> | undefined
  #closed = false

  constructor(opening: StorageOpening) {
    this.#opening = opening
  }

  /** Undefined while it cannot be read. */
  get store(): PartitionStore | undefined {
    return this.#store
  }

  /** What keeps it from being written. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  /** Of the store, or as they were when there was one. */
  get bounds(): Bounds {
    return this.#store ?? this.#lastBounds
  }

  /** Opens it for the first time, without {@link StorageOpening.admit}. Never rejects. */
  async open(): Promise<void> {
    try {
      this.#store = await this.#opening.open()
    } catch (error) {
      this.fail(undefined, error)
    }
  }

  /** `store` takes nothing more, or could not be opened: it will be opened anew. */
  fail(store: PartitionStore | undefined, error: unknown): void {
    if (store !== this.#store || this.#failure !== undefined) return
    this.#failure = { error }
    if (store !== undefined || !isForGood(error)) this.#retryLater()
  }

  /** `store` took something: should it fail, it is opened anew soon. */
  succeeded(): void {
    this.#pauseMs = PAUSE_MS_MIN
  }

  /** Stops trying, then closes the store. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancel?.()
    await this.#attempt
    await this.#store?.close()
  }

  #retryLater(): void {
    if (this.#closed) return
    this.#cancel = this.#opening.scheduler.after(this.#pauseMs, () => {
      this.#attempt = this.#openAnew()
    })
    this.#pauseMs = Math.min(PAUSE_MS_MAX, 2 * this.#pauseMs)
  }

  async #openAnew(): Promise<void> {
    try {
      await this.#giveUpFailed()
      const store = await this.#openAdmitted()
      this.#store = store
      this.#failure = undefined
      await this.#opening.opened(store)
    } catch (error) {
      this.#failure = { error }
      if (!isForGood(error)) this.#retryLater()
    }
  }

  async #giveUpFailed(): Promise<void> {
    const failed = this.#store
    if (failed === undefined) return
    await failed.probe?.()
    const { startOffset, endOffset, bytes } = failed
    this.#lastBounds = { startOffset, endOffset, bytes }
    this.#store = undefined
    // What it could not write is in doubt already; its lock is given back whatever happens.
    await failed.close().catch(() => undefined)
  }

  async #openAdmitted(): Promise<PartitionStore> {
    const store = await this.#opening.open()
    try {
      if (store.endOffset < this.#lastBounds.endOffset) throw this.#shortened(store.endOffset)
      await this.#opening.admit(store, this.#lastBounds.endOffset)
      return store
    } catch (error) {
      await store.close().catch(() => undefined)
      throw error
    }
  }

  /** Somebody has taken its files away while it worked: to go on would give the same offsets to other messages. */
  #shortened(endOffset: number): MillraceError {
    const { topic, index: partition } = this.#opening
    const reason = `it ends at offset ${endOffset}, and has ended at ${this.#lastBounds.endOffset}`
    return millraceError('PARTITION_UNAVAILABLE', { topic, partition, reason })
  }
}

/** An error that stays whatever time passes: a directory of a newer version, say. */
function isForGood(error: unknown): boolean {
  return isMillraceError(error) && !error.retryable
}
