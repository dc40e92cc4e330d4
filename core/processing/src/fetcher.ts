import {
  isForGroup,
  type Message,
  type Position,
  type Subscription,
  type TopicPartition,
} from '@millrace/bus'
import { isMillraceError, sleep } from '@millrace/kernel'
import { retryDelayMs } from './backoff.ts'
import { failureOf } from './failure.ts'
import type { Item } from './item.ts'
import type { ProcessorDescription } from './processor.ts'
import type { Surroundings } from './trial.ts'
import type { Work } from './work.ts'

/** Opens the group's subscription, from the processor's own checkpoint if it keeps one. */
export async function openSubscription(
  { bus }: Pick<Surroundings, 'bus'>,
  { name, topics, from, checkpoint = 'group' }: ProcessorDescription,
): Promise<Subscription> {
  const positions = checkpoint === 'group' ? undefined : await checkpoint.load(name)
  return bus.subscribe({
    group: name,
    topics,
    ...(from === undefined ? {} : { from }),
    ...(positions === undefined ? {} : { positions }),
  })
}

/** Brings messages from the bus into the ledger and on to the work, while there is room; outlives failures of the bus. */
export class Fetcher {
  readonly #around: Surroundings
  readonly #description: ProcessorDescription
  readonly #work: Work
  readonly #ending = new AbortController()
  #subscription: Subscription
  /** True when the subscription is of no more use, so the next round opens another one. */
  #isBroken = false

  constructor(
    around: Surroundings,
    description: ProcessorDescription,
    work: Work,
    subscription: Subscription,
  ) {
    this.#around = around
    this.#description = description
    this.#work = work
    this.#subscription = subscription
    for (const partition of subscription.assigned()) around.ledger.watermarks.follow(partition)
  }

  /** Makes positions durable on the bus; those of partitions that are no longer held are ignored there. */
  commit(positions: readonly Position[]): Promise<void> {
    return this.#subscription.commit(positions)
  }

  /** Fetches until `end`; resolves 'bus-closed' if there is nothing left to fetch from. */
  async run(): Promise<'ended' | 'bus-closed'> {
    const { runtime, settings, status } = this.#around
    const { signal } = this.#ending
    for (let failures = 0; !signal.aborted; ) {
      try {
        if (this.#isBroken) await this.#reopen()
        const fetched = await this.#fetchOnce()
        failures = 0
        await this.#linger(fetched)
      } catch (error) {
        if (signal.aborted) break
        if (isMillraceError(error, 'BUS_CLOSED')) return 'bus-closed'
        if (isMillraceError(error, 'SUBSCRIPTION_CLOSED')) this.#isBroken = true
        failures += 1
        status.note(failureOf(error, settings.name, []))
        const delayMs = retryDelayMs(settings.retry, failures, runtime.random)
        await status.retrying(() => sleep(runtime.scheduler, delayMs, signal)).catch(() => {})
      }
    }
    return 'ended'
  }

  /** Stops fetching; nothing that the bus has handed over is lost. */
  end(): void {
    this.#ending.abort()
    this.#around.ledger.less.wake()
  }

  /** Leaves the group. */
  close(): Promise<void> {
    return this.#subscription.close()
  }

  /** Lets messages gather before the next fetch, unless there are plenty already. */
  async #linger(fetched: number): Promise<void> {
    const { runtime, settings } = this.#around
    if (settings.lingerMs === 0 || fetched === 0 || fetched >= settings.batchMax) return
    await sleep(runtime.scheduler, settings.lingerMs, this.#ending.signal)
  }

  /** Resolves with the number of messages that came; 0 after waiting for room. */
  async #fetchOnce(): Promise<number> {
    const { ledger, settings } = this.#around
    const countMax = ledger.room
    if (countMax === 0) {
      await ledger.less.wait()
      return 0
    }
    const messages = await this.#subscription.next({ countMax, signal: this.#ending.signal })
    const mine: Item[] = []
    for (const item of ledger.accept(await this.#followAssignment(messages))) {
      if (isForGroup(item.message, settings.name)) mine.push(item)
      else ledger.finish(item)
    }
    this.#work.take(mine)
    return messages.length
  }

  /**
   * Forgets partitions that went away. Those that came start at the processor's own checkpoint, if it keeps one: the
   * member that held them before may have gone further than we knew when we subscribed.
   */
  async #followAssignment(messages: readonly Message[]): Promise<readonly Message[]> {
    const { watermarks } = this.#around.ledger
    const assigned = this.#subscription.assigned()
    const gained = assigned.filter((partition) => !watermarks.follows(partition))
    // Looked at after every fetch, so the usual case, in which nothing has changed, must be cheap.
    if (gained.length === 0 && assigned.length === watermarks.size) return messages
    const lost = watermarks.partitions().filter((partition) => !includes(assigned, partition))
    this.#forget(lost)
    for (const partition of gained) watermarks.follow(partition)
    const ours = messages.filter((message) => !includes(lost, message))
    const { checkpoint = 'group', name } = this.#description
    if (gained.length === 0 || checkpoint === 'group') return ours
    try {
      const positions = (await checkpoint.load(name)).filter((position) => includes(gained, position))
      await this.#subscription.seek(positions)
      return ours.filter((message) => !includes(positions, message))
    } catch (error) {
      // These messages have left the subscription without a place to go.
      this.#isBroken = true
      throw error
    }
  }

  async #reopen(): Promise<void> {
    this.#forget(this.#around.ledger.watermarks.partitions())
    await this.#subscription.close().catch(() => {})
    this.#subscription = await openSubscription(this.#around, this.#description)
    this.#isBroken = false
    for (const partition of this.#subscription.assigned()) this.#around.ledger.watermarks.follow(partition)
  }

  #forget(partitions: readonly TopicPartition[]): void {
    if (partitions.length === 0) return
    for (const partition of partitions) this.#around.ledger.forget(partition)
    this.#work.dropForgotten()
  }
}

function includes(partitions: readonly TopicPartition[], { topic, partition }: TopicPartition): boolean {
  return partitions.some((other) => other.partition === partition && other.topic === topic)
}
