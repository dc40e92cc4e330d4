import type { Database } from '@millrace/documents'
import type { Lease } from '@millrace/event-store'
import { abortable, type Runtime, sleep, throwIfAborted } from '@millrace/kernel'
import { FeedReader } from './feed-reader.ts'
import { PageBuffer } from './page-buffer.ts'
import type { PageWork } from './page-work.ts'
import type { Halt, Patience } from './patience.ts'
import { throughOf } from './projection-record.ts'
import { type ShardJob, stagingOf } from './shard-job.ts'
import type { ShardStatus } from './shard-status.ts'
import { ShardUnits, type StepSignals } from './shard-units.ts'

/** How long a position may lag behind where nothing happens, in milliseconds: moving it costs a commit. */
const IDLE_POSITION_MS = 1_000

/** What a session works with. */
export interface ShardSessionOptions {
  readonly job: ShardJob
  readonly database: Database
  readonly runtime: Runtime
  readonly work: PageWork
  readonly lease: Lease
  readonly patience: Patience
  readonly status: ShardStatus
  /** Called whenever the shard has come further. */
  readonly onMoved: () => void
  /** Ends it at once. */
  readonly stop: AbortSignal
  /** Ends it when what is staged is committed. */
  readonly drain: AbortSignal
}

/**
 * The work of a shard from a stored position on, until something fails that puts in doubt what is stored. Then the next
 * session looks it up again.
 *
 * @throws LEASE_LOST, the reason of `stop`, and what the database throws
 */
export async function runSession(options: ShardSessionOptions): Promise<Halt | { readonly kind: 'stopped' }> {
  const { database, job, stop } = options
  const question = { kind: 'positions', processor: job.projection.name } as const
  const [stored] = await abortable(database.read([question]), stop)
  const after = throughOf(stored, job.slot, job.shard.index)
  return new ShardSession(options, after).run()
}

class ShardSession {
  readonly #options: ShardSessionOptions
  readonly #buffer: PageBuffer
  readonly #reader: FeedReader
  readonly #units: ShardUnits
  /** Ends the reader, whatever ends the session. */
  readonly #ending = new AbortController()
  #readerFailure: { readonly error: unknown } | undefined
  #notedMs: number

  constructor(options: ShardSessionOptions, after: number) {
    this.#options = options
    const { job, database, runtime, work, status } = options
    const staging = stagingOf(job)
    const { pollMs, lingerMs } = job.settings
    this.#buffer = new PageBuffer(staging, after)
    const pageEventsMax = Math.max(1, staging.pauseAt - staging.resumeAt)
    const types = work.storedTypes
    this.#reader = new FeedReader({
      database,
      runtime,
      buffer: this.#buffer,
      types,
      pageEventsMax,
      pollMs,
      lingerMs,
    })
    this.#units = new ShardUnits({ ...options, buffer: this.#buffer })
    this.#notedMs = runtime.clock.monotonic()
    status.state = 'running'
    status.through = after
    status.stagedNow = () => this.#buffer.staged
  }

  async run(): Promise<Halt | { readonly kind: 'stopped' }> {
    const { stop, drain, lease } = this.#options
    const ends = AbortSignal.any([stop, drain, lease.lost, this.#ending.signal])
    const wake = () => this.#reader.more.wake()
    ends.addEventListener('abort', wake, { once: true })
    const reading = this.#reader.run(ends).catch((error: unknown) => {
      this.#readerFailure = { error }
      wake()
    })
    try {
      return await this.#work()
    } finally {
      this.#ending.abort()
      this.#options.status.stagedNow = () => 0
      await reading
    }
  }

  async #work(): Promise<Halt | { readonly kind: 'stopped' }> {
    const { stop, drain, lease, status, onMoved } = this.#options
    const signals = {
      stop: AbortSignal.any([stop, lease.lost]),
      waits: AbortSignal.any([stop, lease.lost, drain]),
    }
    for (;;) {
      throwIfAborted(signals.stop)
      if (this.#buffer.staged > 0) {
        const end = await this.#step(signals)
        if (end !== undefined) return end
        continue
      }
      status.through = this.#buffer.through
      onMoved()
      if (this.#readerFailure !== undefined) throw this.#readerFailure.error
      const isBehind = this.#buffer.through > this.#units.through
      if (isBehind && (drain.aborted || this.#noteInMs <= 0)) await this.#note(signals.stop)
      else if (drain.aborted) return { kind: 'stopped' }
      else await this.#idle(isBehind ? this.#noteInMs : undefined)
    }
  }

  async #step(signals: StepSignals): Promise<Halt | { readonly kind: 'stopped' } | undefined> {
    try {
      return await this.#units.step(signals)
    } catch (error) {
      // An event that would have to be waited for is left to whoever comes next.
      const { drain } = this.#options
      if (drain.aborted && error === drain.reason) return { kind: 'stopped' }
      throw error
    } finally {
      this.#notedMs = this.#options.runtime.clock.monotonic()
      this.#reader.dropped()
      this.#options.onMoved()
    }
  }

  async #note(stop: AbortSignal): Promise<void> {
    await this.#units.note(stop)
    this.#notedMs = this.#options.runtime.clock.monotonic()
    this.#options.patience.reached()
  }

  /** Until the position has to be noted; a rebuild's at once, since its end is told by it. */
  get #noteInMs(): number {
    const { job, runtime } = this.#options
    const intervalMs = job.mode === 'continuous' ? IDLE_POSITION_MS : 0
    return this.#notedMs + intervalMs - runtime.clock.monotonic()
  }

  /** Until the reader has news, or the session is to end. */
  async #idle(limitMs: number | undefined): Promise<void> {
    const news = this.#reader.more.wait()
    if (limitMs === undefined) return news
    const timer = new AbortController()
    try {
      await Promise.race([news, sleep(this.#options.runtime.scheduler, limitMs, timer.signal)])
    } finally {
      timer.abort()
    }
  }
}
