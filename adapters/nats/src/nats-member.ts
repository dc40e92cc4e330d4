import type {
  Message,
  Position,
  ReadLimits,
  SubscribeOptions,
  Subscription,
  TopicPartition,
  WaitOptions,
} from '@millrace/bus'
import { abortable, millraceError, throwIfAborted } from '@millrace/kernel'
import { type GroupMembership, joinGroup } from './group-membership.ts'
import { placeOf } from './group-state.ts'
import { assertWithin, HeldPartition } from './held-partition.ts'
import type { NatsEngine } from './nats-engine.ts'
import { pause } from './nats-link.ts'
import { lostLine, PartitionFeed } from './partition-feed.ts'
import { bytesOf } from './pulled-messages.ts'
import type { TopicFacts } from './topic-streams.ts'

const COUNT_MAX_DEFAULT = 1000
const BYTES_MAX_DEFAULT = 1024 * 1024
/** A failure is told at most so often. */
const FAILURE_MS_MIN = 1_000
/** How long a call waits for partitions that have never said anything, so that a busy one does not starve them. */
const PRIME_MS_MAX = 1_000

/** A member of a group, whose other members may be in other processes. */
export class NatsMember implements Subscription {
  readonly group: string
  readonly #engine: NatsEngine
  readonly #facts: ReadonlyMap<string, TopicFacts>
  readonly #ownPositions = new Map<string, number>()
  readonly #held = new Map<string, HeldPartition>()
  /** Partitions that it has had. */
  readonly #taken = new Set<string>()
  #membership: GroupMembership | undefined
  #closing: Promise<void> | undefined
  #changes = 0
  #waiter: (() => void) | undefined
  #turn: Promise<void> = Promise.resolve()
  #first = 0
  #nextFailureMs = 0

  private constructor(engine: NatsEngine, options: SubscribeOptions, facts: ReadonlyMap<string, TopicFacts>) {
    this.group = options.group
    this.#engine = engine
    this.#facts = facts
    for (const { topic, partition, offset } of options.positions ?? []) {
      this.#ownPositions.set(placeOf(topic, partition), offset)
    }
  }

  static async join(
    engine: NatsEngine,
    options: SubscribeOptions,
    facts: ReadonlyMap<string, TopicFacts>,
  ): Promise<NatsMember> {
    const member = new NatsMember(engine, options, facts)
    member.#membership = await joinGroup(engine, options.group, facts, {
      claimed: (place, claim) => member.#take(place.topic, place.partition, claim),
      revoked: (place) => member.#drop(placeOf(place.topic, place.partition)),
      holds: (place) => member.#held.has(placeOf(place.topic, place.partition)),
    })
    return member
  }

  async next(options: ReadLimits & WaitOptions = {}): Promise<readonly Message[]> {
    const earlier = this.#turn
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#turn = promise
    try {
      await abortable(earlier, options.signal)
      return await this.#next(options)
    } finally {
      void earlier.then(resolve)
    }
  }

  async commit(positions: readonly Position[]): Promise<void> {
    this.#assertOpen()
    const held = positions.flatMap((position) => {
      const partition = this.#find(position)
      return partition === undefined ? [] : [{ position, partition }]
    })
    for (const { position, partition } of held) await this.#assertWithin(position, partition)
    await Promise.all(
      held.map(async ({ position, partition }) => {
        if (await partition.commit(position.offset)) return
        // Taken over while we were thought dead.
        this.#drop(placeOf(position.topic, position.partition))
        this.#membership?.look()
      }),
    )
  }

  async seek(positions: readonly Position[]): Promise<void> {
    this.#assertOpen()
    for (const position of positions) {
      const held = this.#find(position)
      if (held !== undefined) await this.#assertWithin(position, held)
    }
    for (const position of positions) {
      const held = this.#find(position)
      if (held === undefined) continue
      held.feed.stop()
      held.feed = this.#feed(held.facts, held.partition, position.offset)
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
    return [...this.#held.values()].map(({ facts, partition }) => ({ topic: facts.name, partition }))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    for (const place of [...this.#held.keys()]) this.#drop(place)
    this.#changed()
    await this.#membership?.leave()
    this.#engine.members.delete(this)
  }

  /** The group has given it a partition. */
  async #take(topic: string, partition: number, claim: { offset: number; revision: number; owner: string }) {
    const place = placeOf(topic, partition)
    const facts = this.#facts.get(topic)
    if (this.#closing !== undefined || facts === undefined || this.#held.has(place)) return
    const own = this.#ownPositions.get(place)
    const committed = claim.offset < 0 ? undefined : claim.offset
    // Should it come back, the others may have gone on from here: own checkpoints are behind what is committed then.
    const isBack = this.#taken.has(place)
    const wanted = own !== undefined && isBack ? Math.max(own, committed ?? own) : (own ?? committed)
    const range = await this.#engine.topics.range(facts, partition)
    const offset = Math.min(wanted ?? range.start, range.end)
    const held = new HeldPartition(
      { facts, partition, offset },
      { bucket: this.#engine.bucket, group: this.group, owner: claim.owner, revision: claim.revision },
      this.#feed(facts, partition, offset),
    )
    this.#held.set(place, held)
    this.#taken.add(place)
    if (committed !== undefined && committed > range.end) await this.#fitTo(held, committed, range.end)
    this.#changed()
  }

  /** Durable, or the same would happen at the next start, when the partition has grown. */
  async #fitTo(held: HeldPartition, committed: number, end: number): Promise<void> {
    this.#engine.link.settings.report(lostLine(held.facts.name, held.partition, committed, end))
    await held.commit(end)
  }

  #drop(place: string): void {
    const held = this.#held.get(place)
    if (held === undefined) return
    this.#held.delete(place)
    held.feed.stop()
  }

  #feed(facts: TopicFacts, partition: number, offset: number): PartitionFeed {
    const subject = this.#engine.names.subject(facts.name, partition)
    const place = { facts, partition, subject, offset }
    return new PartitionFeed(this.#engine.link, this.#engine.topics, place, () => this.#changed())
  }

  async #next(options: ReadLimits & WaitOptions): Promise<readonly Message[]> {
    for (;;) {
      throwIfAborted(options.signal)
      this.#assertOpen()
      const changes = this.#changes
      await abortable(this.#untilPrimed(), options.signal)
      this.#assertOpen()
      const messages = this.#gather(options)
      if (messages.length > 0) return messages
      this.#tellFailure()
      if (changes === this.#changes) await this.#waitForChange(options.signal)
    }
  }

  async #untilPrimed(): Promise<void> {
    const startMs = performance.now()
    while ([...this.#held.values()].some(({ feed, paused }) => !paused && !feed.primed)) {
      if (performance.now() - startMs > PRIME_MS_MAX) return
      const changed = new Promise<void>((resolve) => {
        this.#waiter = resolve
      })
      await Promise.race([changed, pause(PRIME_MS_MAX)])
      this.#waiter = undefined
      if (this.#closing !== undefined) return
    }
  }

  /** What the partitions have ready, another one first each time. */
  #gather(limits: ReadLimits): readonly Message[] {
    let countLeft = Math.max(1, limits.countMax ?? COUNT_MAX_DEFAULT)
    let bytesLeft = Math.max(1, limits.bytesMax ?? BYTES_MAX_DEFAULT)
    const ready = [...this.#held.values()].filter(({ feed, paused }) => !paused && !feed.empty)
    if (ready.length > 1) this.#first = (this.#first + 1) % ready.length
    else this.#first = 0
    const gathered: (readonly Message[])[] = []
    for (const held of [...ready.slice(this.#first), ...ready.slice(0, this.#first)]) {
      if (countLeft <= 0 || bytesLeft <= 0) break
      const messages = held.feed.take(countLeft, bytesLeft)
      gathered.push(messages)
      countLeft -= messages.length
      for (const message of messages) bytesLeft -= bytesOf(message)
      const last = messages.at(-1)
      if (last !== undefined) held.knownEnd = Math.max(held.knownEnd, last.offset + 1)
    }
    return gathered.flat()
  }

  #tellFailure(): void {
    for (const { feed } of this.#held.values()) {
      const failure = feed.takeFailure()
      if (failure === undefined || performance.now() < this.#nextFailureMs) continue
      this.#nextFailureMs = performance.now() + FAILURE_MS_MIN
      throw failure
    }
  }

  async #waitForChange(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiter = resolve
    try {
      await abortable(promise, signal)
    } finally {
      this.#waiter = undefined
    }
  }

  #changed(): void {
    this.#changes += 1
    this.#waiter?.()
  }

  #find({ topic, partition }: TopicPartition): HeldPartition | undefined {
    return this.#held.get(placeOf(topic, partition))
  }

  /** Behind what it has returned an offset is known to be good; else the server is asked. */
  async #assertWithin(position: Position, held: HeldPartition): Promise<void> {
    const { offset } = position
    if (Number.isInteger(offset) && offset >= 0 && offset <= held.knownEnd) return
    const { end } = await this.#engine.topics.range(held.facts, held.partition)
    assertWithin(position, { start: 0, end })
    held.knownEnd = Math.max(held.knownEnd, end)
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw millraceError('SUBSCRIPTION_CLOSED', { group: this.group })
  }
}
