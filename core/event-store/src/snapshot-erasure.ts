import type { SaveHook, WriteOperation } from '@millrace/documents'
import { eraseSnapshots } from './snapshot.ts'

/**
 * A hook for a document store over the same database: a session that tombstones a stream erases its snapshots in the
 * same unit, as `EventStore.tombstone` does. The database must know the collection of snapshots, see
 * `EVENT_STORE_SCHEMA`.
 *
 * @example
 * const store = await openStore({ database, runtime, collections, hooks: [snapshotErasure] })
 */
export const snapshotErasure: SaveHook = async ({ operations, options, database }) => {
  const ended = operations.filter((each) => each.kind === 'tombstone')
  const byTenant = Map.groupBy(ended, ({ tenant }) => tenant ?? options.tenant ?? '')
  const erasures: WriteOperation[] = []
  for (const [tenant, tombstones] of byTenant) {
    const streams = tombstones.map(({ stream }) => stream)
    const [infos] = await database.read([{ kind: 'stream-info', streams, tenant }])
    // A stream that never was gets no mark, or one that begins later could have no snapshots.
    for (const { stream } of infos) erasures.push(...eraseSnapshots({ stream, tenant }))
  }
  return erasures
}
