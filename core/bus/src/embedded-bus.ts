import { abortable, type Cancel, millraceError, type Runtime, throwIfAborted } from '@millrace/kernel'
import type {
  Bus,
  BusSupports,
  ExclusiveWriter,
  GroupInfo,
  Message,
  NewMessage,
  Placement,
  Position,
  ReadLimits,
  SubscribeOptions,
  Subscription,
  TopicInfo,
  TopicSettings,
  WaitOptions,
  WriterOptions,
} from './bus.ts'
import { BUS_LIMITS_DEFAULT, type BusLimits } from './bus-limits.ts'
import type { BusStores } from './bus-stores.ts'
import { ConsumerGroups } from './consumer-groups.ts'
import { DelayedMessages } from './delayed-messages.ts'
import { EmbeddedWriter } from './embedded-writer.ts'
import { GroupMember } from './group-member.ts'
import { assertGroupName, assertMessage, type MessageLimits } from './message-checks.ts'
import { TopicCatalogue } from './topic-catalogue.ts'

/**
 * The rules of a bus inside this process: partitions by key, idempotency, groups, fenced writers, delay. Where it keeps
 * things, and how durably, is its {@link BusStores}.
 */
export class EmbeddedBus implements Bus {
  readonly supports: BusSupports
  readonly #stores: BusStores
  readonly #runtime: Runtime
  readonly #limits: BusLimits & MessageLimits
  readonly #topics: TopicCatalogue
  readonly #groups: ConsumerGroups
  readonly #delayed: DelayedMessages
  #cancelRetention: Cancel | undefined
  #retention: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined

  /** Starts with empty stores; {@link EmbeddedBus.open} loads those that are not. */
  constructor(stores: BusStores, runtime: Runtime, limits: Partial<BusLimits> = {}) {
    this.#stores = stores
    this.#runtime = runtime
    const { appendBytesMax = Number.POSITIVE_INFINITY } = stores
    this.#limits = { ...BUS_LIMITS_DEFAULT, ...limits, appendBytesMax }
    this.supports = {
      engine: stores.engine,
      delay: true,
      idempotency: this.#limits.idempotencyKeysMax > 0,
      idempotencyWindow:
        this.#limits.idempotencyKeysMax > 0
          ? { kind: 'messages', count: this.#limits.idempotencyKeysMax }
          : { kind: 'none' },
      exclusiveWriter: true,
      contiguousOffsets: true,
      durable: stores.durable,
    }
    this.#topics = new TopicCatalogue(stores, runtime, this.#limits, (topic, messages) =>
      this.#delayed.add(topic, messages),
    )
    this.#groups = new ConsumerGroups(stores.positions, this.#limits)
    this.#delayed = new DelayedMessages({
      table: stores.delayed,
      runtime,
      countMax: this.#limits.delayedMessagesMax,
      deliver: (topic, messages) => this.#topics.get(topic).deliverDelayed(messages, runtime.clock.now()),
    })
    this.#scheduleRetention()
  }

  /** A bus over stores that may hold something. Closes what it has opened if that fails. */
  static async open(
    stores: BusStores,
    runtime: Runtime,
    limits: Partial<BusLimits> = {},
  ): Promise<EmbeddedBus> {
    const bus = new EmbeddedBus(stores, runtime, limits)
    try {
      await bus.#topics.load()
      await bus.#groups.load()
      await bus.#groups.fitTo((topic, partition) => bus.#topics.knownEndOffset(topic, partition))
      await bus.#delayed.load((topic, message) => bus.#rememberDelayed(topic, message))
      return bus
    } catch (error) {
      await bus.close().catch(() => undefined)
      throw error
    }
  }

  async createTopic(name: string, settings: TopicSettings = {}): Promise<TopicInfo> {
    this.#assertOpen()
    return this.#topics.create(name, settings)
  }

  async listTopics(): Promise<readonly TopicInfo[]> {
    this.#assertOpen()
    return this.#topics.list()
  }

  async publish(
    topic: string,
    messages: readonly NewMessage[],
    options: WaitOptions = {},
  ): Promise<readonly Placement[]> {
    this.#assertOpen()
    throwIfAborted(options.signal)
    const target = this.#topics.get(topic)
    if (target.exclusive) throw millraceError('TOPIC_EXCLUSIVE', { topic })
    let storedBytes = 0
    for (const message of messages) storedBytes += assertMessage(topic, message, this.#limits)
    return abortable(target.publish(messages, storedBytes, this.#runtime.clock.now()), options.signal)
  }

  async read(position: Position, limits?: ReadLimits): Promise<readonly Message[]> {
    this.#assertOpen()
    return this.#topics.partition(position.topic, position.partition).read(position.offset, limits)
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    this.#assertOpen()
    assertGroupName(options.group)
    const partitions = [...new Set(options.topics)].flatMap((topic) => this.#topics.get(topic).partitions)
    for (const { topic, partition, offset } of options.positions ?? []) {
      // Ahead of the end: the checkpoint belongs to another bus, and waiting for the end to get there would lose messages.
      this.#topics.partition(topic, partition).assertNotBeyond(offset)
    }
    this.#groups.assertRoom(options.group)
    const member = new GroupMember(options, partitions, this.#groups, this.#runtime)
    if (options.from === 'end') await this.#fixEnd(options, member)
    this.#assertOpen()
    this.#groups.join(member)
    return member
  }

  async openWriter(topic: string, options: WriterOptions = {}): Promise<ExclusiveWriter> {
    this.#assertOpen()
    const target = this.#topics.get(topic)
    const partition = this.#topics.partition(topic, options.partition ?? 0)
    if (!target.exclusive) {
      throw millraceError('TOPIC_CONFLICT', { topic, setting: 'exclusive', seen: 'false', expected: 'true' })
    }
    // In turn: appends of the older writer that came before are in the end offset; those that come later are refused.
    const epoch = await partition.inWriterTurn(() => {
      // What is in doubt may come to light when the storage is opened anew: until then nobody knows the end.
      partition.assertSound()
      return this.#topics.raiseEpoch(target, partition)
    })
    return new EmbeddedWriter(target, partition, epoch, {
      runtime: this.#runtime,
      engine: this.#stores.engine,
      limits: this.#limits,
      assertOpen: () => this.#assertOpen(),
    })
  }

  async listGroups(): Promise<readonly GroupInfo[]> {
    this.#assertOpen()
    return this.#groups.list((topic, partition) => this.#topics.endOffset(topic, partition))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#cancelRetention?.()
    await this.#groups.close()
    await this.#delayed.close()
    await this.#retention
    await this.#topics.close()
    const { topics, positions, delayed } = this.#stores
    await Promise.allSettled([topics.close(), positions.close(), delayed.close()])
  }

  /** Where "the end" is at the first subscription is kept, or what is published before a crash would be skipped. */
  async #fixEnd(options: SubscribeOptions, member: GroupMember): Promise<void> {
    const own = new Set(options.positions?.map(({ topic, partition }) => `${topic}/${partition}`))
    const unknown = member.partitions.filter(
      (partition) =>
        this.#groups.committed(options.group, partition) === undefined &&
        !own.has(`${partition.topic}/${partition.index}`),
    )
    for (const partition of unknown) partition.assertAvailable()
    const ends = unknown.map(({ topic, index, endOffset }) => ({
      topic,
      partition: index,
      offset: endOffset,
    }))
    await this.#groups.commit(options.group, ends)
  }

  #rememberDelayed(topic: string, message: NewMessage): void {
    if (!this.#topics.has(topic)) return
    this.#topics.get(topic).rememberDelayed(message, this.#runtime.clock.now())
  }

  #scheduleRetention(): void {
    this.#cancelRetention = this.#runtime.scheduler.after(this.#limits.retentionIntervalMs, () => {
      this.#retention = this.#topics.applyRetention().then(() => {
        if (this.#closing === undefined) this.#scheduleRetention()
      })
    })
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw millraceError('BUS_CLOSED', {})
  }
}
