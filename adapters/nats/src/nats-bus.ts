import {
  assertGroupName,
  assertMessage,
  type Bus,
  type BusSupports,
  type ExclusiveWriter,
  type GroupInfo,
  type Message,
  type MessageLimits,
  type NewMessage,
  type Placement,
  type Position,
  type ReadLimits,
  type SubscribeOptions,
  type Subscription,
  type TopicInfo,
  type TopicSettings,
  type WaitOptions,
  type WriterOptions,
} from '@millrace/bus'
import { abortable, millraceError, throwIfAborted } from '@millrace/kernel'
import { assertWithin } from './held-partition.ts'
import type { WireMessage } from './message-form.ts'
import type { NatsEngine } from './nats-engine.ts'
import { NatsMember } from './nats-member.ts'
import { NatsWriter } from './nats-writer.ts'
import { sequenceOf } from './offsets.ts'
import { readOnce } from './partition-feed.ts'
import type { PublishLink } from './publish-link.ts'
import { PullReader } from './pull-reader.ts'
import type { ServerFindings } from './server-check.ts'
import { TopicPublisher, wiresOf } from './topic-publisher.ts'
import type { TopicFacts } from './topic-streams.ts'

/** Room for our headers beside the largest message: those of a dead letter, and texts that take a detour. */
const HEADER_BYTES = 32 * 1024
const COUNT_MAX_DEFAULT = 1000
const BYTES_MAX_DEFAULT = 1024 * 1024
const CLOSE_MS_MAX = 10_000

/** The bus on NATS JetStream. */
export class NatsBus implements Bus {
  readonly supports: BusSupports
  /** What can be lost with the settings that server and streams had when the bus was opened; one sentence each. */
  readonly findings: readonly string[]
  readonly #engine: NatsEngine
  readonly #publishing: PublishLink
  readonly #limits: MessageLimits
  readonly #publishers = new Map<string, TopicPublisher>()
  readonly #writers = new Set<NatsWriter>()
  #closing: Promise<void> | undefined

  constructor(engine: NatsEngine, publishing: PublishLink, findings: ServerFindings) {
    this.#engine = engine
    this.#publishing = publishing
    const { limits } = engine.link.settings
    const { max_payload } = engine.link.info
    const messageBytesMax = Math.min(limits.messageBytesMax, max_payload - HEADER_BYTES)
    this.#limits = { messageBytesMax, appendBytesMax: Number.POSITIVE_INFINITY }
    this.findings = findings.lines
    this.supports = {
      engine: 'nats',
      delay: false,
      idempotency: true,
      idempotencyWindow: { kind: 'time', ms: limits.duplicateWindowMs },
      exclusiveWriter: true,
      contiguousOffsets: false,
      durable: findings.durable,
    }
  }

  async createTopic(name: string, settings: TopicSettings = {}): Promise<TopicInfo> {
    this.#assertOpen()
    return this.#engine.topics.create(name, settings)
  }

  async listTopics(): Promise<readonly TopicInfo[]> {
    this.#assertOpen()
    return this.#engine.topics.list()
  }

  async publish(
    topic: string,
    messages: readonly NewMessage[],
    options: WaitOptions = {},
  ): Promise<readonly Placement[]> {
    this.#assertOpen()
    throwIfAborted(options.signal)
    for (const message of messages) {
      assertMessage(topic, message, this.#limits)
      if (message.deliverAtMs !== undefined)
        throw millraceError('NOT_SUPPORTED', { what: 'deliverAtMs', engine: 'nats' })
    }
    // Copied before the first wait: from here on the publisher may use its buffers again.
    const own = messages.map((message) => ({ ...message, value: message.value.slice() }))
    return abortable(this.#publish(topic, own), options.signal)
  }

  async read(position: Position, limits: ReadLimits = {}): Promise<readonly Message[]> {
    this.#assertOpen()
    const { topic, partition, offset } = position
    const facts = await this.#engine.topics.partition(topic, partition)
    const range = await this.#engine.topics.range(facts, partition)
    assertWithin(position, range)
    if (offset >= range.end) return []
    const subject = this.#engine.names.subject(topic, partition)
    return readOnce(
      this.#engine.link,
      { facts, partition, subject, offset },
      {
        countMax: Math.max(1, limits.countMax ?? COUNT_MAX_DEFAULT),
        bytesMax: Math.max(1, limits.bytesMax ?? BYTES_MAX_DEFAULT),
      },
    )
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    this.#assertOpen()
    assertGroupName(options.group)
    const facts = new Map<string, TopicFacts>()
    for (const topic of new Set(options.topics)) facts.set(topic, await this.#engine.topics.facts(topic))
    for (const position of options.positions ?? []) {
      const known = await this.#engine.topics.partition(position.topic, position.partition)
      const { end } = await this.#engine.topics.range(known, position.partition)
      // Ahead of the end: the checkpoint belongs to another bus, and waiting for the end to get there would lose messages.
      assertWithin(position, { start: 0, end })
    }
    if (options.from === 'end') await this.#fixEnd(options, facts)
    const member = await NatsMember.join(this.#engine, options, facts)
    if (this.#closing !== undefined) {
      await member.close()
      this.#assertOpen()
    }
    this.#engine.members.add(member)
    return member
  }

  async openWriter(topic: string, options: WriterOptions = {}): Promise<ExclusiveWriter> {
    this.#assertOpen()
    const partition = options.partition ?? 0
    const facts = await this.#engine.topics.partition(topic, partition)
    if (!facts.exclusive)
      throw millraceError('TOPIC_CONFLICT', { topic, setting: 'exclusive', seen: 'false', expected: 'true' })
    const subject = this.#engine.names.subject(topic, partition)
    const rules = { limits: this.#limits, assertOpen: () => this.#assertOpen() }
    const writer = await NatsWriter.open(this.#engine.link, { facts, partition, subject }, rules)
    this.#writers.add(writer)
    return writer
  }

  async listGroups(): Promise<readonly GroupInfo[]> {
    this.#assertOpen()
    return this.#engine.bucket.list((position) => this.#lag(position))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const ends = [
      ...[...this.#engine.members].map((member) => member.close()),
      ...[...this.#writers].map((writer) => writer.close()),
      ...[...this.#publishers.values()].map((publisher) => publisher.idle()),
    ]
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, CLOSE_MS_MAX)
    await Promise.race([Promise.allSettled(ends), late])
    clearTimeout(timer)
    for (const publisher of this.#publishers.values()) publisher.stop(millraceError('BUS_CLOSED', {}))
    this.#engine.sessions.close()
    await this.#publishing.close()
    await this.#engine.link.close()
  }

  async #publish(topic: string, messages: readonly NewMessage[]): Promise<readonly Placement[]> {
    // The same promise for every call, so that calls go on in their order.
    const facts = await this.#engine.topics.facts(topic)
    this.#assertOpen()
    if (facts.exclusive) throw millraceError('TOPIC_EXCLUSIVE', { topic })
    const publisher = this.#publisher(facts)
    const wires = wiresOf(publisher, messages)
    this.#assertSizes(topic, wires)
    publisher.assertRoom(wires.reduce((sum, { bytes }) => sum + bytes, 0))
    return publisher.publish(messages, wires)
  }

  #publisher(facts: TopicFacts): TopicPublisher {
    let publisher = this.#publishers.get(facts.name)
    if (publisher === undefined) {
      const { link, topics, names } = this.#engine
      publisher = new TopicPublisher({ link, publishing: this.#publishing, topics, names }, facts)
      this.#publishers.set(facts.name, publisher)
    }
    return publisher
  }

  /** Texts that take a detour are longer on the way than they count. */
  #assertSizes(topic: string, wires: readonly WireMessage[]): void {
    const limit = this.#engine.link.info.max_payload
    for (const { bytes } of wires) {
      if (bytes > limit) throw millraceError('MESSAGE_TOO_LARGE', { topic, seen: bytes, limit })
    }
  }

  /** Where "the end" is at the first subscription is kept, or what is published before a crash would be skipped. */
  async #fixEnd(
    { group, positions = [] }: SubscribeOptions,
    topics: ReadonlyMap<string, TopicFacts>,
  ): Promise<void> {
    const { bucket } = this.#engine
    for (const facts of topics.values()) {
      for (let partition = 0; partition < facts.partitions; partition += 1) {
        if (positions.some((own) => own.topic === facts.name && own.partition === partition)) continue
        const { value, revision } = await bucket.claim(group, facts.name, partition)
        if (value.offset >= 0) continue
        const { end } = await this.#engine.topics.range(facts, partition)
        const position = { topic: facts.name, partition, offset: end }
        // Whoever was quicker has fixed it, too.
        await bucket.setClaim(group, position, value.owner, revision)
      }
    }
  }

  /** How many messages are behind a position; frames, in exclusive topics. */
  async #lag({ topic, partition, offset }: Position): Promise<number> {
    const { topics, names, link } = this.#engine
    const facts = await topics.facts(topic).catch(() => undefined)
    if (facts === undefined) return 0
    const from = { sequence: sequenceOf(facts, offset) }
    const reader = await PullReader.open(link, {
      stream: facts.stream,
      subject: names.subject(topic, partition),
      from,
    })
    reader.close()
    return reader.pendingAtStart
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw millraceError('BUS_CLOSED', {})
  }
}
