import type { OperationResult, PositionOperation, StoredEvent } from '@millrace/documents'
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

/** A unit that is on its way. */
interface SentUnit {
  readonly events: readonly StoredEvent[]
  readonly unit: PreparedUnit
  readonly through: number
  /** Never rejects. */
  readonly answer: Promise<Answer>
}

type Answer =
  | { readonly kind: 'committed'; readonly results: readonly OperationResult[] }
  | { readonly kind: 'failed'; readonly error: unknown }

/**
 * Makes units of what is staged, and commits each with the shard's position and on condition of its lease; while one is
 * on its way the next one is made. Everything before an event that has to be waited for is committed first.
 */
export class ShardUnits {
  readonly #options: ShardUnitsOptions
  readonly #eventsMax: number
  /** Events of the next unit at most; fewer for a while after a unit was refused, to find the event that is to blame. */
  #events: number
  #through: number
  #conflicts = 0
  #sent: SentUnit | undefined

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
   * Goes on with staged events: makes a unit, hears of the one before it, sends the new one; or waits for an event. Says
   * so if the shard has to end. `stop` ends all of it, `waits` only the waiting. Throws LEASE_LOST, a signal's reason,
   * and what the database throws for reasons of its own.
   */
  async step(signals: StepSignals): Promise<Halt | undefined> {
    const { buffer, work, patience } = this.#options
    const sent = this.#sent
    const events = buffer.peek(this.#events, sent?.unit.taken)
    const next = events.length === 0 ? undefined : await this.#made(events, signals.stop)
    if (sent !== undefined) {
      const error = await this.#heard(sent, signals.stop)
      // What was made behind it was made of what is not there.
      if (error !== undefined) return this.#failed(error, sent.events, signals)
    }
    if (next === undefined) return undefined
    if (next.kind === 'failed') return this.#failed(next.error, events, signals)
    const { unit } = next
    if (unit.taken > 0) {
      this.#sent = this.#send(events, unit)
      const hasMore = buffer.staged > unit.taken
      if (work.looksAhead && hasMore && unit.fault === undefined) {
        unit.assume?.()
        return undefined
      }
      const error = await this.#heard(this.#sent, signals.stop)
      if (error !== undefined) return this.#failed(error, events, signals)
    }
    return unit.fault === undefined ? undefined : patience.afterFault(unit.fault, signals.waits)
  }

  /** Commits that there was nothing up to where the feed was read. */
  async note(stop: AbortSignal): Promise<void> {
    const { buffer, lease } = this.#options
    const { through } = buffer
    await abortable(lease.commit([this.#moved(through)]), stop)
    this.#through = through
  }

  readonly #judge = (fault: Fault) => this.#options.patience.judge(fault)

  async #made(events: readonly StoredEvent[], stop: AbortSignal) {
    try {
      return {
        kind: 'made',
        unit: await abortable(this.#options.work.prepare(events, this.#judge), stop),
      } as const
    } catch (error) {
      return { kind: 'failed', error } as const
    }
  }

  #send(events: readonly StoredEvent[], unit: PreparedUnit): SentUnit {
    const { buffer, lease } = this.#options
    const through = buffer.throughOf(unit.taken)
    const letters = unit.skipped.map((fault) => this.#letter(fault))
    const committed = lease.commit([...unit.operations, ...letters, this.#moved(through)])
    const answer = committed.then(
      ({ results }): Answer => ({ kind: 'committed', results }),
      (error: unknown): Answer => ({ kind: 'failed', error }),
    )
    return { events, unit, through, answer }
  }

  /** What became of a unit: its events are done with, or why they are not. Throws the signal's reason. */
  async #heard({ unit, through, answer }: SentUnit, stop: AbortSignal): Promise<unknown> {
    const { buffer, patience, status } = this.#options
    this.#sent = undefined
    const heard = await abortable(answer, stop)
    if (heard.kind === 'failed') return heard.error
    const { operations, skipped, taken, applied } = unit
    unit.confirm?.(heard.results.slice(0, operations.length))
    buffer.drop(taken)
    this.#through = through
    this.#events = Math.min(this.#events * 2, this.#eventsMax)
    this.#conflicts = 0
    patience.succeeded()
    status.committed({ applied, skipped: skipped.length, through })
    const last = skipped.at(-1)
    if (last !== undefined) status.failed(last.error)
    return undefined
  }

  /** A unit of these events came to nothing. Throws what is no fault of theirs. */
  async #failed(
    error: unknown,
    events: readonly StoredEvent[],
    signals: StepSignals,
  ): Promise<Halt | undefined> {
    const { work, job } = this.#options
    work.forget()
    const [first] = events
    if (isMillraceError(error, 'DOCUMENT_CONFLICT')) return this.#conflict(error)
    if (!isRefusal(error) || first === undefined) throw error
    if (events.length === 1)
      return this.#blame(faultOf('document', job.projection.name, first, error), signals)
    this.#events = events.length >> 1
    return undefined
  }

  /** The only event of a unit that the database refuses. */
  async #blame(fault: Fault, { stop, waits }: StepSignals): Promise<Halt | undefined> {
    const { patience } = this.#options
    if (patience.judge(fault) === 'wait') return patience.afterFault(fault, waits)
    const unit = { operations: [], taken: 1, applied: 0, skipped: [fault], fault: undefined }
    const error = await this.#heard(this.#send([fault.event], unit), stop)
    if (error !== undefined) throw error
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
