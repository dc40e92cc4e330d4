import type { Cancel, Runtime } from '@millrace/kernel'
import type { ReadLimits } from '../log.ts'
import type { CursorWriter } from './cursor-writer.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { DropLog } from './drop-log.ts'
import type { LaneProgress } from './lane-progress.ts'
import { isThere, type OpenItem, OpenItems } from './open-items.ts'
import { peekLanes } from './peeking.ts'
import type {
  ConsumerStatus,
  PeekedItem,
  QueueAlarm,
  QueueConsumer,
  QueueItem,
  RejectOptions,
  SeekTarget,
  Settled,
  TakeOptions,
} from './queue.ts'
import { checkLanes, checkMs, checkTake } from './queue-checks.ts'
import { seekLanes } from './seeking.ts'
import { Settling } from './settling.ts'
import { closedError, TakeLoop } from './take-loop.ts'

/** What a consumer needs of its queue. */
export interface ConsumerOptions {
  readonly name: string
  readonly directory: string
  readonly runtime: Runtime
  /** The listed lanes, the most urgent first. */
  readonly lanes: readonly LaneProgress[]
  readonly writer: CursorWriter
  readonly drops: DropLog
  readonly letters: DeadLetters
  readonly deliveriesMax: number
  readonly openItemsMax: number
  readonly waitingTakesMax: number
  /** The marks of the lanes may have moved. */
  readonly onAdvance: () => void
  readonly onAlarm: (kind: QueueAlarm['kind'], text: string) => void
  readonly onClose: () => void
}

const RETRY_MS_MIN = 1_000
const RETRY_MS_MAX = 60_000
/** The longest sleep: after it the wall clock is looked at again, because it may have been set. */
const SLEEP_MS_MAX = 60_000

/**
 * One open consumer. Items change their state in memory when a call begins, and leave when what it says is durable; if
 * that fails, they go back.
 */
export class Consumer implements QueueConsumer {
  readonly name: string
  readonly #options: ConsumerOptions
  readonly #open: OpenItems
  readonly #settling: Settling
  readonly #loop: TakeLoop
  readonly #calls = new Set<Promise<unknown>>()
  #cancelTimer: Cancel | undefined
  #timerAtMs = Number.POSITIVE_INFINITY
  #closing: Promise<void> | undefined

  constructor(options: ConsumerOptions) {
    this.name = options.name
    this.#options = options
    this.#open = new OpenItems(options.runtime.clock)
    this.#settling = new Settling(options, this.#open)
    this.#loop = new TakeLoop(options, this.#open, this.#settling, () => this.#arm())
  }

  async take(options: TakeOptions = {}): Promise<readonly QueueItem[]> {
    this.#throwIfClosed()
    checkTake(options)
    checkLanes(options.lanes, this.#laneNames)
    const taking = this.#loop.line.join(options)
    this.#loop.serve()
    return taking
  }

  acknowledge(items: readonly QueueItem[]): Promise<Settled> {
    return this.#settle(items, (held) => this.#settling.finish(held))
  }

  async reject(items: readonly QueueItem[], options: RejectOptions): Promise<Settled> {
    const { reason, retryAfterMs, retry = true } = options
    checkMs('retryAfterMs', retryAfterMs)
    const isLast = (item: OpenItem) => !retry || item.deliveries >= this.#options.deliveriesMax
    return this.#settle(items, async (held) => {
      const last = held.filter(isLast)
      await this.#settling.postpone(
        held.filter((item) => !isLast(item)),
        ({ deliveries }) => ({ deliveries, delayMs: retryAfterMs ?? backoffMs(deliveries) }),
      )
      await this.#settling.refuse(last.map((item) => ({ item, verdict: 'dead-letter', reason })))
    })
  }

  async delay(items: readonly QueueItem[], delayMs: number): Promise<Settled> {
    checkMs('delayMs', delayMs)
    return this.#settle(items, (held) =>
      this.#settling.postpone(held, ({ deliveries }) => ({ deliveries: deliveries - 1, delayMs })),
    )
  }

  extend(items: readonly QueueItem[], leaseMs: number): Settled {
    this.#throwIfClosed()
    checkMs('leaseMs', leaseMs)
    const { held, lost } = this.#settling.held(items)
    const leased = held.filter(([, item]) => item.state === 'leased')
    const ended = held.filter(([, item]) => item.state !== 'leased')
    for (const [, item] of leased) this.#open.lease(item, item.lease, leaseMs)
    this.#arm()
    return { count: leased.length, lost: [...lost, ...ended.map(([handle]) => handle)] }
  }

  async peek(
    options: ReadLimits & { readonly lanes?: readonly string[] } = {},
  ): Promise<readonly PeekedItem[]> {
    this.#throwIfClosed()
    checkLanes(options.lanes, this.#laneNames)
    return peekLanes(this.#options.lanes, this.name, options)
  }

  async seek(target: SeekTarget): Promise<void> {
    this.#throwIfClosed()
    const seeking = seekLanes(target, this.#options, (progress) => this.#forget(progress))
    await this.#track(seeking)
    this.#options.onAdvance()
    this.#loop.serve()
  }

  /** Items before the lane's floor have been dropped for everybody. */
  dropBelowFloor(progress: LaneProgress): void {
    const { floor } = progress.lane
    for (const item of [...progress.items.values()]) if (item.offset < floor.offset) this.#open.drop(item)
    progress.settle()
    this.#loop.serve()
  }

  /** Something was put. */
  serve(): void {
    this.#loop.serve()
  }

  status(): ConsumerStatus {
    const lanes = this.#options.lanes.map(laneStatusOf)
    return {
      consumer: this.name,
      isOpen: this.#closing === undefined,
      waitingTakes: this.#loop.line.size,
      lanes,
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #laneNames(): readonly string[] {
    return this.#options.lanes.map(({ lane }) => lane.name)
  }

  async #close(): Promise<void> {
    this.#cancelTimer?.()
    await this.#loop.close()
    await Promise.allSettled(this.#calls)
    const leased = this.#options.lanes.flatMap(({ items }) =>
      [...items.values()].filter(({ state }) => state === 'leased'),
    )
    // Best effort: if it is not written, the deliveries count.
    await this.#settling.uncount(leased).catch(() => undefined)
    await this.#options.writer.close()
    for (const progress of this.#options.lanes) this.#forget(progress)
    this.#options.onClose()
  }

  /** Runs `act` on the items whose lease still counts; if it fails, they are under it as before. */
  async #settle(
    items: readonly QueueItem[],
    act: (held: readonly OpenItem[]) => Promise<void>,
  ): Promise<Settled> {
    this.#throwIfClosed()
    const { held, lost } = this.#settling.held(items)
    const open = held.map(([, item]) => item)
    for (const item of open) this.#open.reserve(item, 'settling')
    try {
      await this.#track(act(open))
    } catch (error) {
      for (const item of open) if (item.state === 'settling' && isThere(item)) this.#open.resume(item)
      throw error
    } finally {
      this.#loop.serve()
      this.#arm()
    }
    return { count: open.length, lost }
  }

  /** What was looked at is looked at again, later; leases have ended. */
  #forget(progress: LaneProgress): void {
    for (const item of [...progress.items.values()]) this.#open.remove(item)
  }

  async #track<Result>(call: Promise<Result>): Promise<Result> {
    this.#calls.add(call)
    try {
      return await call
    } finally {
      this.#calls.delete(call)
    }
  }

  /** One timer, for the first lease or delay that ends. */
  #arm(): void {
    const inMs = this.#open.nextInMs
    if (this.#closing !== undefined || inMs === undefined) return
    const delayMs = Math.min(SLEEP_MS_MAX, inMs)
    const atMs = this.#options.runtime.clock.monotonic() + delayMs
    if (atMs >= this.#timerAtMs) return
    this.#cancelTimer?.()
    this.#timerAtMs = atMs
    this.#cancelTimer = this.#options.runtime.scheduler.after(delayMs, () => this.#wake())
  }

  #wake(): void {
    this.#timerAtMs = Number.POSITIVE_INFINITY
    const reason = 'its lease ended without an acknowledgement'
    const doomed = this.#open.wake().filter(({ deliveries }) => deliveries >= this.#options.deliveriesMax)
    for (const item of doomed) {
      this.#open.reserve(item, 'settling')
      item.lease = 0
    }
    this.#loop.doom(doomed.map((item) => ({ item, verdict: 'dead-letter', reason })))
    this.#loop.serve()
    this.#arm()
  }

  #throwIfClosed(): void {
    if (this.#closing !== undefined) throw closedError(this.#options)
  }
}

/** How a lane stands for a consumer, open or not. */
export function laneStatusOf(progress: LaneProgress) {
  const { lane, cursor, items, doneBefore, outstanding } = progress
  const counts = { taking: 0, leased: 0, settling: 0, delayed: 0, blocked: 0, ready: 0 }
  for (const { state } of items.values()) counts[state] += 1
  return {
    lane: lane.name,
    doneBefore,
    outstanding,
    outOfOrderRanges: cursor.done.size,
    open: items.size,
    leased: counts.taking + counts.leased + counts.settling,
    delayed: counts.delayed,
    blocked: counts.blocked,
  }
}

function backoffMs(deliveries: number): number {
  return Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** (deliveries - 1))
}
