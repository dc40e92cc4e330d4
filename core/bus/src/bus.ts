/**
 * The Bus port: topics, partitions, groups and fenced writers, as processors need them.
 *
 * The port is cut so that three engines can carry it. Each member says how it maps:
 * - **embedded**: one durable log a partition;
 * - **Kafka**: a topic a topic, `acks=all`, headers as headers, key as key;
 * - **NATS JetStream**: a stream a topic with subjects `<topic>.<partition>`, `Nats-Msg-Id` for idempotency.
 * What an engine cannot do is a flag of {@link BusSupports}; code asks for the ability, never for the engine.
 */
export interface Bus extends AsyncDisposable {
  readonly supports: BusSupports

  /**
   * Makes sure that the topic exists; durable on return. An existing topic must agree on `partitions` and
   * `exclusive` (`TOPIC_CONFLICT`); its retention is changed to what is given.
   * Kafka: CreateTopics. NATS: streams.add or update.
   */
  createTopic(name: string, settings?: TopicSettings): Promise<TopicInfo>

  /** All topics, sorted by name. Kafka: Metadata and ListOffsets. NATS: streams.list. */
  listTopics(): Promise<readonly TopicInfo[]>

  /**
   * Publishes messages in order; resolves with the place of each, in the same order, when all are durable. Messages
   * with one key go to one partition and keep their order, also over several calls. A message whose
   * `idempotencyKey` was seen recently (see `supports.idempotencyWindow`) is not written again; its place says so.
   * Messages with `deliverAtMs` are durable on return, but appear in the topic at that time.
   * A call whose signal has aborted already publishes nothing; later, aborting gives up the wait only. One message that
   * is refused refuses the call. If the storage of one partition fails, what went to the others stays published: the
   * call rejects, and is safe to repeat with the same idempotency keys. The same holds for a call of more bytes than the
   * engine writes at once (the embedded bus: 16 MiB, or what a segment takes): it is written in parts, each when the one
   * before is durable, and later calls for the topic wait for their turn behind it. If a part fails, those before it stay
   * published and those behind it are not tried, so that a repetition keeps the order per key.
   * Kafka: Produce with acks=all by an idempotent producer. NATS: publish with `Nats-Msg-Id`, awaiting every ack.
   *
   * @throws TOPIC_UNKNOWN, MESSAGE_TOO_LARGE, MESSAGE_INVALID, TOPIC_EXCLUSIVE, NOT_SUPPORTED, BUS_LIMIT_REACHED,
   * DISK_FULL, PARTITION_UNAVAILABLE, BUS_CLOSED
   */
  publish(
    topic: string,
    messages: readonly NewMessage[],
    options?: WaitOptions,
  ): Promise<readonly Placement[]>

  /**
   * Messages of one partition from `position.offset` on, in order, at least one if there is one; an empty list at the end.
   * Outside any group. Kafka: Fetch. NATS: an ordered consumer, or direct get.
   *
   * @throws TOPIC_UNKNOWN, PARTITION_UNKNOWN, OFFSET_OUT_OF_RANGE, PARTITION_UNAVAILABLE
   */
  read(position: Position, limits?: ReadLimits): Promise<readonly Message[]>

  /**
   * Joins a group. The partitions of the topics are divided among the members of a group; each partition has one
   * member at a time. Kafka: a consumer group; own positions are sought when partitions are assigned. NATS: the division
   * and the positions are entries of a key-value bucket, changed by compare and swap.
   *
   * @throws TOPIC_UNKNOWN, GROUP_NAME_INVALID, OFFSET_OUT_OF_RANGE (an own position is ahead of its partition: it
   * belongs to another bus), BUS_LIMIT_REACHED, PARTITION_UNAVAILABLE (nobody knows its end, to subscribe from 'end')
   */
  subscribe(options: SubscribeOptions): Promise<Subscription>

  /**
   * Becomes the only writer of a partition of an exclusive topic, from now on and also against writers that are
   * already open: they get `WRITER_FENCED`, refused by the log itself. Durable on return.
   * Kafka: a transactional id (InitProducerId raises the epoch); who may publish beside it is the topic's ACL. NATS: the
   * expected-last-subject-sequence header; opening appends a record that readers skip, or the older writer would not be
   * refused before the first append of the newer one.
   *
   * @throws TOPIC_UNKNOWN, PARTITION_UNKNOWN, TOPIC_CONFLICT (the topic is not exclusive), NOT_SUPPORTED,
   * PARTITION_UNAVAILABLE
   */
  openWriter(topic: string, options?: WriterOptions): Promise<ExclusiveWriter>

  /** Groups with their committed positions and lag, for operators. Kafka: ListGroups, OffsetFetch. NATS: the entries of the bucket. */
  listGroups(): Promise<readonly GroupInfo[]>

  /** Stops subscriptions and writers, finishes publications in flight, and closes. Idempotent. */
  close(): Promise<void>
}

/** What an engine can do. */
export interface BusSupports {
  /** The engine's name, for messages to people only. */
  readonly engine: string
  /** `deliverAtMs` works. Kafka: no. NATS: no; see docs/decisions/0008. */
  readonly delay: boolean
  /** Recent idempotency keys are recognised. Kafka: no (its producer ids do not outlive a process). NATS: yes. */
  readonly idempotency: boolean
  /** For how long a key is remembered at least; `none` without `idempotency`. */
  readonly idempotencyWindow: IdempotencyWindowSize
  /** `openWriter` works. */
  readonly exclusiveWriter: boolean
  /**
   * A partition's offsets have no holes but those of a damaged disk. Kafka: no, the markers of transactions take offsets.
   * NATS: no, its sequences run over the whole stream.
   */
  readonly contiguousOffsets: boolean
  /** What was acknowledged survives a power cut of the machine, as the engine is set up now. */
  readonly durable: boolean
}

/**
 * How long idempotency keys are remembered: those of so many of a topic's newest messages (embedded), or of so many
 * milliseconds (NATS).
 */
export type IdempotencyWindowSize =
  | { readonly kind: 'none' }
  | { readonly kind: 'messages'; readonly count: number }
  | { readonly kind: 'time'; readonly ms: number }

/** Settings of a topic. */
export interface TopicSettings {
  /** Default: 1. Fixed for the life of the topic, because keys are bound to partitions. */
  readonly partitions?: number
  /** Only an {@link ExclusiveWriter} may write. Default: false. */
  readonly exclusive?: boolean
  readonly retention?: { readonly ageMsMax?: number; readonly bytesMax?: number }
}

/** A topic as it is. */
export interface TopicInfo {
  readonly name: string
  readonly exclusive: boolean
  readonly retention: { readonly ageMsMax?: number; readonly bytesMax?: number }
  readonly partitions: readonly PartitionInfo[]
}

/** A partition as it is; it holds offsets from `startOffset` up to, not including, `endOffset`. */
export interface PartitionInfo {
  readonly partition: number
  readonly startOffset: number
  readonly endOffset: number
  /** What it takes in the storage. NATS: an equal part of what the topic takes. */
  readonly bytes: number
  /**
   * What is wrong with its storage, for people; absent if nothing is. Other partitions do not suffer from it. The embedded
   * bus opens storage that has failed anew, by itself, with pauses from a second to a minute.
   */
  readonly trouble?: string
}

/** A message to be published. The bus looks at `key` only. */
export interface NewMessage {
  /** Messages with one key keep their order. Absent: any partition, no order. */
  readonly key?: string
  /**
   * Names: printable ASCII without spaces and ":" (NATS carries no others). Texts: any. Names that start with `mr_` are
   * the bus's own.
   */
  readonly headers: Readonly<Record<string, string>>
  readonly value: Uint8Array
  /** Makes a repeated publication recognisable; at most 200 characters. */
  readonly idempotencyKey?: string
  /** Not before this time, in milliseconds since 1970. Needs `supports.delay`. */
  readonly deliverAtMs?: number
}

/** A message as it was read. `value` must not be changed. */
export interface Message {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** When the bus accepted it, milliseconds since 1970. */
  readonly timestampMs: number
  readonly key: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly value: Uint8Array
}

/** A place in a topic. As a committed position: the next offset to be read. */
export interface Position {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** What became of one published message. */
export interface Placement extends Position {
  /** True if the idempotency key was known: the offset is that of the first publication (-1 if no longer known). */
  readonly duplicate: boolean
  /** True if it waits for its time; its offset is -1. */
  readonly delayed: boolean
}

/** How much one read may return; it returns at least one message if there is one. */
export interface ReadLimits {
  /** Default: 1,000. */
  readonly countMax?: number
  /** Default: 1 MiB. */
  readonly bytesMax?: number
}

/** Something that can be given up. */
export interface WaitOptions {
  readonly signal?: AbortSignal
}

/** Options of {@link Bus.subscribe}. */
export interface SubscribeOptions {
  readonly group: string
  readonly topics: readonly string[]
  /**
   * Where a partition without a committed position starts. Default: 'start'. 'end' commits where the end is, before
   * `subscribe` resolves: what is published later is not skipped, whatever happens.
   */
  readonly from?: 'start' | 'end'
  /** Start here instead of at the group's committed positions: for processors that keep their own checkpoint. */
  readonly positions?: readonly Position[]
}

/** A member of a group. Partitions may come and go between two calls of `next`. */
export interface Subscription extends AsyncDisposable {
  /**
   * Waits for messages of the partitions that this member holds and that are not paused; at least one message, in
   * order within a partition. Each message is returned once, unless the partition moves to another member or
   * `seek` goes back. Rejects when `signal` aborts (nothing is lost) or with `SUBSCRIPTION_CLOSED`. A partition that
   * cannot be read makes it reject at most once a second, and only if there was nothing else to return: call it again.
   * Where retention has removed what would be next, it goes on at the start. Calls take turns.
   */
  next(options?: ReadLimits & WaitOptions): Promise<readonly Message[]>
  /**
   * Makes positions the starting point of the group's next member; durable on return. A position of a partition that
   * this member no longer holds is ignored. Kafka: OffsetCommit with the member's generation. NATS: an update of the
   * position's entry, with the revision that became this member's when it got the partition.
   */
  commit(positions: readonly Position[]): Promise<void>
  /** Goes on with another offset in partitions that this member holds. */
  seek(positions: readonly Position[]): Promise<void>
  /** Leaves out these partitions in `next` until they are resumed; a no-op for partitions not held. */
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  /**
   * The partitions that this member holds now. After another one has come or gone it may take a moment until everybody
   * knows; no partition is held by two meanwhile, but one that was given up for dead and lives: its commits are ignored.
   */
  assigned(): readonly TopicPartition[]
  /** Leaves the group; its partitions go to the others. Idempotent. */
  close(): Promise<void>
}

/** Names a partition. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Options of {@link Bus.openWriter}. */
export interface WriterOptions {
  /** Default: 0. */
  readonly partition?: number
}

/** The only writer of a partition, for as long as its epoch is the newest. */
export interface ExclusiveWriter extends AsyncDisposable {
  /** Grows with every writer that is opened for the partition: the fencing token. */
  readonly epoch: number
  /**
   * Behind the newest message. The next one gets exactly this offset where `supports.contiguousOffsets`, else at least
   * this (NATS: other partitions use numbers up in between).
   */
  readonly endOffset: number
  /**
   * Appends messages in order, all or none, and resolves when they are durable. With `expectedOffset` it appends only
   * if `endOffset` is exactly that: nobody has appended since it was read. Calls are judged and made one after another. A message whose
   * idempotency key is known is not written again. `deliverAtMs` is NOT_SUPPORTED here. After PARTITION_UNAVAILABLE it
   * is in doubt whether the messages were written: when the partition is there again, `endOffset` tells.
   * Kafka: a transaction. NATS: one record that holds them all, so that every version of the server can do it.
   *
   * @throws WRITER_FENCED as soon as a newer writer has been opened, WRITER_POSITION_CONFLICT, WRITER_APPEND_TOO_LARGE
   * (more bytes than the engine writes at once: nothing is written), WRITER_CLOSED, and what {@link Bus.publish} throws
   */
  append(
    messages: readonly NewMessage[],
    options?: { readonly expectedOffset?: number },
  ): Promise<readonly Placement[]>
  close(): Promise<void>
}

/** A group as operators see it. */
export interface GroupInfo {
  readonly group: string
  readonly members: number
  /** Committed positions with how many messages are behind them. NATS, in an exclusive topic: how many appends. */
  readonly positions: readonly (Position & { readonly lag: number })[]
}
