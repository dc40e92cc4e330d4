import type { Database } from '@millrace/documents'
import { abortable, millraceError, type Runtime, sleep, throwIfAborted } from '@millrace/kernel'
import type { Wakeup } from '@millrace/processing'
import type { StalenessOptions } from './daemon.ts'
import { type ProjectionRecord, readRecords } from './projection-record.ts'
import type { ProjectionRuns } from './projection-runs.ts'
import { spanOf } from './record-decision.ts'

const TIMEOUT_MS_DEFAULT = 10_000
/** How often positions of other nodes' shards are looked at, in milliseconds. */
const LOOK_MS = 100

/** What is needed to wait. */
export interface StalenessSurroundings {
  readonly database: Database
  readonly runtime: Runtime
  /** Wakes when a shard of this node has come further. */
  readonly moved: Wakeup
}

/**
 * Resolves when the documents of all these projections hold the events up to a position.
 *
 * @throws PROJECTION_STALE, PROJECTION_STOPPED, the signal's reason, and what the database throws
 */
export async function untilFresh(
  projections: readonly ProjectionRuns[],
  { database, runtime, moved }: StalenessSurroundings,
  { position, timeoutMs = TIMEOUT_MS_DEFAULT, signal }: StalenessOptions,
): Promise<void> {
  throwIfAborted(signal)
  const startMs = runtime.clock.monotonic()
  const goal = position ?? (await database.read([{ kind: 'feed-end' }]))[0]
  let waiting = projections
  let lookMs = startMs
  for (;;) {
    const nowMs = runtime.clock.monotonic()
    waiting = waiting.filter((runs) => (throughHere(runs) ?? -1) < goal)
    if (waiting.length > 0 && nowMs >= lookMs) {
      waiting = await behindInDatabase(waiting, goal, database)
      lookMs = nowMs + LOOK_MS
    }
    const [first] = waiting
    if (first === undefined) return
    const leftMs = startMs + timeoutMs - nowMs
    if (leftMs <= 0) throw await staleness(first, { goal, timeoutMs, database })
    await eitherOf(moved, Math.min(leftMs, lookMs - nowMs), runtime, signal)
  }
}

async function eitherOf(
  moved: Wakeup,
  waitMs: number,
  { scheduler }: Runtime,
  signal: AbortSignal | undefined,
) {
  const timer = new AbortController()
  try {
    const slept = sleep(scheduler, waitMs, timer.signal).catch(() => {})
    await abortable(Promise.race([moved.wait(), slept]), signal)
  } finally {
    timer.abort()
  }
}

/** How far the served shards are, if all of them run on this node. */
function throughHere({ known, runs }: ProjectionRuns): number | undefined {
  if (known === undefined) return undefined
  const { slot, shards } = known.record
  const here = runs.filter(({ job }) => job.slot === slot && job.mode !== 'rebuild-beside')
  if (here.length !== shards) return undefined
  return Math.min(...here.map(({ status }) => status.through ?? 0))
}

async function behindInDatabase(
  projections: readonly ProjectionRuns[],
  goal: number,
  database: Database,
): Promise<readonly ProjectionRuns[]> {
  const behind: ProjectionRuns[] = []
  for (const runs of projections) {
    const { record, through } = await storedPlace(database, runs.name)
    if (through >= goal) continue
    if (record?.state === 'stopped') {
      const { code = 'UNKNOWN', message = 'nobody said why' } = record.error ?? {}
      throw millraceError('PROJECTION_STOPPED', { projection: runs.name, code, reason: message })
    }
    behind.push(runs)
  }
  return behind
}

async function staleness(
  { name }: ProjectionRuns,
  { goal, timeoutMs, database }: { goal: number; timeoutMs: number; database: Database },
) {
  const { through } = await storedPlace(database, name)
  return millraceError('PROJECTION_STALE', { projection: name, seen: through, expected: goal, timeoutMs })
}

/** Where a projection stands by what is stored: the last of its shards. */
async function storedPlace(
  database: Database,
  name: string,
): Promise<{ readonly record: ProjectionRecord | undefined; readonly through: number }> {
  const [known] = await readRecords(database, [name])
  if (known === undefined) return { record: undefined, through: -1 }
  const [positions] = await database.read([{ kind: 'positions', processor: name }])
  return { record: known.record, through: spanOf(positions, known.record.slot, known.record.shards).least }
}
