import type { Database } from '@millrace/documents'
import { acquireLease, type Lease, type Upcasters } from '@millrace/event-store'
import { abortable, isMillraceError, type Runtime, sleep } from '@millrace/kernel'
import type { PageWork } from './page-work.ts'
import { type Halt, Patience } from './patience.ts'
import { leaseNameOf } from './projection-record.ts'
import { jobIdOf, policyOf, type ShardJob, workOf } from './shard-job.ts'
import { runSession } from './shard-session.ts'
import { ShardStatus } from './shard-status.ts'

/** How long giving a lease back may take, in milliseconds. */
const RELEASE_MS_MAX = 1_000

/** What a shard needs from its daemon. */
export interface ShardSurroundings {
  readonly database: Database
  readonly runtime: Runtime
  readonly upcasters: Upcasters | undefined
  /** Who holds the leases. Absent: as the database's engine suggests. */
  readonly node: string | undefined
  /** Called whenever a shard has come further. */
  readonly onMoved: () => void
  /** Called when a shard has ended. */
  readonly onEnded: () => void
}

/** How a shard ended: by an error that stops it, because it was told to, or because its record wants no such job. */
export type ShardEnd = Halt | { readonly kind: 'stopped' } | { readonly kind: 'unwanted' }

/**
 * A shard at work: waits for its lease, looks whether the job is still wanted, works until something fails, waits, and
 * begins again. Ends by itself only if the policy says so or the job is not wanted any more.
 */
export class ShardRun {
  readonly id: string
  readonly job: ShardJob
  readonly status: ShardStatus
  readonly ended: Promise<ShardEnd>
  readonly #around: ShardSurroundings
  readonly #isWanted: () => Promise<boolean>
  readonly #work: PageWork
  readonly #patience: Patience
  readonly #stop = new AbortController()
  readonly #drain = new AbortController()

  /** `isWanted` looks at the projection's record as it is stored. */
  constructor(job: ShardJob, around: ShardSurroundings, isWanted: () => Promise<boolean>) {
    this.id = jobIdOf(job)
    this.job = job
    this.#around = around
    this.#isWanted = isWanted
    this.#work = workOf(job, around)
    this.status = new ShardStatus(around.runtime)
    this.#patience = new Patience({ runtime: around.runtime, policy: policyOf(job), status: this.status })
    this.ended = this.#run().finally(() => {
      this.status.state = 'stopped'
    })
  }

  /** Stops fetching, commits what is staged, gives the lease back. */
  drain(): void {
    this.#drain.abort()
  }

  /** Stops at once. What is not committed is done again by whoever comes next. */
  stop(): void {
    this.#stop.abort()
  }

  /** Ends a wait after a failure. */
  resume(): void {
    this.#patience.resume()
  }

  async #run(): Promise<ShardEnd> {
    const ends = AbortSignal.any([this.#stop.signal, this.#drain.signal])
    for (;;) {
      try {
        const end = await this.#hold(ends)
        if (end !== undefined) return end
      } catch (error) {
        // Whatever the reason was, it ends here.
        if (!ends.aborted) throw error
        return { kind: 'stopped' }
      }
    }
  }

  /** From taking the lease to its end; undefined if it has to be taken again. */
  async #hold(ends: AbortSignal): Promise<ShardEnd | undefined> {
    this.status.state = 'waiting'
    let lease: Lease | undefined
    try {
      lease = await this.#acquire(ends)
      if (!(await abortable(this.#isWanted(), ends))) return { kind: 'unwanted' }
      return await this.#sessions(lease, ends)
    } catch (error) {
      return await this.#patience.afterOutage(error, ends)
    } finally {
      if (lease !== undefined) await this.#release(lease)
    }
  }

  /** A database that does not answer holds up nobody; the next one waits for the lease's time then. */
  async #release(lease: Lease): Promise<void> {
    const limit = new AbortController()
    const slept = sleep(this.#around.runtime.scheduler, RELEASE_MS_MAX, limit.signal).catch(() => {})
    await Promise.race([lease.release(), slept])
    limit.abort()
  }

  /** A lease that comes when nobody waits for it any more is given back. */
  async #acquire(signal: AbortSignal): Promise<Lease> {
    const { database, runtime, node } = this.#around
    const { projection, slot, shard, settings } = this.job
    const name = leaseNameOf(projection.name, slot, shard.index)
    const holder = node === undefined ? {} : { holder: node }
    const acquired = acquireLease({ database, runtime, name, ttlMs: settings.leaseMs, signal, ...holder })
    try {
      return await abortable(acquired, signal)
    } catch (error) {
      if (signal.aborted) acquired.then((lease) => lease.release()).catch(() => {})
      throw error
    }
  }

  /** Sessions one after the other for as long as the lease is held. */
  async #sessions(lease: Lease, ends: AbortSignal): Promise<ShardEnd | undefined> {
    const { database, runtime, onMoved } = this.#around
    const session = {
      job: this.job,
      database,
      runtime,
      lease,
      onMoved,
      work: this.#work,
      patience: this.#patience,
      status: this.status,
      stop: this.#stop.signal,
      drain: this.#drain.signal,
    }
    for (;;) {
      try {
        return await runSession(session)
      } catch (error) {
        this.#work.forget()
        if (lease.lost.aborted || isMillraceError(error, 'LEASE_LOST')) return undefined
        const halt = await this.#patience.afterOutage(error, AbortSignal.any([ends, lease.lost]))
        if (halt !== undefined) return halt
      }
    }
  }
}
