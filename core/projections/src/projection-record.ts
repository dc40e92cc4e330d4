import type { Database, StoredDocument, StoredPosition, WriteOperation } from '@millrace/documents'
import { revokeLease } from '@millrace/event-store'
import type { LastError } from './shard-status.ts'

/** The collection of what is known about projections. It belongs to no tenant. */
export const PROJECTIONS = 'millrace-projections'

/**
 * A projection has two sets of positions and leases: the one that is served, and the one of a rebuild beside it. After
 * the switch they have changed places, so that nothing has to be renamed, and nothing is left behind.
 */
export type Slot = 0 | 1

/**
 * What is durable about a projection that runs in the background. Its revision goes with every change. States: running
 * or not; and within that a rebuild, or none.
 *
 * Invariant: whoever changes which slot works on which documents revokes the leases of the shards concerned in the same
 * unit, and a shard looks here after it has taken its lease. So no shard works by an old record.
 */
export interface ProjectionRecord {
  /** The projection's name. */
  readonly id: string
  /** Of the functions that the served documents were made by. */
  readonly version: number
  readonly shards: number
  readonly slot: Slot
  /** `paused`: by hand. `stopped`: by an error. */
  readonly state: 'running' | 'paused' | 'stopped'
  /** Why it is stopped. */
  readonly error?: RecordedError
  readonly rebuild?: RebuildRecord
  /** Rebuilds begun so far. */
  readonly rebuilds: number
}

/** Why something stopped. */
export interface RecordedError extends LastError {
  /** Of the event; absent if none is to blame. */
  readonly position?: number
}

/** A rebuild that is going on. */
export interface RebuildRecord {
  /** Tells it from the rebuilds before. */
  readonly number: number
  readonly version: number
  readonly shards: number
  /**
   * `side-by-side`: a shadow collection is filled, in the other slot, and then takes the place of the served one.
   * `in-place`: what was there is gone, and the served slot fills it again.
   */
  readonly kind: 'side-by-side' | 'in-place'
  /**
   * `filling`. `switching`: the served shards are halted for good, and the others catch up with where they stood, so that
   * no document goes back in time.
   */
  readonly phase: 'filling' | 'switching'
  /** It is done when every shard has come this far: the end of the feed when it began. */
  readonly goal: number
  readonly state: 'running' | 'stopped'
  readonly error?: RecordedError
  readonly startedAtMs: number
}

/** A record and the revision that it has; 0 for one that is not stored yet. */
export interface KnownRecord {
  readonly record: ProjectionRecord
  readonly revision: number
}

/** The records that are stored, in no particular order. Throws what the database throws. */
export async function readRecords(database: Database, names: readonly string[]): Promise<KnownRecord[]> {
  const [stored] = await database.read([{ kind: 'load', collection: PROJECTIONS, ids: names }])
  return stored.map(recordOf)
}

/** The record that is stored. */
export function recordOf({ text, revision }: StoredDocument): KnownRecord {
  return { record: JSON.parse(text) as ProjectionRecord, revision }
}

/** Writes the record if nobody else has changed it. */
export function storeRecord(record: ProjectionRecord, expectedRevision: number): WriteOperation {
  const text = JSON.stringify(record)
  return { kind: 'store', collection: PROJECTIONS, id: record.id, text, expectedRevision }
}

/** The slot of a rebuild beside the served one. */
export function otherSlot(slot: Slot): Slot {
  return slot === 0 ? 1 : 0
}

/** The slot that a rebuild fills. */
export function rebuildSlot({ slot }: ProjectionRecord, { kind }: Pick<RebuildRecord, 'kind'>): Slot {
  return kind === 'in-place' ? slot : otherSlot(slot)
}

/** The name under which a shard's lease is kept. */
export function leaseNameOf(projection: string, slot: Slot, shard: number): string {
  return `projection/${projection}/${slot}/${shard}`
}

/** The name of a slot's positions. No topic of the bus can have it. */
export function topicOf(slot: Slot): string {
  return `$feed/${slot}`
}

/** A shard's position as it is stored: the next one to read. */
export function positionAt(slot: Slot, shard: number, through: number): StoredPosition {
  return { topic: topicOf(slot), partition: shard, offset: through === 0 ? 0 : through + 1 }
}

/** How far a shard has come, by the positions that are stored of its projection. */
export function throughOf(stored: readonly StoredPosition[], slot: Slot, shard: number): number {
  const topic = topicOf(slot)
  const found = stored.find((each) => each.topic === topic && each.partition === shard)
  return Math.max(0, (found?.offset ?? 0) - 1)
}

/** Revokes the leases of a slot. */
export function revokeAll(projection: string, slot: Slot, shards: number): WriteOperation[] {
  return Array.from({ length: shards }, (_, shard) => revokeLease(leaseNameOf(projection, slot, shard)))
}

/** Puts a slot's shards at the beginning. */
export function rewindAll(projection: string, slot: Slot, shards: number): WriteOperation[] {
  return Array.from({ length: shards }, (_, shard) => {
    return { kind: 'position', processor: projection, position: positionAt(slot, shard, 0) }
  })
}
