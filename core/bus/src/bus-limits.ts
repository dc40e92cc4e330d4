/** Every limit of an embedded bus. */
export interface BusLimits {
  /** Key, headers and value of one message together; up to 8 KiB of the bus's own `mr_` headers do not count. Default: 1 MiB. */
  readonly messageBytesMax: number
  /** Idempotency keys remembered a topic, the newest first. Default: 65,536. */
  readonly idempotencyKeysMax: number
  /** Messages that wait for their time, in all topics together. Default: 100,000. */
  readonly delayedMessagesMax: number
  /** Default: 10,000. */
  readonly topicsMax: number
  /** Partitions of one topic. Default: 256. */
  readonly partitionsPerTopicMax: number
  /** Groups with members or committed positions. Default: 10,000. */
  readonly groupsMax: number
  /** Members of one group in this process. Default: 256. */
  readonly membersPerGroupMax: number
  /** Time between two rounds of retention, in milliseconds. Default: 60,000. */
  readonly retentionIntervalMs: number
}

/** What holds where nothing else is said. */
export const BUS_LIMITS_DEFAULT: BusLimits = {
  messageBytesMax: 1024 * 1024,
  idempotencyKeysMax: 65_536,
  delayedMessagesMax: 100_000,
  topicsMax: 10_000,
  partitionsPerTopicMax: 256,
  groupsMax: 10_000,
  membersPerGroupMax: 256,
  retentionIntervalMs: 60_000,
}

/** Bytes of `mr_` headers that a message may carry beyond its own limit, so that a dead letter always fits. */
export const OWN_HEADER_BYTES_MAX = 8 * 1024

/** Characters of an idempotency key. */
export const IDEMPOTENCY_KEY_CHARACTERS_MAX = 200
