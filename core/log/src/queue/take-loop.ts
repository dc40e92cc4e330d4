import { isMillraceError, millraceError } from '@millrace/kernel'
import type { ConsumerOptions } from './consumer.ts'
import { fetchValues, gather } from './gathering.ts'
import { isThere, type OpenItem, type OpenItems } from './open-items.ts'
import type { QueueItem } from './queue.ts'
import type { Refusal } from './refusals.ts'
import type { Settling } from './settling.ts'
import { TakeLine, type Taker } from './take-line.ts'

/**
 * Serves the takers of one consumer, one after another, so that two never get the same item. Deliveries are recorded
 * beside the loop: while one is written, the next taker is served.
 */
export class TakeLoop {
  readonly line: TakeLine
  readonly #options: ConsumerOptions
  readonly #open: OpenItems
  readonly #settling: Settling
  readonly #onIdle: () => void
  readonly #recording = new Set<Promise<void>>()
  #doomed: Refusal[] = []
  #running: Promise<void> | undefined
  #again = false
  #leases = 0
  #isClosed = false

  constructor(options: ConsumerOptions, open: OpenItems, settling: Settling, onIdle: () => void) {
    this.line = new TakeLine(options.runtime.scheduler, options.waitingTakesMax, () => {
      if (this.#running === undefined) this.line.sendDueAway()
    })
    this.#options = options
    this.#open = open
    this.#settling = settling
    this.#onIdle = onIdle
  }

  /** Something may have become available. */
  serve(): void {
    if (this.#isClosed || (this.line.size === 0 && this.#doomed.length === 0)) return
    this.#again = true
    this.#running ??= this.#run()
  }

  /** Reserved items that go to the dead letters before anybody is served. */
  doom(refusals: readonly Refusal[]): void {
    this.#doomed.push(...refusals)
  }

  /** Ends the waits, and finishes what is being recorded. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.line.rejectAll(closedError(this.#options))
    await this.#running
    while (this.#recording.size > 0) await Promise.all(this.#recording)
  }

  async #run(): Promise<void> {
    // A turn later, so that takers that come together are served together.
    await undefined
    while (this.#again && !this.#isClosed) {
      this.#again = false
      // What cannot be recorded now is judged again when somebody takes.
      await this.#settling.refuse(this.#doomed.splice(0)).catch(() => undefined)
      for (const taker of this.line.all) {
        const isServed = taker.isSettled || (await this.#serveOne(taker))
        if (!isServed && taker.lanes === undefined) break
      }
    }
    this.#running = undefined
    this.line.sendDueAway()
    this.#onIdle()
  }

  /** False if there is nothing for it now. */
  async #serveOne(taker: Taker): Promise<boolean> {
    const { name: consumer, runtime, lanes, letters, openItemsMax, deliveriesMax } = this.#options
    const options = { clock: runtime.clock, consumer, open: this.#open, letters, openItemsMax, deliveriesMax }
    for (;;) {
      const { picked, refused, failure } = await gather(taker, lanes, options)
      try {
        const lost = await fetchValues(picked)
        for (const item of lost) this.#open.reserve(item, 'settling')
        refused.push(...lost.map((item) => ({ item, verdict: 'damaged' as const, reason: '' })))
        await this.#settling.refuse(refused)
      } catch (error) {
        for (const item of picked) this.#open.release(item, 0)
        taker.reject(error)
        return true
      }
      const found = picked.filter(({ value }) => value !== undefined)
      if (found.length > 0) {
        this.#handOut(taker, found)
        return true
      }
      // What was given up may have kept others from going.
      if (refused.length > 0 && !taker.isSettled) continue
      if (failure !== undefined) taker.reject(failure)
      return failure !== undefined
    }
  }

  #handOut(taker: Taker, items: readonly OpenItem[]): void {
    this.line.leave(taker)
    const recording = this.#record(items)
      .then(() => this.#deliver(taker, items))
      .catch((error: unknown) => {
        for (const item of items) if (item.state === 'taking') this.#open.release(item, 0)
        taker.reject(error)
      })
      .finally(() => {
        this.#recording.delete(recording)
        this.#onIdle()
      })
    this.#recording.add(recording)
  }

  /**
   * Given to the operating system: an item may end the process, but hardly the machine, and a lost count costs one more
   * delivery. A disk that is too full for it must not keep the items from going: going is what makes room.
   */
  async #record(items: readonly OpenItem[]): Promise<void> {
    const { writer, name, onAlarm } = this.#options
    try {
      await writer.write((change) => {
        for (const { progress, offset, to, deliveries } of items.filter(isThere)) {
          const isFirst = deliveries === 0 && !progress.cursor.tried.has(offset)
          if (isFirst) change.taken(progress.cursor, { from: offset, to })
          else change.tried(progress.cursor, offset, { deliveries: deliveries + 1, notBeforeMs: 0 })
        }
      }, 'os')
    } catch (error) {
      if (!isMillraceError(error, 'DISK_FULL')) throw error
      onAlarm('deliveries-not-recorded', `the disk is full: deliveries to ${name} are counted in memory only`)
    }
  }

  async #deliver(taker: Taker, items: readonly OpenItem[]): Promise<void> {
    const there = items.filter((item) => item.state === 'taking' && isThere(item) && !item.isDropped)
    for (const item of items) if (item.isDropped) this.#open.release(item, 0)
    for (const item of there) item.deliveries += 1
    if (taker.isSettled || this.#isClosed) {
      taker.reject(closedError(this.#options))
      // Nobody has seen them.
      return this.#settling.uncount(there)
    }
    if (there.length > 0) return taker.resolve(there.map((item) => this.#lease(item, taker.leaseMs)))
    this.line.rejoin(taker)
    this.serve()
  }

  #lease(item: OpenItem, leaseMs: number): QueueItem {
    const { value = new Uint8Array(0), offset, key, deliveries, putAtMs, expiresAtMs } = item
    this.#leases += 1
    const lease = this.#leases
    this.#open.lease(item, lease, leaseMs)
    const { name: lane } = item.progress.lane
    const notBeforeMs = item.putNotBeforeMs
    return { lane, offset, key, value, putAtMs, expiresAtMs, notBeforeMs, deliveries, lease }
  }
}

/** The error of everything that is asked of a closed consumer. */
export function closedError({ name, directory }: ConsumerOptions) {
  return millraceError('QUEUE_CLOSED', { what: `consumer ${name} of the queue`, directory })
}
