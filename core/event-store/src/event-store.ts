import type { Database, EventInput, StoreSchema, StreamInfo } from '@millrace/documents'
import type { Runtime } from '@millrace/kernel'
import type { Aggregate } from './aggregate.ts'
import { type Aggregated, type AggregateReadOptions, loadAggregate, loadNewest } from './aggregate-loading.ts'
import {
  type Appended,
  type AppendOptions,
  append,
  prepareUnit,
  type UnitOptions,
  type Writing,
} from './append.ts'
import { type Decide, type Decided, type DecideOptions, decideOn } from './decision.ts'
import { type FeedOptions, type FeedPage, feed, feedPages } from './feed.ts'
import type { RecordedEvent } from './recorded-event.ts'
import { eraseSnapshots, SNAPSHOTS } from './snapshot.ts'
import { readStream, type StreamReading, type StreamReadOptions } from './stream-reading.ts'
import type { Upcasters } from './upcasters.ts'

/** What an event store is made of. */
export interface EventStoreOptions {
  readonly database: Database
  readonly runtime: Runtime
  /** Applied to every event that is read. Default: none. */
  readonly upcasters?: Upcasters
  /** The `source` of events that are appended as drafts. Default: '/event-store'. */
  readonly source?: string
}

/** Names the tenant of a stream. */
export interface OfStream {
  /** Default: the empty text, the tenant of those who have none. */
  readonly tenant?: string
}

/** Streams of events in a database. It has nothing to close: the database belongs to whoever opened it. */
export interface EventStore {
  readonly database: Database
  readonly upcasters: Upcasters | undefined
  /**
   * Reads a stream in pages while it is gone through; one that does not exist has no events.
   *
   * The iteration throws STREAM_ENDED (tombstoned), STORED_EVENT_UNREADABLE, and what the database throws.
   */
  readStream(stream: string, options?: StreamReadOptions): StreamReading
  /** What is known about a stream; undefined if it does not exist. A tombstoned one still says that it was there. */
  streamInfo(stream: string, options?: OfStream): Promise<StreamInfo | undefined>
  /** True for a stream that has events which can be read. */
  exists(stream: string, options?: OfStream): Promise<boolean>
  /**
   * Begins a stream that must not be there yet. Durable on return where the database is.
   *
   * @throws STREAM_CONFLICT (it is there; the error says at which version), and as {@link append}
   */
  startStream(
    stream: string,
    events: readonly EventInput[],
    options?: Omit<AppendOptions, 'expectedVersion'>,
  ): Promise<Appended>
  /**
   * Appends events, all or none, and begins the stream if it is not there. Durable on return where the database is. To
   * append together with documents use a session.
   *
   * @throws STREAM_CONFLICT (with the version that was seen and the one that was expected), STREAM_ENDED, EVENT_INVALID,
   * and what `Database.commit` throws. After DATABASE_FAILED it may have been done: read the stream.
   */
  append(stream: string, events: readonly EventInput[], options?: AppendOptions): Promise<Appended>
  /** Hands events over to the relay, each for its own topic, without a stream. @throws as {@link append} */
  publish(events: readonly EventInput[], options?: UnitOptions): Promise<{ readonly position: number }>
  /** Ends a stream: it can still be read, takes no more events, and leaves the feed. Idempotent. */
  archive(stream: string, options?: OfStream): Promise<void>
  /** Ends a stream for good and erases its events and the snapshots of it. Idempotent. */
  tombstone(stream: string, options?: OfStream): Promise<void>
  /**
   * What the events of a stream add up to, now or up to a version or time. The version is what an append may expect. May
   * write a snapshot, if the aggregate keeps them and one is due.
   *
   * @throws EVENT_SCHEMA_MISMATCH (an event does not fit its type: an upcaster is missing), and as {@link readStream}
   */
  aggregate<State>(
    aggregate: Aggregate<State>,
    stream: string,
    options?: AggregateReadOptions,
  ): Promise<Aggregated<State>>
  /**
   * Loads, decides, and appends on condition that the stream is still as it was loaded; a snapshot that is due is part of
   * the unit. A stream that begins gets the aggregate's name as its type. With `attemptsMax` above 1 a conflict begins
   * anew.
   *
   * @throws STREAM_CONFLICT, EVENT_SCHEMA_MISMATCH (also for what was decided: nothing is appended then), what `decide`
   * throws, and as loading and appending
   */
  decide<State>(
    aggregate: Aggregate<State>,
    stream: string,
    decide: Decide<State>,
    options?: DecideOptions,
  ): Promise<Decided<State>>
  /**
   * The events of the whole store in the order of positions: catches up, then waits for what comes. Misses none.
   *
   * The iteration throws the signal's reason, STORED_EVENT_UNREADABLE, and what the database throws.
   */
  feed(options?: FeedOptions): AsyncIterable<RecordedEvent>
  /** The same in pages, each with the position behind which to go on. */
  feedPages(options?: FeedOptions): AsyncIterable<FeedPage>
  /** The position up to which the feed is complete now. */
  feedEnd(): Promise<number>
}

/** What the database has to hold for an event store: for those who prepare databases by hand. */
export const EVENT_STORE_SCHEMA: StoreSchema = {
  collections: [{ name: SNAPSHOTS, indexes: [{ kind: 'property', name: 'by-stream', paths: [['stream']] }] }],
}

/** Opens an event store; the collection of its snapshots exists on return. Throws what the database throws. */
export async function openEventStore(options: EventStoreOptions): Promise<EventStore> {
  const { database, runtime, upcasters, source = '/event-store' } = options
  await database.prepare(EVENT_STORE_SCHEMA)
  return new StreamStore({ database, runtime, upcasters, source })
}

class StreamStore implements EventStore {
  readonly #writing: Writing

  constructor(writing: Writing) {
    this.#writing = writing
  }

  get database(): Database {
    return this.#writing.database
  }

  get upcasters(): Upcasters | undefined {
    return this.#writing.upcasters
  }

  readStream(stream: string, options?: StreamReadOptions): StreamReading {
    return readStream(this.#writing, stream, options)
  }

  async streamInfo(stream: string, options: OfStream = {}): Promise<StreamInfo | undefined> {
    const [[info]] = await this.database.read([{ ...options, kind: 'stream-info', streams: [stream] }])
    return info
  }

  async exists(stream: string, options?: OfStream): Promise<boolean> {
    const info = await this.streamInfo(stream, options)
    return info !== undefined && info.state !== 'tombstoned'
  }

  startStream(
    stream: string,
    events: readonly EventInput[],
    options: Omit<AppendOptions, 'expectedVersion'> = {},
  ): Promise<Appended> {
    return append(this.#writing, stream, events, { ...options, expectedVersion: 'none' })
  }

  append(stream: string, events: readonly EventInput[], options: AppendOptions = {}): Promise<Appended> {
    return append(this.#writing, stream, events, options)
  }

  async publish(events: readonly EventInput[], options: UnitOptions = {}): Promise<{ position: number }> {
    const unit = prepareUnit(this.#writing, events, { ...options, publish: true })
    const { results } = await this.database.commit([{ kind: 'publish', events: unit.stored }], unit.options)
    return { position: results[0]?.position ?? 0 }
  }

  async archive(stream: string, options: OfStream = {}): Promise<void> {
    await this.database.commit([{ kind: 'archive', stream }], options)
  }

  async tombstone(stream: string, options: OfStream = {}): Promise<void> {
    const { tenant = '' } = options
    // Without a stream there is nothing to end, and a mark would refuse the snapshots of one that begins later.
    if ((await this.streamInfo(stream, options)) === undefined) return
    await this.database.commit([{ kind: 'tombstone', stream, tenant }, ...eraseSnapshots({ stream, tenant })])
  }

  aggregate<State>(
    aggregate: Aggregate<State>,
    stream: string,
    options: AggregateReadOptions = {},
  ): Promise<Aggregated<State>> {
    const { tenant = '', atVersion, atMs } = options
    const isNewest = atVersion === undefined && atMs === undefined
    const loading = isNewest
      ? loadNewest(this.#writing, aggregate, { stream, tenant })
      : loadAggregate(this.#writing, aggregate, { stream, tenant }, options)
    return loading.then(({ state, version }) => ({ state, version }))
  }

  decide<State>(
    aggregate: Aggregate<State>,
    stream: string,
    decide: Decide<State>,
    options?: DecideOptions,
  ): Promise<Decided<State>> {
    return decideOn(this.#writing, aggregate, stream, decide, options)
  }

  feed(options?: FeedOptions): AsyncIterable<RecordedEvent> {
    return feed(this.#writing, options)
  }

  feedPages(options?: FeedOptions): AsyncIterable<FeedPage> {
    return feedPages(this.#writing, options)
  }

  async feedEnd(): Promise<number> {
    const [end] = await this.database.read([{ kind: 'feed-end' }])
    return end
  }
}
