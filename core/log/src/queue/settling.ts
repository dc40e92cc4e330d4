import type { ConsumerOptions } from './consumer.ts'
import { isThere, type OpenItem, type OpenItems } from './open-items.ts'
import type { QueueItem } from './queue.ts'
import { type Refusal, recordRefusals } from './refusals.ts'

/** When an item is to come again, and how many deliveries count then. */
export interface Postponement {
  readonly deliveries: number
  readonly delayMs: number
}

/**
 * Ends deliveries: done, again later, or given up. Items are reserved while it is being written; a change leaves out what
 * was dropped or left behind meanwhile, since its cursor does not know it any more.
 */
export class Settling {
  readonly #options: ConsumerOptions
  readonly #open: OpenItems

  constructor(options: ConsumerOptions, open: OpenItems) {
    this.#options = options
    this.#open = open
  }

  /** Those of the handles whose lease still counts. */
  held(handles: readonly QueueItem[]): {
    readonly held: readonly (readonly [QueueItem, OpenItem])[]
    readonly lost: readonly QueueItem[]
  } {
    const held = new Map<OpenItem, QueueItem>()
    const lost: QueueItem[] = []
    for (const handle of handles) {
      const progress = this.#options.lanes.find(({ lane }) => lane.name === handle.lane)
      const item = progress?.items.get(handle.offset)
      const isHeld = item !== undefined && item.lease !== 0 && item.lease === handle.lease
      if (!isHeld || held.has(item) || item.state === 'taking' || item.state === 'settling') lost.push(handle)
      else held.set(item, handle)
    }
    return { held: [...held].map(([item, handle]) => [handle, item] as const), lost }
  }

  /** Done. Durable on return. */
  async finish(items: readonly OpenItem[]): Promise<void> {
    if (items.length === 0) return
    await this.#options.writer.write((change) => {
      for (const item of items.filter(isThere))
        change.done(item.progress.cursor, { from: item.offset, to: item.to })
    })
    for (const item of items) this.#open.remove(item)
    for (const progress of new Set(items.map(({ progress }) => progress))) progress.settle()
    this.#options.onAdvance()
  }

  /** Again later. Durable on return. */
  async postpone(items: readonly OpenItem[], to: (item: OpenItem) => Postponement): Promise<void> {
    if (items.length === 0) return
    const nowMs = this.#options.runtime.clock.now()
    const plans = items.map((item) => {
      const { deliveries, delayMs } = to(item)
      return { item, deliveries, notBeforeMs: delayMs === 0 ? 0 : nowMs + delayMs }
    })
    await this.#options.writer.write((change) => {
      for (const { item, deliveries, notBeforeMs } of plans)
        if (isThere(item)) change.tried(item.progress.cursor, item.offset, { deliveries, notBeforeMs })
    })
    for (const { item, deliveries, notBeforeMs } of plans) {
      item.deliveries = deliveries
      item.lease = 0
      this.#open.release(item, notBeforeMs)
    }
  }

  /** Again at once, as if they had not been handed out. */
  uncount(items: readonly OpenItem[]): Promise<void> {
    return this.postpone(items, ({ deliveries }) => ({ deliveries: Math.max(0, deliveries - 1), delayMs: 0 }))
  }

  /** Given up: recorded, then done. If that fails, those that are under no lease are free again. */
  async refuse(refusals: readonly Refusal[]): Promise<void> {
    if (refusals.length === 0) return
    const { name, drops, letters } = this.#options
    try {
      const drafts = await recordRefusals(refusals, name, drops, letters)
      await this.finish(refusals.map(({ item }) => item))
      letters.settled(drafts)
    } catch (error) {
      for (const { item } of refusals)
        if (item.state === 'settling' && item.lease === 0) this.#open.release(item, 0)
      throw error
    }
  }
}
