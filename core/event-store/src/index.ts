export { type EventInput, newEvent } from '@millrace/documents'
export {
  type Aggregate,
  type AggregateCase,
  type AggregateOptions,
  aggregate,
  type Fold,
  type FoldedEvent,
} from './aggregate.ts'
export type { Aggregated, AggregateReadOptions } from './aggregate-loading.ts'
export type { Appended, AppendOptions, UnitOptions } from './append.ts'
export type { Decide, Decided, DecideOptions } from './decision.ts'
export {
  EVENT_STORE_SCHEMA,
  type EventStore,
  type EventStoreOptions,
  type OfStream,
  openEventStore,
} from './event-store.ts'
export { type FeedOptions, type FeedPage, type FeedSource, feed, feedPages } from './feed.ts'
export { acquireLease, type Lease, type LeaseOptions } from './lease.ts'
export { LEASES, revokeLease } from './lease-note.ts'
export { type RecordedEvent, recordedEvent } from './recorded-event.ts'
export { listRefusals, type Refusal } from './refusal.ts'
export { discardRefusal, retryRefusal } from './refusal-resolution.ts'
export { type Relay, type RelayOptions, type RelayProgress, type RelayRetry, startRelay } from './relay.ts'
export { RELAY_SCHEMA } from './relay-schema.ts'
export { snapshotErasure } from './snapshot-erasure.ts'
export {
  readStream,
  type StreamReading,
  type StreamReadOptions,
  type StreamSource,
} from './stream-reading.ts'
export {
  type EventShape,
  type TypedShape,
  type Upcaster,
  type Upcasters,
  upcaster,
  upcasters,
} from './upcasters.ts'
