import { type Database, documentLimits, type PositionsRead, type StoredPosition } from '@millrace/documents'
import { abortable, assert, millraceError, type Runtime, sleep } from '@millrace/kernel'
import { Wakeup } from '@millrace/processing'
import { type KnownRecord, PROJECTIONS, type ProjectionRecord, recordOf } from './projection-record.ts'
import type { ProjectionRuns } from './projection-runs.ts'
import type { RecordChange } from './record-changes.ts'
import { freshRecord } from './record-decision.ts'

/** How often a rebuild is looked at, in milliseconds: its end is found by a look. */
const REBUILD_LOOK_MS = 100
/** Tries of a change by hand that others get ahead of. */
const CHANGE_ATTEMPTS_MAX = 10

/** What an overseer works with. */
export interface OverseerOptions {
  readonly database: Database
  readonly runtime: Runtime
  readonly all: readonly ProjectionRuns[]
  readonly lookMs: number
}

/**
 * Looks at the records of all projections again and again, starts and ends their shards accordingly, and makes the
 * changes that are due. Any number of overseers may do so at once: each change is made to the record that was looked at,
 * or not at all.
 */
export class Overseer {
  /** Wakes when a round has ended. */
  readonly rounds = new Wakeup()
  readonly #options: OverseerOptions
  readonly #news = new Wakeup()
  readonly #ending = new AbortController()
  #hasNews = false
  #running: Promise<void> | undefined

  constructor(options: OverseerOptions) {
    this.#options = options
  }

  start(): void {
    assert(this.#running === undefined, 'an overseer starts once')
    this.#running = this.#run()
  }

  /** Makes it look soon. */
  wake(): void {
    this.#hasNews = true
    this.#news.wake()
  }

  /** Ends it; what runs goes on. */
  async stop(): Promise<void> {
    this.#ending.abort()
    this.wake()
    await this.#running
  }

  /**
   * Changes a projection's record, and resolves when this node has followed. `decide` gets the record as it is stored,
   * and gives undefined if there is nothing to do; then it resolves with false.
   */
  async change(
    name: string,
    decide: (record: ProjectionRecord) => Promise<RecordChange | undefined>,
  ): Promise<boolean> {
    const runs = this.find(name)
    for (let attempt = 1; attempt <= CHANGE_ATTEMPTS_MAX; attempt += 1) {
      const known = await this.#recordOf(runs)
      const change = await decide(known.record)
      if (change === undefined) return false
      if (!(await runs.change(known, change))) continue
      await this.#nextRound()
      return true
    }
    throw millraceError('DATABASE_BUSY', {
      database: this.#options.database.supports.engine,
      reason: `the record of the projection "${name}" changes all the time`,
    })
  }

  /** @throws PROJECTION_UNKNOWN */
  find(name: string): ProjectionRuns {
    const found = this.#options.all.find((each) => each.name === name)
    if (found === undefined) throw millraceError('PROJECTION_UNKNOWN', { projection: name })
    return found
  }

  /** The record, made if it is not there yet. */
  async #recordOf(runs: ProjectionRuns): Promise<KnownRecord> {
    for (;;) {
      const known = await runs.look()
      if (known !== undefined) return known
      await runs.change(undefined, freshRecord(runs.projection, runs.settings))
    }
  }

  /** Until a round that has begun after this call has ended. */
  async #nextRound(): Promise<void> {
    if (this.#ending.signal.aborted) return
    this.wake()
    await this.rounds.wait()
    if (this.#ending.signal.aborted || !this.#hasNews) return
    await this.rounds.wait()
  }

  async #run(): Promise<void> {
    const { runtime, all, lookMs } = this.#options
    const { signal } = this.#ending
    while (!signal.aborted) {
      this.#hasNews = false
      await abortable(this.#round(), signal).catch((error: unknown) => {
        if (!signal.aborted) for (const runs of all) runs.failed(error)
      })
      this.rounds.wake()
      if (this.#hasNews || signal.aborted) continue
      const isRebuilding = all.some(({ known }) => known?.record.rebuild?.state === 'running')
      const timer = new AbortController()
      const slept = sleep(
        runtime.scheduler,
        isRebuilding ? Math.min(lookMs, REBUILD_LOOK_MS) : lookMs,
        timer.signal,
      )
      await Promise.race([this.#news.wait(), slept.catch(() => {})])
      timer.abort()
    }
    this.rounds.wake()
  }

  async #round(): Promise<void> {
    const { all } = this.#options
    for (let start = 0; start < all.length; start += documentLimits.readsMax) {
      await this.#roundOf(all.slice(start, start + documentLimits.readsMax))
    }
  }

  async #roundOf(some: readonly ProjectionRuns[]): Promise<void> {
    const { database, runtime } = this.#options
    const ids = some.map(({ name }) => name)
    const [stored, feedEnd] = await database.read([
      { kind: 'load', collection: PROJECTIONS, ids },
      { kind: 'feed-end' },
    ])
    const byName = new Map(stored.map((each) => [each.id, recordOf(each)]))
    const positions = await this.#positionsOf(some, byName)
    for (const runs of some) {
      const known = byName.get(runs.name)
      const sight = { known, feedEnd, positions: positions.get(runs.name) ?? [], nowMs: runtime.clock.now() }
      // What one projection meets is no reason to leave the others alone.
      if (await runs.follow(sight)) this.#hasNews = true
    }
  }

  /** Where those stand that are being rebuilt; read behind their records, so that they are not older. */
  async #positionsOf(
    some: readonly ProjectionRuns[],
    records: ReadonlyMap<string, KnownRecord>,
  ): Promise<ReadonlyMap<string, readonly StoredPosition[]>> {
    const rebuilt = some.filter(({ name }) => records.get(name)?.record.rebuild !== undefined)
    if (rebuilt.length === 0) return new Map()
    const questions = rebuilt.map(({ name }): PositionsRead => ({ kind: 'positions', processor: name }))
    const answers = await this.#options.database.read(questions)
    return new Map(rebuilt.map(({ name }, index) => [name, answers[index] ?? []]))
  }
}
