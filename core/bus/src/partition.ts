import { assert, errorText, isMillraceError, millraceError } from '@millrace/kernel'
import type { Message, NewMessage, PartitionInfo, ReadLimits } from './bus.ts'
import type { PartitionStore, Retention } from './bus-stores.ts'

const READ_LIMITS_DEFAULT: Required<ReadLimits> = { countMax: 1000, bytesMax: 1024 * 1024 }

/** What is done for every message that becomes readable; called synchronously, must not throw. */
export type Wake = () => void

/** A partition at work: its storage, its followers, and the epoch of its newest exclusive writer. */
export class Partition {
  readonly topic: string
  readonly index: number
  /** The newest exclusive writer's; 0 before the first one. */
  epoch = 0
  readonly #store: PartitionStore | undefined
  readonly #openFailure: unknown
  readonly #followers = new Set<Wake>()
  #writerTurn: Promise<unknown> = Promise.resolve()
  #trouble: string | undefined

  /** `store` is the storage, or the error that kept it from opening: only this partition suffers from it. */
  constructor(topic: string, index: number, store: PartitionStore | { readonly failure: unknown }) {
    this.topic = topic
    this.index = index
    this.#store = 'failure' in store ? undefined : store
    this.#openFailure = 'failure' in store ? store.failure : undefined
    if ('failure' in store) this.#trouble = errorText(store.failure)
  }

  /** False if the storage could not be opened. */
  get available(): boolean {
    return this.#store !== undefined
  }

  get startOffset(): number {
    return this.#store?.startOffset ?? 0
  }

  get endOffset(): number {
    return this.#store?.endOffset ?? 0
  }

  get info(): PartitionInfo {
    const trouble = this.#trouble ?? this.#store?.damage
    return {
      partition: this.index,
      startOffset: this.startOffset,
      endOffset: this.endOffset,
      bytes: this.#store?.bytes ?? 0,
      ...(trouble === undefined ? {} : { trouble }),
    }
  }

  /** The storage; `PARTITION_UNAVAILABLE` if it could not be opened. */
  get store(): PartitionStore {
    this.assertAvailable()
    return this.#store as PartitionStore
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
    try {
      const baseOffset = await this.store.append(messages, timestampMs)
      this.#trouble = undefined
      for (const wake of this.#followers) wake()
      return baseOffset
    } catch (error) {
      this.#trouble = errorText(error)
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

  /** Throws `PARTITION_UNAVAILABLE` if the storage could not be opened. */
  assertAvailable(): void {
    if (this.#store === undefined) throw this.unavailable(this.#openFailure)
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
    await this.#store?.setRetention(retention)
  }

  /** Never rejects: what keeps one partition from being trimmed is shown as its trouble and stops no other. */
  async applyRetention(nowMs: number): Promise<void> {
    try {
      await this.#store?.applyRetention(nowMs)
    } catch (error) {
      this.#trouble = errorText(error)
    }
  }

  async close(): Promise<void> {
    await this.#store?.close()
  }
}
