export type {
  Bus,
  BusSupports,
  ExclusiveWriter,
  GroupInfo,
  IdempotencyWindowSize,
  Message,
  NewMessage,
  PartitionInfo,
  Placement,
  Position,
  ReadLimits,
  SubscribeOptions,
  Subscription,
  TopicInfo,
  TopicPartition,
  TopicSettings,
  WaitOptions,
  WriterOptions,
} from './bus.ts'
export { BUS_LIMITS_DEFAULT, type BusLimits } from './bus-limits.ts'
export type {
  BusStores,
  KeyScan,
  PartitionStore,
  Retention,
  StoredKey,
} from './bus-stores.ts'
export {
  type DeadLetter,
  type DeadLetterCause,
  type DeadLetterCount,
  type DeadLetterOptions,
  deadLetter,
  deadLetterTopic,
  isDeadLetterTopic,
  isForGroup,
  listDeadLetters,
  readDeadLetters,
  replayDeadLetters,
} from './dead-letters.ts'
export { derivedId } from './derived-id.ts'
export { EmbeddedBus } from './embedded-bus.ts'
export { eventToMessage, idempotencyKeyOf, messageToEvent } from './event-message.ts'
export { type AssignableMember, type AssignablePartition, assignPartitions } from './group-assignment.ts'
export { type LogBusLimits, type LogBusOptions, openLogBus } from './log-bus.ts'
export { assertGroupName, assertMessage, assertTopicName, type MessageLimits } from './message-checks.ts'
export { partitionOfKey } from './partition-choice.ts'
