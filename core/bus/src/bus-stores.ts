import type { Table } from '@millrace/log'
import type { Message, NewMessage, ReadLimits, TopicSettings } from './bus.ts'

/**
 * Where an embedded bus keeps what it is given: the seam between its rules ({@link EmbeddedBus}), which are the same
 * everywhere, and its storage, which is a durable log or plain memory.
 */
export interface BusStores {
  /** Name of the engine, and whether what it stores survives a power cut. */
  readonly engine: string
  readonly durable: boolean
  /** Bytes of messages, as they are stored, that one append of a partition and one put into a table take. Default: any. */
  readonly appendBytesMax?: number
  /** Opens the storage of a partition, new or kept. */
  openPartition(topic: string, partition: number, retention: Retention): Promise<PartitionStore>
  /** Topics with their settings and writer epochs. */
  readonly topics: Table
  /** Committed positions of groups. */
  readonly positions: Table
  /** Messages that wait for their time. */
  readonly delayed: Table
}

export type Retention = NonNullable<TopicSettings['retention']>

/** An idempotency key as it was found in a partition. */
export interface StoredKey {
  readonly idempotencyKey: string
  readonly offset: number
  readonly timestampMs: number
}

/** What a part of a partition says about idempotency keys, in the order of offsets. */
export interface KeyScan {
  readonly keys: readonly StoredKey[]
  /** When its first message was accepted; undefined if there is none. */
  readonly oldestMs: number | undefined
}

/** The messages of one partition. */
export interface PartitionStore {
  readonly startOffset: number
  /** Behind the last durable message. */
  readonly endOffset: number
  readonly bytes: number
  /** What was lost before it was opened, for people. */
  readonly damage?: string | undefined
  /**
   * Appends in the order of the calls, each call all or none; resolves with the first offset when all are durable.
   * Does not keep `messages` or anything in them after the call has returned. Rejects with `LOG_STORAGE_FAILED` when
   * nothing more will be written before the partition is opened anew.
   */
  append(messages: readonly NewMessage[], timestampMs: number): Promise<number>
  /** From `offset` on, which is between start and end; at least one if there is one. */
  read(offset: number, limits: Required<ReadLimits>): Promise<readonly Message[]>
  /** The idempotency keys of the messages from one offset up to, not including, another. */
  scanKeys(from: number, to: number): Promise<KeyScan>
  /** From now on, and for what is stored already. */
  setRetention(retention: Retention): Promise<void>
  applyRetention(nowMs: number): Promise<void>
  /** Rejects unless the storage takes writes: asked before a store that has failed is closed and opened anew. */
  probe?(): Promise<void>
  /** Finishes appends in flight, then closes. */
  close(): Promise<void>
}
