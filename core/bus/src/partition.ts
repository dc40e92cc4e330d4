import { assert, errorText, isMillraceError, millraceError } from '@millrace/kernel'
import type { Message, NewMessage, PartitionInfo, ReadLimits } from './bus.ts'
import type { PartitionStore, Retention } from './bus-stores.ts'
import { PartitionStorage, type StorageOpening } from './partition-storage.ts'

const READ_LIMITS_DEFAULT: Required<ReadLimits> = { countMax: 1000, bytesMax: 1024 * 1024 }

/** What is done for every message that becomes readable; called synchronously, must not throw. */
export type Wake = () => void

/** What a partition is made from; see {@link StorageOpening}. */
export interface PartitionOptions extends Pick<StorageOpening, 'topic' | 'index' | 'scheduler' | 'admit'> {
  readonly retention: Retention
  open(retention: Retention): Promise<PartitionStore>
}

/** A partition at work: its storage, its followers, and the epoch of its newest exclusive writer. */
export class Partition {
  readonly topic: string
  readonly index: number
  /** The newest exclusive writer's; 0 before the first one. */
  epoch = 0
  readonly #storage: PartitionStorage
  readonly #followers = new Set<Wake>()
  #writerTurn: Promise<unknown> = Promise.resolve()
  #trouble: string | undefined
  #retention: Retention

  /** {@link open} opens it. */
  constructor(options: PartitionOptions) {
    const { topic, index, retention, scheduler, open, admit } = options
    this.topic = topic
    this.index = index
    this.#retention = retention
    this.#storage = new PartitionStorage({
      topic,
      index,
      scheduler,
      admit,
      open: () => open(this.#retention),
      opened: (store) => this.#opened(store),
    })
  }

  /** False while the storage cannot be read. */
  get available(): boolean {
    return this.#storage.store !== undefined
  }

  /** As it was, while the storage cannot be read; 0 if it never could. */
  get startOffset(): number {
    return this.#storage.bounds.startOffset
  }

  /** See {@link startOffset}. */
  get endOffset(): number {
    return this.#storage.bounds.endOffset
  }

  get info(): PartitionInfo {
    const { store, failure, bounds } = this.#storage
    const trouble = failure === undefined ? (this.#trouble ?? store?.damage) : errorText(failure.error)
    return {
      partition: this.index,
      startOffset: bounds.startOffset,
      endOffset: bounds.endOffset,
      bytes: bounds.bytes,
      ...(trouble === undefined ? {} : { trouble }),
    }
  }

  /** The storage, to be read; `PARTITION_UNAVAILABLE` while that is not possible. */
  get store(): PartitionStore {
    this.assertAvailable()
    return this.#storage.store as PartitionStore
  }

  /** Opens the storage. If that fails, only this partition suffers from it, until a later try succeeds. */
  open(): Promise<void> {
    return this.#storage.open()
  }

  /** The storage cannot be used although it could be opened: it will be opened anew. */
  fail(error: unknown): void {
    this.#storage.fail(this.#storage.store, error)
  }

  /** A catalogue error as it is; anything else as `PARTITION_UNAVAILABLE`. */
  unavailable(error: unknown): Error {
    if (isMillraceError(error) && error.retryable) return error
    if (isMillraceError(error, 'LOG_CLOSED')) return millraceError('BUS_CLOSED', {}, { cause: error })
    const parameters = { topic: this.topic, partition: this.index, reason: errorText(error) }
    return millraceError('PARTITION_UNAVAILABLE', parameters, { cause: error })
  }

  /** Appends (in the order of the calls) and wakes the followers; resolves with the offset of the first message. */
  async append(messages: readonly NewMessage[], timestampMs: number): Promise<number> {
    assert(messages.length > 0, 'an append has messages')
    this.assertSound()
    const { store } = this
    try {
      const baseOffset = await store.append(messages, timestampMs)
      this.#storage.succeeded()
      this.#trouble = undefined
      for (const wake of this.#followers) wake()
      return baseOffset
    } catch (error) {
      this.#trouble = errorText(error)
      if (isMillraceError(error, 'LOG_STORAGE_FAILED')) this.#storage.fail(store, error)
      throw this.unavailable(error)
    }
  }

  /** Messages from `offset` on; empty at the end. `OFFSET_OUT_OF_RANGE` outside of what is held. */
  async read(offset: number, limits: ReadLimits = {}): Promise<readonly Message[]> {
    const { store } = this
    this.assertOffset(offset)
    if (offset === store.endOffset) return []
    const countMax = Math.max(1, limits.countMax ?? READ_LIMITS_DEFAULT.countMax)
    const bytesMax = Math.max(1, limits.bytesMax ?? READ_LIMITS_DEFAULT.bytesMax)
    try {
      return await store.read(offset, { countMax, bytesMax })
    } catch (error) {
      // Retention may have overtaken the read while it waited for the disk.
      this.assertOffset(offset)
      throw this.unavailable(error)
    }
  }

  /** Throws `PARTITION_UNAVAILABLE` while the storage cannot be read. */
  assertAvailable(): void {
    if (!this.available) throw this.unavailable(this.#storage.failure?.error)
  }

  /** Throws `PARTITION_UNAVAILABLE` while the storage cannot be written. */
  assertSound(): void {
    const { failure } = this.#storage
    if (failure !== undefined) throw this.unavailable(failure.error)
  }

  assertOffset(offset: number): void {
    if (Number.isSafeInteger(offset) && offset >= this.startOffset && offset <= this.endOffset) return
    const { topic, index: partition, startOffset: start, endOffset: end } = this
    throw millraceError('OFFSET_OUT_OF_RANGE', { topic, partition, offset, start, end })
  }

  /** The same for a position to go on from: it may be below the start, where retention has overtaken a slow reader. */
  assertNotBeyond(offset: number): void {
    if (!this.available || (Number.isSafeInteger(offset) && offset >= 0 && offset < this.startOffset)) return
    this.assertOffset(offset)
  }

  /** Calls `wake` after every append, until {@link unfollow}. */
  follow(wake: Wake): void {
    this.#followers.add(wake)
  }

  unfollow(wake: Wake): void {
    this.#followers.delete(wake)
  }

  /** Runs `task` when all earlier tasks have ended: exclusive writers append and take over one at a time. */
  inWriterTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#writerTurn.then(task)
    this.#writerTurn = result.catch(() => undefined)
    return result
  }

  async setRetention(retention: Retention): Promise<void> {
    this.#retention = retention
    await this.#storage.store?.setRetention(retention)
  }

  /** Never rejects: what keeps one partition from being trimmed is shown as its trouble and stops no other. */
  async applyRetention(nowMs: number): Promise<void> {
    const { store } = this.#storage
    try {
      await store?.applyRetention(nowMs)
    } catch (error) {
      if (store === this.#storage.store) this.#trouble = errorText(error)
    }
  }

  close(): Promise<void> {
    return this.#storage.close()
  }

  /** It is there again: with the retention of now, and perhaps with more than its readers have seen. */
  async #opened(store: PartitionStore): Promise<void> {
    this.#trouble = undefined
    for (const wake of this.#followers) wake()
    await store.setRetention(this.#retention)
  }
}
