export type {
  Bus, BusSupports, ExclusiveWriter, GroupInfo, Message, NewMessage, PartitionInfo, Placement, Position, ReadLimits,
  SubscribeOptions, Subscription, TopicInfo, TopicPartition, TopicSettings, WaitOptions, WriterOptions,
} from './bus.ts'
export { type DeadLetter, type DeadLetterCause, deadLetterTopic } from './dead-letters.ts'
export { eventToMessage, idempotencyKeyOf, messageToEvent } from './event-message.ts'
