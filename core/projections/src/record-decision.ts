import type { StoredPosition } from '@millrace/documents'
import { type AnyProjection, shadowOf, versionOf } from './any-projection.ts'
import {
  type KnownRecord,
  type ProjectionRecord,
  type RebuildRecord,
  rebuildSlot,
  type Slot,
  throughOf,
} from './projection-record.ts'
import type { FullSettings } from './projection-settings.ts'
import {
  filled,
  type RecordChange,
  rebuildBeside,
  rebuildInPlace,
  switched,
  switching,
} from './record-changes.ts'
import { jobIdOf, type ShardJob } from './shard-job.ts'

/**
 * How far a rebuild may be behind what is served when that is halted for the switch, in positions. It stands still for
 * as long as this takes.
 */
const SWITCH_LAG_MAX = 1_000

/** What a decision is made by. */
export interface Sight {
  readonly projection: AnyProjection
  readonly settings: FullSettings
  /** Undefined if the projection has never run here. */
  readonly known: KnownRecord | undefined
  /** The positions of the projection. */
  readonly positions: readonly StoredPosition[]
  readonly feedEnd: number
  readonly nowMs: number
}

/** What has to change about a projection by itself; undefined if nothing has. Plain function, for every node the same. */
export function dueChange(sight: Sight): RecordChange | undefined {
  const { projection, known, settings } = sight
  if (known === undefined) return freshRecord(projection, settings)
  const version = versionOf(projection)
  const { record } = known
  const newest = Math.max(record.version, record.rebuild?.version ?? 0)
  if (version > newest)
    return rebuildBegun(sight, record) ?? { record: { ...record, version }, operations: [] }
  const { rebuild } = record
  if (rebuild === undefined || rebuild.version !== version || rebuild.state === 'stopped') return undefined
  return record.state === 'paused' ? undefined : rebuildStep(sight, record, rebuild)
}

/** The record of a projection that has never run. */
export function freshRecord(projection: AnyProjection, { shards }: FullSettings): RecordChange {
  const { name: id } = projection
  const version = versionOf(projection)
  return { record: { id, version, shards, slot: 0, state: 'running', rebuilds: 0 }, operations: [] }
}

/** Begins a rebuild; undefined for a projection that cannot be rebuilt. */
export function rebuildBegun(
  { projection, settings, feedEnd, nowMs }: Omit<Sight, 'known' | 'positions'>,
  record: ProjectionRecord,
): RecordChange | undefined {
  const { shards } = settings
  const rebuild = { version: versionOf(projection), shards, goal: feedEnd, startedAtMs: nowMs }
  switch (projection.kind) {
    case 'projection':
      return rebuildBeside(record, rebuild, placesOf(projection.collection.name))
    case 'row-projection':
      return rebuildInPlace(record, rebuild, [{ kind: 'delete-rows', table: projection.table.name }])
    default: {
      const { reset } = projection.options
      return reset === undefined ? undefined : rebuildInPlace(record, rebuild, reset())
    }
  }
}

/** The jobs that a record wants to be done by a node with this description. */
export function jobsOf(
  projection: AnyProjection,
  settings: FullSettings,
  record: ProjectionRecord,
): ShardJob[] {
  const version = versionOf(projection)
  const { rebuild, state } = record
  if (state === 'paused') return []
  const jobs = (mode: ShardJob['mode'], slot: Slot, count: number) =>
    Array.from({ length: count }, (_, index): ShardJob => {
      const number = mode === 'continuous' ? 0 : (rebuild?.number ?? 0)
      return { projection, settings, slot, shard: { index, count }, mode, rebuild: number }
    })
  const inPlace = rebuild?.kind === 'in-place'
  const isServed = state === 'running' && record.version === version && rebuild?.phase !== 'switching'
  const served = isServed ? jobs(inPlace ? 'rebuild-in-place' : 'continuous', record.slot, record.shards) : []
  const isBeside =
    rebuild?.kind === 'side-by-side' && rebuild.state === 'running' && rebuild.version === version
  return isBeside
    ? [...served, ...jobs('rebuild-beside', rebuildSlot(record, rebuild), rebuild.shards)]
    : served
}

/**
 * The job that works on a place, whether it is wanted now or not; undefined if there is no such place, or its documents
 * are made by another version of the functions.
 */
export function jobAt(
  projection: AnyProjection,
  settings: FullSettings,
  record: ProjectionRecord,
  place: { readonly slot: Slot; readonly shard: number },
): ShardJob | undefined {
  const version = versionOf(projection)
  const { rebuild } = record
  const isServed = place.slot === record.slot
  const made = isServed ? record : rebuild?.kind === 'side-by-side' ? rebuild : undefined
  if (made === undefined || made.version !== version || place.shard >= made.shards) return undefined
  const shard = { index: place.shard, count: made.shards }
  const { slot } = place
  return isServed
    ? { projection, settings, slot, shard, mode: 'continuous', rebuild: 0 }
    : { projection, settings, slot, shard, mode: 'rebuild-beside', rebuild: rebuild?.number ?? 0 }
}

/** True if the record wants this very job. */
export function wants(job: ShardJob, record: ProjectionRecord): boolean {
  return jobsOf(job.projection, job.settings, record).some((each) => jobIdOf(each) === jobIdOf(job))
}

/** How far the shards of a slot have come: the last and the first of them. */
export function spanOf(
  positions: readonly StoredPosition[],
  slot: Slot,
  shards: number,
): { readonly least: number; readonly most: number } {
  const throughs = Array.from({ length: shards }, (_, shard) => throughOf(positions, slot, shard))
  return { least: Math.min(...throughs), most: Math.max(...throughs) }
}

/** A collection and the one that a rebuild fills. */
export function placesOf(collection: string) {
  return { collection, shadow: shadowOf(collection) }
}

function rebuildStep(
  { projection, positions }: Sight,
  record: ProjectionRecord,
  rebuild: RebuildRecord,
): RecordChange | undefined {
  const { least } = spanOf(positions, rebuildSlot(record, rebuild), rebuild.shards)
  if (least < rebuild.goal) return undefined
  if (projection.kind !== 'projection' || rebuild.kind === 'in-place') return filled(record)
  const served = spanOf(positions, record.slot, record.shards).most
  if (rebuild.phase === 'filling') {
    return least >= served - SWITCH_LAG_MAX ? switching(record, rebuild) : undefined
  }
  return least >= served ? switched(record, rebuild, placesOf(projection.collection.name)) : undefined
}
