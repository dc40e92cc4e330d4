import { abortable, type Cancel, millraceError, type Runtime, throwIfAborted } from '@millrace/kernel'
import type {
  Message,
  Position,
  ReadLimits,
  SubscribeOptions,
  Subscription,
  TopicPartition,
  WaitOptions,
} from './bus.ts'
import type { ConsumerGroups } from './consumer-groups.ts'
import type { Partition } from './partition.ts'

const COUNT_MAX_DEFAULT = 1000
const BYTES_MAX_DEFAULT = 1024 * 1024
/** A partition that could not be read is left alone for so long, while the others go on. */
const BLOCKED_MS = 1_000

/** A partition that this member has. */
interface HeldPartition {
  readonly partition: Partition
  /** The next offset to be returned. */
  offset: number
  paused: boolean
  /** Monotonic time before which it is not read, after a failure. */
  blockedUntilMs: number
}

/** What was read of one partition, not returned yet: discarded if the partition has changed since `offset`. */
interface Portion {
  readonly held: HeldPartition
  readonly offset: number
  readonly nextOffset: number
  readonly messages: readonly Message[]
}

/** A member of a consumer group. */
export class GroupMember implements Subscription {
  readonly group: string
  readonly topics: ReadonlySet<string>
  /** All partitions of its topics, held or not. */
  readonly partitions: readonly Partition[]
  readonly #groups: ConsumerGroups
  readonly #runtime: Runtime
  readonly #from: 'start' | 'end'
  /** Own checkpoints by partition, from {@link SubscribeOptions.positions}. */
  readonly #ownPositions: Map<Partition, number>
  readonly #held = new Map<Partition, HeldPartition>()
  readonly #wake = () => this.#changed()
  #closed = false
  /** Grows with everything that may give `next` something to return. */
  #changes = 0
  #waiter: (() => void) | undefined
  #turn: Promise<void> = Promise.resolve()
  /** Which held partition is read first, so that a busy one does not starve the others. */
  #first = 0

  constructor(
    options: SubscribeOptions,
    partitions: readonly Partition[],
    groups: ConsumerGroups,
    runtime: Runtime,
  ) {
    this.group = options.group
    this.topics = new Set(options.topics)
    this.partitions = partitions
    this.#groups = groups
    this.#runtime = runtime
    this.#from = options.from ?? 'start'
    this.#ownPositions = new Map()
    for (const { topic, partition, offset } of options.positions ?? []) {
      const named = partitions.find((candidate) => candidate.topic === topic && candidate.index === partition)
      if (named !== undefined) this.#ownPositions.set(named, offset)
    }
  }

  async next(options: ReadLimits & WaitOptions = {}): Promise<readonly Message[]> {
    const earlier = this.#turn
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#turn = promise
    try {
      await abortable(earlier, options.signal)
      return await this.#take(options)
    } finally {
      void earlier.then(resolve)
    }
  }

  async commit(positions: readonly Position[]): Promise<void> {
    this.#assertOpen()
    const held = positions.filter((position) => this.#find(position) !== undefined)
    for (const position of held) this.#find(position)?.partition.assertNotBeyond(position.offset)
    await this.#groups.commit(this.group, held)
  }

  async seek(positions: readonly Position[]): Promise<void> {
    this.#assertOpen()
    for (const position of positions) this.#find(position)?.partition.assertNotBeyond(position.offset)
    for (const position of positions) {
      const held = this.#find(position)
      if (held !== undefined) held.offset = position.offset
    }
    this.#changed()
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const place of partitions) {
      const held = this.#find(place)
      if (held !== undefined) held.paused = true
    }
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const place of partitions) {
      const held = this.#find(place)
      if (held !== undefined) held.paused = false
    }
    this.#changed()
  }

  assigned(): readonly TopicPartition[] {
    return [...this.#held.keys()].map(({ topic, index }) => ({ topic, partition: index }))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#groups.leave(this)
    this.#changed()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The group gives it `partition`. */
  assign(partition: Partition): void {
    const own = this.#ownPositions.get(partition)
    const committed = this.#groups.committed(this.group, partition)
    const offset = own ?? committed ?? (this.#from === 'end' ? partition.endOffset : partition.startOffset)
    this.#held.set(partition, { partition, offset, paused: false, blockedUntilMs: 0 })
    partition.follow(this.#wake)
    this.#changed()
  }

  /** The group takes `partition` away. */
  revoke(partition: Partition): void {
    partition.unfollow(this.#wake)
    if (!this.#held.delete(partition)) return
    // Should it come back, the others may have gone on from here: own checkpoints are behind what is committed then.
    const own = this.#ownPositions.get(partition)
    const committed = this.#groups.committed(this.group, partition)
    if (own !== undefined && committed !== undefined)
      this.#ownPositions.set(partition, Math.max(own, committed))
  }

  async #take(options: ReadLimits & WaitOptions): Promise<readonly Message[]> {
    for (;;) {
      throwIfAborted(options.signal)
      this.#assertOpen()
      const changes = this.#changes
      const portions = await abortable(this.#gather(options), options.signal)
      this.#assertOpen()
      const messages = this.#accept(portions)
      if (messages.length > 0) return messages
      if (portions.length === 0 && changes === this.#changes) await this.#waitForChange(options.signal)
    }
  }

  /** Reads what there is, up to the limits, without going on. Rejects only if nothing could be read but a failure. */
  async #gather(limits: ReadLimits): Promise<readonly Portion[]> {
    let countLeft = Math.max(1, limits.countMax ?? COUNT_MAX_DEFAULT)
    let bytesLeft = Math.max(1, limits.bytesMax ?? BYTES_MAX_DEFAULT)
    const portions: Portion[] = []
    let failure: { readonly error: unknown } | undefined
    for (const held of this.#readable()) {
      if (countLeft <= 0 || bytesLeft <= 0) break
      try {
        const portion = await readPortion(held, { countMax: countLeft, bytesMax: bytesLeft })
        portions.push(portion)
        countLeft -= portion.messages.length
        for (const { value } of portion.messages) bytesLeft -= value.length
      } catch (error) {
        held.blockedUntilMs = this.#runtime.clock.monotonic() + BLOCKED_MS
        failure ??= { error }
      }
    }
    if (portions.length === 0 && failure !== undefined) throw failure.error
    return portions
  }

  /** Held partitions that have something to read, another one first each time. */
  #readable(): HeldPartition[] {
    const nowMs = this.#runtime.clock.monotonic()
    const readable = [...this.#held.values()].filter(
      ({ partition, offset, paused, blockedUntilMs }) =>
        !paused && blockedUntilMs <= nowMs && (offset !== partition.endOffset || !partition.available),
    )
    if (readable.length < 2) return readable
    this.#first = (this.#first + 1) % readable.length
    return [...readable.slice(this.#first), ...readable.slice(0, this.#first)]
  }

  /** Goes on behind the portions whose partitions are still held, unpaused, and where they were. */
  #accept(portions: readonly Portion[]): readonly Message[] {
    const accepted: (readonly Message[])[] = []
    for (const { held, offset, nextOffset, messages } of portions) {
      if (this.#held.get(held.partition) !== held || held.paused || held.offset !== offset) continue
      held.offset = nextOffset
      accepted.push(messages)
    }
    return accepted.length === 1 ? (accepted[0] as readonly Message[]) : accepted.flat()
  }

  async #waitForChange(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiter = resolve
    const cancel = this.#wakeWhenUnblocked()
    try {
      await abortable(promise, signal)
    } finally {
      this.#waiter = undefined
      cancel?.()
    }
  }

  #wakeWhenUnblocked(): Cancel | undefined {
    const nowMs = this.#runtime.clock.monotonic()
    const blocked = [...this.#held.values()].filter(({ blockedUntilMs }) => blockedUntilMs > nowMs)
    if (blocked.length === 0) return undefined
    const waitMs = Math.min(...blocked.map(({ blockedUntilMs }) => blockedUntilMs)) - nowMs
    return this.#runtime.scheduler.after(waitMs, this.#wake)
  }

  #changed(): void {
    this.#changes += 1
    this.#waiter?.()
  }

  #find({ topic, partition }: TopicPartition): HeldPartition | undefined {
    for (const held of this.#held.values()) {
      if (held.partition.index === partition && held.partition.topic === topic) return held
    }
    return undefined
  }

  #assertOpen(): void {
    if (this.#closed) throw millraceError('SUBSCRIPTION_CLOSED', { group: this.group })
  }
}

/** One read; retention may have overtaken the offset, and damage may have left nothing up to the end. */
async function readPortion(held: HeldPartition, limits: Required<ReadLimits>): Promise<Portion> {
  const { partition, offset } = held
  const { endOffset } = partition
  const messages = await partition.read(Math.max(offset, partition.startOffset), limits)
  const last = messages.at(-1)
  return {
    held,
    offset,
    messages,
    nextOffset: last === undefined ? Math.max(offset, endOffset) : last.offset + 1,
  }
}
