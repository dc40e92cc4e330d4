import type { PositionOperation } from '@millrace/documents'
import type { Lease } from '@millrace/event-store'
import { abortable, isMillraceError, type Runtime } from '@millrace/kernel'
import { storeLetter } from './dead-letter.ts'
import { type Fault, faultOf, isRefusal } from './fault.ts'
import type { PageBuffer } from './page-buffer.ts'
import type { PageWork, PreparedUnit } from './page-work.ts'
import type { Halt, Patience } from './patience.ts'
import { positionAt } from './projection-record.ts'
import { type ShardJob, stagingOf } from './shard-job.ts'
import type { ShardStatus } from './shard-status.ts'

/** Conflicts over documents in a row after which it waits: somebody else writes the same ones all the time. */
const CONFLICTS_MAX = 5

/** What a shard makes its units with. */
export interface ShardUnitsOptions {
  readonly job: ShardJob
  readonly runtime: Runtime
  readonly work: PageWork
  readonly lease: Lease
  readonly buffer: PageBuffer
  readonly patience: Patience
  readonly status: ShardStatus
}

/** What ends a step. */
export interface StepSignals {
  readonly stop: AbortSignal
  readonly waits: AbortSignal
}

/**
 * Makes units of what is staged, and commits each with the shard's position and on condition of its lease. Everything
 * before an event that has to be waited for is committed first.
 */
export class ShardUnits {
  readonly #options: ShardUnitsOptions
  readonly #eventsMax: number
  /** Events of the next unit at most; fewer for a while after a unit was refused, to find the event that is to blame. */
  #events: number
  #through: number
  #conflicts = 0

  constructor(options: ShardUnitsOptions) {
    this.#options = options
    const { pauseAt, resumeAt } = stagingOf(options.job)
    // Half of what is staged at most, so that the other half is fetched meanwhile.
    this.#eventsMax = Math.max(1, pauseAt - resumeAt)
    this.#events = this.#eventsMax
    this.#through = options.buffer.through
  }

  /** The position that is stored. */
  get through(): number {
    return this.#through
  }

  /**
   * Commits a unit of staged events, or waits for one of them; says so if the shard has to end. `stop` ends all of it,
   * `waits` only the waiting. Throws LEASE_LOST, a signal's reason, and what the database throws for reasons of its own.
   */
  async step(signals: StepSignals): Promise<Halt | undefined> {
    const { stop, waits } = signals
    const { buffer, work, job } = this.#options
    const { events } = buffer.peek(this.#events)
    let unit: PreparedUnit
    try {
      unit = await abortable(work.prepare(events, this.#judge), stop)
      if (unit.taken > 0) await this.#commit(unit, stop)
    } catch (error) {
      work.forget()
      const [first] = events
      if (isMillraceError(error, 'DOCUMENT_CONFLICT')) return this.#conflict(error)
      if (!isRefusal(error) || first === undefined) throw error
      if (events.length === 1)
        return this.#blame(faultOf('document', job.projection.name, first, error), signals)
      this.#events = events.length >> 1
      return undefined
    }
    this.#events = Math.min(this.#events * 2, this.#eventsMax)
    this.#conflicts = 0
    return unit.fault === undefined ? undefined : this.#options.patience.afterFault(unit.fault, waits)
  }

  /** Commits that there was nothing up to where the feed was read. */
  async note(stop: AbortSignal): Promise<void> {
    const { buffer, lease } = this.#options
    const { through } = buffer
    await abortable(lease.commit([this.#moved(through)]), stop)
    this.#through = through
  }

  readonly #judge = (fault: Fault) => this.#options.patience.judge(fault)

  async #commit({ operations, skipped, taken, applied }: PreparedUnit, stop: AbortSignal): Promise<void> {
    const { buffer, lease, work, patience, status } = this.#options
    const { through } = buffer.peek(taken)
    const letters = skipped.map((fault) => this.#letter(fault))
    const { results } = await abortable(lease.commit([...operations, ...letters, this.#moved(through)]), stop)
    work.committed(results.slice(0, operations.length))
    buffer.drop(taken)
    this.#through = through
    patience.succeeded()
    status.committed({ applied, skipped: skipped.length, through })
    const last = skipped.at(-1)
    if (last !== undefined) status.failed(last.error)
  }

  /** The only event of a unit that the database refuses. */
  async #blame(fault: Fault, { stop, waits }: StepSignals): Promise<Halt | undefined> {
    const { patience } = this.#options
    if (patience.judge(fault) === 'wait') return patience.afterFault(fault, waits)
    await this.#commit({ operations: [], taken: 1, applied: 0, skipped: [fault], fault: undefined }, stop)
    return undefined
  }

  /** Somebody else has written a document: what was remembered is forgotten, and the unit made again. */
  #conflict(error: unknown): undefined {
    this.#conflicts += 1
    if (this.#conflicts < CONFLICTS_MAX) return undefined
    this.#conflicts = 0
    throw error
  }

  #letter(fault: Fault) {
    const { job, patience, runtime } = this.#options
    return storeLetter(fault, {
      projection: job.projection.name,
      shard: job.shard.index,
      slot: job.slot,
      attempts: patience.triesOf(fault) + 1,
      atMs: runtime.clock.now(),
    })
  }

  #moved(through: number): PositionOperation {
    const { projection, slot, shard } = this.#options.job
    const { offset: expectedOffset } = positionAt(slot, shard.index, this.#through)
    return {
      kind: 'position',
      processor: projection.name,
      position: positionAt(slot, shard.index, through),
      expectedOffset,
    }
  }
}
