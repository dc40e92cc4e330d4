import type { Database } from '@millrace/documents'
import { millraceError, type Runtime, sleep } from '@millrace/kernel'
import { Wakeup } from '@millrace/processing'
import type { Daemon, DaemonOptions, DaemonProjection, DeadLetterQuery, StalenessOptions } from './daemon.ts'
import { daemonSchema } from './daemon-schema.ts'
import { DeadLetterBox } from './dead-letter-box.ts'
import { checkNumber } from './error-policy.ts'
import { Overseer } from './overseer.ts'
import { type ProjectionProgress, readProgress } from './progress.ts'
import { ProjectionRuns } from './projection-runs.ts'
import { settingsOf } from './projection-settings.ts'
import { cancelled, paused, resumed } from './record-changes.ts'
import { placesOf, rebuildBegun } from './record-decision.ts'
import type { ShardSurroundings } from './shard-run.ts'
import { untilFresh } from './staleness.ts'
import { rebuildStream } from './stream-rebuild.ts'

/** How long `stop` waits when nothing else is said, in milliseconds. */
const STOP_MS_DEFAULT = 10_000
/** Default of `lookMs`. */
const LOOK_MS_DEFAULT = 1_000
const LOOK_MS_MAX = 3_600_000

/**
 * Starts the background work of projections. All that they need exists on return.
 *
 * @throws CONFIGURATION_INVALID naming the setting, the signal's reason, and what `Database.prepare` throws
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { database, projections, signal, lookMs = LOOK_MS_DEFAULT } = options
  checkNumber('projections.lookMs', lookMs, 1, LOOK_MS_MAX)
  const wanted = projections.map(
    (each): DaemonProjection => ('projection' in each ? each : { projection: each }),
  )
  checkDistinct(wanted)
  const checked = wanted.map(({ projection, ...chosen }) => ({
    projection,
    settings: settingsOf(projection, chosen),
  }))
  await database.prepare(daemonSchema(wanted.map(({ projection }) => projection)))
  signal?.throwIfAborted()
  return new RunningDaemon(options, lookMs, (around) =>
    checked.map(({ projection, settings }) => new ProjectionRuns(projection, settings, around)),
  )
}

/** Projections that write to the same place would overwrite each other, and a rebuild of one would remove the other's. */
function checkDistinct(all: readonly DaemonProjection[]): void {
  const seen = new Set<string>()
  for (const { projection } of all) {
    const { name } = projection
    const places = [`projection "${name}"`]
    if (projection.kind === 'projection') places.push(`collection "${projection.collection.name}"`)
    if (projection.kind === 'row-projection') places.push(`table "${projection.table.name}"`)
    for (const place of places) {
      if (seen.has(place)) {
        const expected = 'names, collections and tables that are one projection’s own'
        throw millraceError('CONFIGURATION_INVALID', {
          path: `projections.${name}`,
          seen: `a second ${place}`,
          expected,
        })
      }
      seen.add(place)
    }
  }
}

class RunningDaemon implements Daemon {
  readonly #database: Database
  readonly #runtime: Runtime
  readonly #around: ShardSurroundings
  readonly #all: readonly ProjectionRuns[]
  readonly #overseer: Overseer
  readonly #letters: DeadLetterBox
  readonly #moved = new Wakeup()
  #stopped: Promise<void> | undefined

  constructor(
    { database, runtime, upcasters, node, signal }: DaemonOptions,
    lookMs: number,
    runsOf: (around: ShardSurroundings) => readonly ProjectionRuns[],
  ) {
    this.#database = database
    this.#runtime = runtime
    const onMoved = () => this.#moved.wake()
    const onEnded = () => {
      this.#overseer.wake()
      this.#moved.wake()
    }
    this.#around = { database, runtime, upcasters, node, onMoved, onEnded }
    this.#all = runsOf(this.#around)
    this.#overseer = new Overseer({ database, runtime, all: this.#all, lookMs })
    this.#letters = new DeadLetterBox(this.#around)
    this.#overseer.start()
    signal?.addEventListener('abort', () => void this.stop({ limitMs: 0 }), { once: true })
  }

  progress(): Promise<readonly ProjectionProgress[]> {
    return readProgress(this.#database, this.#all)
  }

  async waitForNonStale(projections?: readonly string[], options: StalenessOptions = {}): Promise<void> {
    const wanted = projections?.map((name) => this.#overseer.find(name)) ?? this.#all
    await untilFresh(
      wanted,
      { database: this.#database, runtime: this.#runtime, moved: this.#moved },
      options,
    )
  }

  async pause(projection: string): Promise<void> {
    await this.#overseer.change(projection, async (record) =>
      record.state === 'paused' ? undefined : paused(record),
    )
    await this.#overseer.find(projection).ended()
  }

  async resume(projection: string): Promise<void> {
    await this.#overseer.change(projection, async (record) => {
      const isStill = record.state !== 'running' || record.rebuild?.state === 'stopped'
      return isStill ? resumed(record) : undefined
    })
    for (const run of this.#overseer.find(projection).runs) run.resume()
  }

  async rebuild(projection: string): Promise<void> {
    const runs = this.#overseer.find(projection)
    await this.#overseer.change(projection, async (record) => {
      const [feedEnd] = await this.#database.read([{ kind: 'feed-end' }])
      const nowMs = this.#runtime.clock.now()
      const begun = rebuildBegun(
        { projection: runs.projection, settings: runs.settings, feedEnd, nowMs },
        record,
      )
      if (begun !== undefined) return begun
      const reason = 'it is a custom projection without "reset"'
      throw millraceError('PROJECTION_NOT_REBUILDABLE', { projection, reason })
    })
  }

  cancelRebuild(name: string): Promise<boolean> {
    const { projection } = this.#overseer.find(name)
    return this.#overseer.change(name, async (record) => {
      const { rebuild } = record
      if (rebuild?.kind !== 'side-by-side' || projection.kind !== 'projection') return undefined
      return cancelled(record, rebuild, placesOf(projection.collection.name))
    })
  }

  async rebuildStream(
    projection: string,
    stream: string,
    { tenant = '' }: { readonly tenant?: string } = {},
  ): Promise<void> {
    await rebuildStream(this.#overseer.find(projection).projection, { stream, tenant }, this.#around)
  }

  deadLetters(query: DeadLetterQuery = {}) {
    return this.#letters.find(query)
  }

  replayDeadLetter(id: string): Promise<void> {
    return this.#letters.replay(id, (name) => this.#overseer.find(name))
  }

  discardDeadLetter(id: string): Promise<boolean> {
    return this.#letters.discard(id)
  }

  stop({ limitMs = STOP_MS_DEFAULT }: { readonly limitMs?: number } = {}): Promise<void> {
    this.#stopped ??= this.#stop(limitMs)
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(limitMs: number): Promise<void> {
    await this.#overseer.stop()
    const ended = Promise.all(this.#all.map((runs) => runs.ended()))
    const limit = new AbortController()
    if (limitMs > 0) {
      for (const runs of this.#all) runs.drain()
      const slept = sleep(this.#runtime.scheduler, limitMs, limit.signal).catch(() => {})
      await Promise.race([ended, slept])
      limit.abort()
    }
    for (const runs of this.#all) runs.stop()
    await ended
  }
}
