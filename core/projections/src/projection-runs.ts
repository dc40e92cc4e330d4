import { isMillraceError, type Runtime } from '@millrace/kernel'
import type { AnyProjection } from './any-projection.ts'
import type { Halt } from './patience.ts'
import { type KnownRecord, type RecordedError, readRecords, storeRecord } from './projection-record.ts'
import type { FullSettings } from './projection-settings.ts'
import { type RecordChange, stoppedBy } from './record-changes.ts'
import { dueChange, jobsOf, type Sight, wants } from './record-decision.ts'
import { jobIdOf, type ShardJob } from './shard-job.ts'
import { ShardRun, type ShardSurroundings } from './shard-run.ts'
import { type LastError, lastErrorOf } from './shard-status.ts'

/** What of one projection runs on this node, and its record as it was last seen. */
export class ProjectionRuns {
  readonly projection: AnyProjection
  readonly settings: FullSettings
  readonly #around: ShardSurroundings
  readonly #runs = new Map<string, ShardRun>()
  /** Shards that an error has ended, until that is on record. */
  readonly #halts = new Map<ShardRun, Halt>()
  #known: KnownRecord | undefined
  #lastError: LastError | undefined
  #isClosed = false

  constructor(projection: AnyProjection, settings: FullSettings, around: ShardSurroundings) {
    this.projection = projection
    this.settings = settings
    this.#around = around
  }

  get name(): string {
    return this.projection.name
  }

  /** The record as it was last seen. */
  get known(): KnownRecord | undefined {
    return this.#known
  }

  get runs(): readonly ShardRun[] {
    return [...this.#runs.values()]
  }

  /** The record as it is stored now. */
  async look(): Promise<KnownRecord | undefined> {
    const [known] = await readRecords(this.#around.database, [this.name])
    this.#known = known
    return known
  }

  /** Why this node could not look after the projection the last time; undefined if it could. */
  get lastError(): LastError | undefined {
    return this.#lastError
  }

  failed(error: unknown): void {
    this.#lastError = lastErrorOf(error, this.#around.runtime)
  }

  /**
   * Brings record and shards to what has been seen. True if the record has changed, and is to be looked at again. Never
   * rejects: what goes wrong is {@link lastError}, and tried again at the next look.
   */
  async follow(sight: Omit<Sight, 'projection' | 'settings'>): Promise<boolean> {
    const { known } = sight
    this.#known = known
    const { projection, settings } = this
    try {
      const change = this.#haltChange(known) ?? dueChange({ ...sight, projection, settings })
      if (change !== undefined) await this.change(known, change)
      else if (known !== undefined) this.#align(jobsOf(projection, settings, known.record))
      this.#lastError = undefined
      return change !== undefined
    } catch (error) {
      this.failed(error)
      return false
    }
  }

  /** Makes a change to the record that was looked at; false if somebody else was faster. */
  async change(known: KnownRecord | undefined, { record, operations }: RecordChange): Promise<boolean> {
    try {
      await this.#around.database.commit([storeRecord(record, known?.revision ?? 0), ...operations])
    } catch (error) {
      if (!isMillraceError(error, 'DOCUMENT_CONFLICT')) throw error
      return false
    }
    return true
  }

  /** Ends all shards at once, and starts none any more. */
  stop(): void {
    this.#isClosed = true
    for (const run of this.#runs.values()) run.stop()
  }

  /** Ends all shards when they have committed what is staged, and starts none any more. */
  drain(): void {
    this.#isClosed = true
    for (const run of this.#runs.values()) run.drain()
  }

  /** Resolves when all have ended. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.runs.map((run) => run.ended))
  }

  /** An error that has ended a shard, if the record does not say so yet. */
  #haltChange(known: KnownRecord | undefined): RecordChange | undefined {
    for (const [run, halt] of this.#halts) {
      if (known !== undefined && wants(run.job, known.record)) {
        const isRebuild = run.job.mode === 'rebuild-beside'
        return stoppedBy(known.record, recordedError(halt, this.#around.runtime), isRebuild)
      }
      this.#halts.delete(run)
      this.#runs.delete(run.id)
    }
    return undefined
  }

  /** Starts what is wanted and does not run; ends what runs and is not wanted. */
  #align(wanted: readonly ShardJob[]): void {
    const ids = new Set(wanted.map(jobIdOf))
    for (const run of this.#runs.values()) if (!ids.has(run.id)) run.stop()
    // One after the other: a shard of the same place that is about to end still has its lease.
    const isEnding = this.runs.some((run) => !ids.has(run.id))
    // A look that was under way when the daemon was told to stop starts nothing.
    if (isEnding || this.#isClosed) return
    for (const job of wanted) if (!this.#runs.has(jobIdOf(job))) this.#start(job)
  }

  #start(job: ShardJob): void {
    const { database, onEnded } = this.#around
    const isWanted = async () => {
      const [known] = await readRecords(database, [this.name])
      return known !== undefined && wants(job, known.record)
    }
    const run = new ShardRun(job, this.#around, isWanted)
    this.#runs.set(run.id, run)
    run.ended.then(
      (end) => {
        if (end.kind === 'halted') this.#halts.set(run, end)
        else this.#runs.delete(run.id)
        onEnded()
      },
      (error: unknown) => {
        this.#halts.set(run, { kind: 'halted', fault: 'database', error })
        onEnded()
      },
    )
  }
}

function recordedError({ error, position }: Halt, runtime: Runtime): RecordedError {
  return { ...lastErrorOf(error, runtime), ...(position === undefined ? {} : { position }) }
}
