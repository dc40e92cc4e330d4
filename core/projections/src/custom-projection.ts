import type { CollectionSchema, Read, ReadAnswers, TableSchema, WriteOperation } from '@millrace/documents'
import type { EventType } from '@millrace/kernel'
import type { ProjectedEvent } from './projection.ts'

/** What a custom projection works with: it reads the database as it is, and adds to the unit that will be committed. */
export interface ProjectionUnit {
  /** Answers from the last commit; what this unit has added is not seen. Throws as `Database.read`. */
  read<const Reads extends readonly Read[]>(reads: Reads): Promise<ReadAnswers<Reads>>
  /**
   * Adds operations to the unit, in order. An operation without a tenant is about the empty one. Positions and leases
   * are not its business.
   */
  add(...operations: readonly WriteOperation[]): void
}

/** What a custom projection is. */
export interface CustomProjectionOptions {
  readonly types: readonly EventType[]
  /**
   * Takes some events in the order of the store, and adds to the unit what they change; it commits together with the
   * position. Run again after a failure, with the same events or fewer: effects anywhere else happen more than once.
   */
  handle(events: readonly ProjectedEvent[], unit: ProjectionUnit): Promise<void> | void
  /** What it writes to, which exists then before the first event. */
  readonly collections?: readonly CollectionSchema[]
  readonly tables?: readonly TableSchema[]
  /** Operations that remove all that it has written: without them it cannot be rebuilt. */
  readonly reset?: () => readonly WriteOperation[]
  /** Raise it when the function changes: the daemon then rebuilds, if it can. Default: 1. */
  readonly version?: number
}

/** A described projection that does as it likes; one shard, so that it sees all of its events in order. */
export interface CustomProjection {
  readonly kind: 'custom-projection'
  readonly name: string
  readonly version: number
  readonly options: CustomProjectionOptions
}

/**
 * Describes a projection of any kind.
 *
 * @example
 * customProjection('last-seen', {
 *   types: [Reading],
 *   handle: (events, unit) => unit.add(...events.map(({ subject, time }) => storeLastSeen(subject, time))),
 * })
 */
export function customProjection(name: string, options: CustomProjectionOptions): CustomProjection {
  return { kind: 'custom-projection', name, version: options.version ?? 1, options }
}
