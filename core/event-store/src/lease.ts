import type { CommitOptions, CommitResult, Database, WriteOperation } from '@millrace/documents'
import { isMillraceError, newId, type Runtime, sleep, throwIfAborted } from '@millrace/kernel'
import { HeldLease, RENEWALS_PER_TTL } from './held-lease.ts'
import { LEASES, type LeaseNote, loadLease, storeLease } from './lease-note.ts'

/** Default of {@link LeaseOptions.ttlMs}. */
const TTL_MS_DEFAULT = 10_000

/** Who wants which lease. */
export interface LeaseOptions {
  readonly database: Database
  readonly runtime: Runtime
  /** What it is about, the same for all who want it: `relay`. */
  readonly name: string
  /**
   * Who holds it: a name of which there is one at a time. Whoever comes with the holder's name is taken for the holder
   * after a restart, and need not wait. Default: on an engine of one process, that process; else nobody but this call.
   */
  readonly holder?: string
  /** How long it holds without being renewed, in milliseconds. Default: 10,000. */
  readonly ttlMs?: number
}

/**
 * The right to be the only one, kept as a document whose revision is the fencing token: a unit that {@link commit} sends
 * is refused by the database itself once somebody else has the lease. Nobody compares clocks of different machines:
 * whoever waits takes a lease that has not changed for its time by the waiting one's own clock.
 */
export interface Lease extends AsyncDisposable {
  readonly name: string
  readonly holder: string
  /** Aborts, with LEASE_LOST as its reason, when the lease is lost, given back, or was not renewed in time. */
  readonly lost: AbortSignal
  /**
   * Looks at the clock, for what no unit can fence: a process that has slept learns of it here, before any timer.
   *
   * @throws LEASE_LOST
   */
  assertHeld(): void
  /**
   * Commits a unit on condition that the lease is still held; renews it on the way when it is time. Units wait for each
   * other.
   *
   * @throws LEASE_LOST (nothing was done), and what `Database.commit` throws
   */
  commit(operations: readonly WriteOperation[], options?: CommitOptions): Promise<CommitResult>
  /** Gives it back; the next one need not wait. Idempotent, and quiet if the lease is lost or the database is gone. */
  release(): Promise<void>
}

/**
 * Waits until the lease is free, and takes it. Declares the collection that it needs.
 *
 * @throws the signal's reason, and what the database throws
 */
export async function acquireLease(
  options: LeaseOptions & { readonly signal?: AbortSignal },
): Promise<Lease> {
  const { database, runtime, signal, name, ttlMs = TTL_MS_DEFAULT } = options
  const { holder = database.supports.shared ? newId(runtime) : 'the only process' } = options
  await database.prepare({ collections: [{ name: LEASES }] })
  const wish: LeaseNote = { id: name, holder, instance: newId(runtime), ttlMs, state: 'held' }
  let seen: { readonly revision: number; readonly sinceMs: number } | undefined
  for (;;) {
    throwIfAborted(signal)
    const { note, revision } = await loadLease(database, name)
    const nowMs = runtime.clock.monotonic()
    if (seen?.revision !== revision) seen = { revision, sinceMs: nowMs }
    const freeInMs = note === undefined || isFree(note, wish) ? 0 : seen.sinceMs + note.ttlMs - nowMs
    if (freeInMs > 0) {
      await sleep(runtime.scheduler, Math.min(freeInMs, ttlMs / RENEWALS_PER_TTL), signal)
      continue
    }
    const token = await take(database, wish, revision)
    if (token !== undefined) return new HeldLease({ database, runtime }, wish, { token, sinceMs: nowMs })
  }
}

function isFree(note: LeaseNote, { holder }: LeaseNote): boolean {
  return note.state === 'released' || note.holder === holder
}

/** The lease's revision; undefined if somebody was faster. */
async function take(database: Database, wish: LeaseNote, revision: number): Promise<number | undefined> {
  try {
    const { results } = await database.commit([storeLease(wish, revision)])
    return results[0]?.revision
  } catch (error) {
    if (isMillraceError(error, 'DOCUMENT_CONFLICT')) return undefined
    throw error
  }
}
