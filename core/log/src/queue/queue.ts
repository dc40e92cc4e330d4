import type { Runtime } from '@millrace/kernel'
import type { Files } from '../files.ts'
import type { Durability, LogGap, ReadLimits } from '../log.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { DropLog, DropTotals } from './drop-log.ts'

/** What happens to a put when the quota is used up. */
export type WhenFull = 'block' | 'reject' | 'drop-oldest' | 'drop-lowest-priority'

/**
 * How much a queue may hold. What counts is what the consumer that is furthest behind has still before it; without a
 * consumer, everything that has not been dropped. Recomputed from the logs when the queue is opened.
 */
export interface QueueQuota {
  /** Bytes as they are stored, from the oldest unfinished item of each lane on. Default: no limit. */
  readonly bytesMax?: number
  /** Items. Default: no limit. */
  readonly countMax?: number
  /** Items that were put longer ago than this are dropped, whatever `whenFull` says. Default: no limit. */
  readonly ageMsMax?: number
  /** Default: `block`. */
  readonly whenFull?: WhenFull
}

/** Options of {@link openQueue}. */
export interface QueueOptions {
  readonly files: Files
  readonly directory: string
  readonly runtime: Runtime
  /** Names of the lanes, the most urgent first. Each is a log of its own. Default: `['normal']`. */
  readonly lanes?: readonly string[]
  readonly quota?: QueueQuota
  /** How often an item is handed out before it goes to the dead letters. Default: 10. */
  readonly deliveriesMax?: number
  /** Key and value of one item, in bytes. Default: 1 MiB, or a quarter of the quota. */
  readonly itemBytesMax?: number
  /** Size of a lane's segments, which is what is given back to the disk at once. Default: a 32nd of the quota, from 64 KiB to 16 MiB, and never too small for four items. */
  readonly segmentBytesMax?: number
  /**
   * Items of one consumer and lane between the first that is not done and the last that was looked at: under lease,
   * delayed, or behind another item with their key. It bounds leases, tracked deliveries and out-of-order ranges alike;
   * nothing further is handed out before one of them is done. Default: 10,000.
   */
  readonly openItemsMax?: number
  /** Calls of `put` that may wait for room. Default: 1,000. */
  readonly waitingPutsMax?: number
  /** Calls of `take` of one consumer that may wait for items. Default: 1,000. */
  readonly waitingTakesMax?: number
  /** Consumers that may be registered. Default: 100. */
  readonly consumersMax?: number
  /** Dead letters beyond this size make the oldest go, which is recorded. Default: 64 MiB. */
  readonly deadLetterBytesMax?: number
  /** Records of drops beyond this size are forgotten, oldest first; their totals are not. Default: 1 MiB. */
  readonly dropRecordBytesMax?: number
  /** A file that is given up when the disk is full, so that acknowledgements and drops can be written. Default: 256 KiB. */
  readonly reserveBytes?: number
}

/** An item to be put. The queue does not look into the value. */
export interface NewItem {
  readonly value: Uint8Array
  /** Items with one key are handed out in order, one at a time for each consumer. Default: no such order. */
  readonly key?: string
  /** Default: the last of the queue's lanes if it has no lane `normal`. */
  readonly lane?: string
  /** Not handed out from then on, milliseconds since 1970 by the wall clock. */
  readonly expiresAtMs?: number
  /** Not handed out before, milliseconds since 1970 by the wall clock; items with its key wait behind it. */
  readonly notBeforeMs?: number
}

/** Options of {@link Queue.put}. */
export interface PutOptions {
  readonly signal?: AbortSignal
  /** Default: `disk`. */
  readonly durability?: Durability
}

/** Where an item stands. */
export interface ItemPlace {
  readonly lane: string
  readonly offset: number
}

/** An item as it was stored. */
export interface StoredItem extends ItemPlace {
  readonly key: string | undefined
  readonly value: Uint8Array
  /** When it was put, milliseconds since 1970. */
  readonly putAtMs: number
  readonly expiresAtMs: number | undefined
  readonly notBeforeMs: number | undefined
}

/** An item under lease. */
export interface QueueItem extends StoredItem {
  /** How often it has been handed out to this consumer, this time included. */
  readonly deliveries: number
  /** Names the lease; only the newest of an item can settle it. */
  readonly lease: number
}

/** An item that was looked at only. */
export interface PeekedItem extends StoredItem {
  readonly deliveries: number
  /** `waiting`: would be handed out; `leased`; `delayed` until its time; `blocked` by another one with its key. */
  readonly state: 'waiting' | 'leased' | 'delayed' | 'blocked'
}

export interface TakeOptions {
  /** Default: 100. */
  readonly countMax?: number
  /** Bytes of values; at least one item comes. Default: 1 MiB. */
  readonly bytesMax?: number
  /** From when it is handed out. Default: 30,000. */
  readonly leaseMs?: number
  /** Lanes to take from. Default: all, the most urgent first. */
  readonly lanes?: readonly string[]
  /** Answers an empty list after so long, if by then nothing was found; 0 looks once. Default: waits for an item. */
  readonly waitMsMax?: number
  /** Gives up the wait; nothing stays under lease. */
  readonly signal?: AbortSignal
}

export interface RejectOptions {
  /** For people; kept in the dead letter, cut to 2,000 characters. */
  readonly reason: string
  /** Default: 1 s after the first delivery, twice as long after each further one, at most 60 s. */
  readonly retryAfterMs?: number
  /** False sends it to the dead letters now. Default: true. */
  readonly retry?: boolean
}

/** What became of a call that settles items. */
export interface Settled {
  readonly count: number
  /** Items whose lease had ended and that were handed out again, finished or dropped: nothing was changed for them. */
  readonly lost: readonly QueueItem[]
}

/** Where a consumer goes on: an offset for some lanes, or in all lanes the first item put at or after a time. */
export type SeekTarget = { readonly offsets: Readonly<Record<string, number>> } | { readonly timeMs: number }

/**
 * A reader with a durable cursor of its own: every consumer sees every item (fan-out), and the calls of `take` of one
 * consumer compete for them. An item is done for it when its acknowledgement is durable, not before; until then it
 * comes again: after its lease, after a crash, after `reject`.
 */
export interface QueueConsumer extends AsyncDisposable {
  readonly name: string
  /**
   * Hands out items under a lease, at least one unless `waitMsMax` passes: higher lanes first, in the order in which they
   * were put; of items with one key only one at a time. That they are handed out is recorded before, so that an item
   * that ends the process each time goes to the dead letters, too. If the disk is too full for that, it is counted in
   * memory only, and the status says so. A call that waits does not keep the process alive by itself.
   *
   * @throws QUEUE_CLOSED; QUEUE_OPTION_INVALID; QUEUE_LANE_UNKNOWN; QUEUE_WAITERS_TOO_MANY; errors of reading if no
   * lane can be read; the reason of `signal`
   */
  take(options?: TakeOptions): Promise<readonly QueueItem[]>
  /**
   * Done: never comes again. Durable on return.
   *
   * @throws QUEUE_CLOSED; DISK_FULL, LOG_STORAGE_FAILED (they are as before the call)
   */
  acknowledge(items: readonly QueueItem[]): Promise<Settled>
  /** Failed: comes again later, or goes to the dead letters if it was the last delivery. Durable on return. */
  reject(items: readonly QueueItem[], options: RejectOptions): Promise<Settled>
  /** Not now: comes again after `delayMs`, and this delivery does not count. Durable on return. */
  delay(items: readonly QueueItem[], delayMs: number): Promise<Settled>
  /** Leases end `leaseMs` from now instead. In memory, as leases are. */
  extend(items: readonly QueueItem[], leaseMs: number): Settled
  /** What is not done, from the oldest of each lane on, without a lease. */
  peek(options?: ReadLimits & { readonly lanes?: readonly string[] }): Promise<readonly PeekedItem[]>
  /**
   * Goes on from another place, durable on return. What is skipped is recorded as dropped for this consumer; what comes
   * again (as far as it is still there) comes as if for the first time. Leases end.
   *
   * @throws QUEUE_CLOSED, QUEUE_LANE_UNKNOWN, QUEUE_OPTION_INVALID
   */
  seek(target: SeekTarget): Promise<void>
  /** Puts what is under lease back without counting it. The cursor stays and keeps its items; see `removeConsumer`. */
  close(): Promise<void>
}

/** One in-process queue on logs: durable when acknowledged, in both directions. */
export interface Queue extends AsyncDisposable {
  readonly lanes: readonly string[]
  /** What was dropped, and why. */
  readonly drops: Pick<DropLog, 'totals' | 'read'>
  readonly deadLetters: Pick<DeadLetters, 'count' | 'bytes' | 'read' | 'replay' | 'remove'>
  /**
   * Puts items in order; durable on return, unless a weaker `durability` than `disk` is asked for: then a power cut may
   * lose them, and nobody will know of which. The items of one lane are stored all or none; if the call fails, those of
   * another lane may be there. Aborting gives up the wait: what has not found room yet is not put.
   *
   * @throws QUEUE_LANE_UNKNOWN, QUEUE_ITEM_INVALID, QUEUE_PUT_TOO_LARGE; QUEUE_QUOTA_EXCEEDED (`reject`, or nothing of
   * lower priority is left to be dropped); QUEUE_WAITERS_TOO_MANY; DISK_FULL (goes on when there is space);
   * LOG_STORAGE_FAILED; QUEUE_CLOSED
   */
  put(items: readonly NewItem[], options?: PutOptions): Promise<readonly ItemPlace[]>
  /**
   * Opens a consumer; it is registered durably the first time. `from` (default: `start`) counts then only: the oldest
   * item that is there, or only what is put from now on.
   *
   * @throws QUEUE_NAME_INVALID, QUEUE_CONSUMER_BUSY (it is open), QUEUE_LIMIT_REACHED, QUEUE_CLOSED, errors of writing
   */
  consumer(name: string, options?: { readonly from?: 'start' | 'end' }): Promise<QueueConsumer>
  /** Forgets a consumer that is not open, with its cursor; what only it needed is given back. QUEUE_CONSUMER_UNKNOWN. */
  removeConsumer(name: string): Promise<void>
  /** Items of any lane on disk, done or not, from `offset` on. QUEUE_LANE_UNKNOWN, LOG_OFFSET_OUT_OF_RANGE. */
  read(lane: string, offset: number, limits?: ReadLimits): Promise<readonly StoredItem[]>
  status(): QueueStatus
  /** Ends waiting calls with QUEUE_CLOSED, finishes what is being written, and gives the locks back. Idempotent. */
  close(): Promise<void>
}

/** Something an operator should know. Kept in memory, the newest hundred. */
export interface QueueAlarm {
  readonly kind:
    | 'cursor-beyond-end'
    | 'state-damaged'
    | 'items-lost'
    | 'unknown-lane'
    | 'lane-failed'
    | 'space-not-freed'
    | 'deliveries-not-recorded'
  readonly atMs: number
  /** What was seen and what it means, for people. */
  readonly text: string
}

export interface LaneStatus {
  readonly lane: string
  /** False for a lane that is on disk but not in the options: its items are kept, readable, and not handed out. */
  readonly isListed: boolean
  /** The oldest item that some consumer needs. */
  readonly headOffset: number
  readonly startOffset: number
  readonly endOffset: number
  /** Items that count towards the quota. */
  readonly count: number
  readonly bytes: number
  readonly diskBytes: number
  readonly gaps: readonly LogGap[]
}

export interface ConsumerLaneStatus {
  readonly lane: string
  /** Every item before it is done. */
  readonly doneBefore: number
  /** Items that are not done. */
  readonly outstanding: number
  readonly outOfOrderRanges: number
  /** Looked at and not done: the sum of the next three, and those that are ready. At most `openItemsMax`. */
  readonly open: number
  readonly leased: number
  readonly delayed: number
  readonly blocked: number
}

export interface ConsumerStatus {
  readonly consumer: string
  readonly isOpen: boolean
  readonly waitingTakes: number
  readonly lanes: readonly ConsumerLaneStatus[]
}

export interface QueueStatus {
  readonly lanes: readonly LaneStatus[]
  readonly consumers: readonly ConsumerStatus[]
  /** Of the listed lanes together, as the quota sees them. */
  readonly count: number
  readonly bytes: number
  readonly waitingPuts: number
  readonly deadLetters: { readonly count: number; readonly bytes: number }
  readonly drops: DropTotals
  /** The last write did not find space. */
  readonly isDiskFull: boolean
  readonly alarms: readonly QueueAlarm[]
}
