import { isMillraceError } from '@millrace/kernel'
import type { Aggregate } from './aggregate.ts'
import { Folding } from './folding.ts'
import { type FoundSnapshot, keepSnapshot, loadSnapshot, type StreamPlace } from './snapshot.ts'
import { readStream, type StreamSource } from './stream-reading.ts'

/** Up to where a stream is folded. */
export interface AggregateReadOptions {
  readonly tenant?: string
  /** Only events up to this version. */
  readonly atVersion?: number
  /** Only what was recorded at or before this time, in milliseconds since 1970. */
  readonly atMs?: number
}

/** What a stream's events add up to. */
export interface Aggregated<State> {
  readonly state: State
  /** Of the last event that is part of the state; 0 if there is none. What an append may expect. */
  readonly version: number
}

/** The same, and what the next snapshot must know. */
export interface LoadedAggregate<State> extends Aggregated<State> {
  readonly folding: Folding<State>
  readonly found: FoundSnapshot<State>
}

const NOTHING = { snapshot: undefined, revision: 0 }

/**
 * Folds a stream, from the newest snapshot on if there is one that fits.
 *
 * @throws EVENT_SCHEMA_MISMATCH (an event does not fit its type: an upcaster is missing), and as the reading of a stream
 */
export async function loadAggregate<State>(
  source: StreamSource,
  aggregate: Aggregate<State>,
  place: StreamPlace,
  { atVersion, atMs }: AggregateReadOptions = {},
): Promise<LoadedAggregate<State>> {
  // Times of recording may go back when a clock is set, so a snapshot cannot stand for the events up to a time.
  const mayHelp = aggregate.options.snapshotEvery !== undefined && atMs === undefined
  const found = mayHelp ? await loadSnapshot(source.database, aggregate, place) : NOTHING
  const isTooNew = (found.snapshot?.version ?? 0) > (atVersion ?? Number.POSITIVE_INFINITY)
  const start = isTooNew ? undefined : found.snapshot
  const folding = new Folding(aggregate, start ?? { state: aggregate.options.initial, version: 0 })
  const events = readStream(source, place.stream, {
    tenant: place.tenant,
    fromVersion: folding.version + 1,
    ...(atVersion === undefined ? {} : { toVersion: atVersion }),
    ...(atMs === undefined ? {} : { atMs }),
  })
  for await (const event of events) folding.add(event, place.stream, event.version)
  return { state: folding.state, version: folding.version, folding, found }
}

/** The operations that keep a state when enough events have come since the last one; none before that. */
export function dueSnapshot<State>(
  aggregate: Aggregate<State>,
  place: StreamPlace,
  { folding, found }: Pick<LoadedAggregate<State>, 'folding' | 'found'>,
) {
  const { snapshotEvery = Number.POSITIVE_INFINITY } = aggregate.options
  if (folding.version - (found.snapshot?.version ?? 0) < snapshotEvery) return []
  const { state, version } = folding
  return keepSnapshot(aggregate, place, { state, version }, found.revision)
}

/**
 * The newest state, after which a snapshot is written if one is due. The state does not depend on it: if somebody else
 * has written one, or the database takes no writes now, there will be another occasion.
 */
export async function loadNewest<State>(
  source: StreamSource,
  aggregate: Aggregate<State>,
  place: StreamPlace,
): Promise<LoadedAggregate<State>> {
  const loaded = await loadAggregate(source, aggregate, place)
  const operations = dueSnapshot(aggregate, place, loaded)
  if (operations.length === 0) return loaded
  try {
    await source.database.commit(operations)
  } catch (error) {
    if (!isMillraceError(error) || !(error.retryable || error.code === 'DATABASE_READ_ONLY')) throw error
  }
  return loaded
}
