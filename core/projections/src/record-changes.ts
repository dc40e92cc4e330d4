import type { WriteOperation } from '@millrace/documents'
import { forgetLetters } from './dead-letter.ts'
import {
  otherSlot,
  type ProjectionRecord,
  type RebuildRecord,
  type RecordedError,
  rebuildSlot,
  revokeAll,
  rewindAll,
} from './projection-record.ts'

/**
 * A change of a record: what it is then, and what has to be done in the same unit. Plain functions; the caller writes
 * the record on condition of its revision, so that a change is made to what was looked at, or not at all.
 */
export interface RecordChange {
  readonly record: ProjectionRecord
  readonly operations: readonly WriteOperation[]
}

/** The collections of a projection's documents; absent for other kinds. */
export interface RebuildPlaces {
  readonly collection: string
  readonly shadow: string
}

/** What is decided about a rebuild before it begins. */
export type NewRebuild = Pick<RebuildRecord, 'version' | 'shards' | 'goal' | 'startedAtMs'>

/** Leaves out what is undefined, which JSON would not keep either. */
function without<Key extends 'error' | 'rebuild'>(
  record: ProjectionRecord,
  ...keys: readonly Key[]
): Omit<ProjectionRecord, Key> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key as Key))) as Omit<
    ProjectionRecord,
    Key
  >
}

/** Takes the leases of all that works on the projection. */
function halted(record: ProjectionRecord): WriteOperation[] {
  const { id, slot, shards, rebuild } = record
  const beside = rebuild?.kind === 'side-by-side' ? revokeAll(id, otherSlot(slot), rebuild.shards) : []
  return [...revokeAll(id, slot, shards), ...beside]
}

/** By hand: nothing is written any more. */
export function paused(record: ProjectionRecord): RecordChange {
  return { record: { ...record, state: 'paused' }, operations: halted(record) }
}

/** Goes on after a pause, after an error, or both; also with a rebuild that has stopped. */
export function resumed(record: ProjectionRecord): RecordChange {
  const { rebuild, ...rest } = without(record, 'error')
  if (rebuild === undefined) return { record: { ...rest, state: 'running' }, operations: [] }
  const { error: _, ...going } = rebuild
  return { record: { ...rest, state: 'running', rebuild: { ...going, state: 'running' } }, operations: [] }
}

/** An error has ended the work of a slot: the served one's, or a rebuild's beside it. */
export function stoppedBy(record: ProjectionRecord, error: RecordedError, isRebuild: boolean): RecordChange {
  const { rebuild } = record
  if (!isRebuild || rebuild === undefined) {
    return { record: { ...record, state: 'stopped', error }, operations: halted(record) }
  }
  const operations = revokeAll(record.id, rebuildSlot(record, rebuild), rebuild.shards)
  return { record: { ...record, rebuild: { ...rebuild, state: 'stopped', error } }, operations }
}

/** Begins a rebuild beside the served documents: an empty shadow, filled from the beginning. */
export function rebuildBeside(
  record: ProjectionRecord,
  rebuild: NewRebuild,
  { shadow }: RebuildPlaces,
): RecordChange {
  const slot = otherSlot(record.slot)
  const before = record.rebuild?.shards ?? 0
  return {
    record: {
      ...record,
      rebuild: {
        ...rebuild,
        number: record.rebuilds + 1,
        kind: 'side-by-side',
        phase: 'filling',
        state: 'running',
      },
      rebuilds: record.rebuilds + 1,
    },
    operations: [
      ...revokeAll(record.id, slot, Math.max(before, rebuild.shards)),
      ...rewindAll(record.id, slot, rebuild.shards),
      forgetLetters(record.id, slot),
      { kind: 'replace-all', collection: shadow },
    ],
  }
}

/** Begins a rebuild in place: everything goes, and is made again. */
export function rebuildInPlace(
  record: ProjectionRecord,
  rebuild: NewRebuild,
  reset: readonly WriteOperation[],
): RecordChange {
  const { id, slot, shards } = record
  const { version } = rebuild
  return {
    record: {
      ...without(record, 'error'),
      state: record.state === 'paused' ? 'paused' : 'running',
      version,
      shards: rebuild.shards,
      rebuild: {
        ...rebuild,
        number: record.rebuilds + 1,
        kind: 'in-place',
        phase: 'filling',
        state: 'running',
      },
      rebuilds: record.rebuilds + 1,
    },
    operations: [
      ...revokeAll(id, slot, Math.max(shards, rebuild.shards)),
      ...rewindAll(id, slot, rebuild.shards),
      forgetLetters(id, slot),
      ...reset,
    ],
  }
}

/** The shadow is nearly complete: what is served stands still from now on. */
export function switching(record: ProjectionRecord, rebuild: RebuildRecord): RecordChange {
  return {
    record: { ...record, rebuild: { ...rebuild, phase: 'switching' } },
    operations: revokeAll(record.id, record.slot, record.shards),
  }
}

/** The shadow takes the place of what was served, and its positions and dead letters with it. */
export function switched(
  record: ProjectionRecord,
  rebuild: RebuildRecord,
  { collection, shadow }: RebuildPlaces,
): RecordChange {
  const slot = otherSlot(record.slot)
  const { version, shards } = rebuild
  const { id, rebuilds } = record
  return {
    record: { id, version, shards, slot, rebuilds, state: record.state === 'paused' ? 'paused' : 'running' },
    operations: [
      ...revokeAll(id, slot, shards),
      forgetLetters(id, record.slot),
      { kind: 'replace-all', collection, from: shadow },
    ],
  }
}

/** A rebuild in place has come to its goal. Its shards go on as they are. */
export function filled(record: ProjectionRecord): RecordChange {
  return { record: without(record, 'rebuild'), operations: [] }
}

/** Gives up a rebuild beside: the served documents stay, and their shards go on. */
export function cancelled(
  record: ProjectionRecord,
  rebuild: RebuildRecord,
  { shadow }: RebuildPlaces,
): RecordChange {
  return {
    record: without(record, 'rebuild'),
    operations: [
      ...revokeAll(record.id, otherSlot(record.slot), rebuild.shards),
      forgetLetters(record.id, otherSlot(record.slot)),
      { kind: 'replace-all', collection: shadow },
    ],
  }
}
