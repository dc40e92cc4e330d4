import type { Database, PositionsRead, StoredPosition } from '@millrace/documents'
import { documentLimits } from '@millrace/documents'
import { type AnyProjection, versionOf } from './any-projection.ts'
import { DEAD_LETTERS } from './dead-letter.ts'
import {
  type ProjectionRecord,
  type RebuildRecord,
  type RecordedError,
  readRecords,
  rebuildSlot,
  type Slot,
  throughOf,
} from './projection-record.ts'
import type { ProjectionRuns } from './projection-runs.ts'
import type { LastError, ShardState } from './shard-status.ts'

/** How a projection is. */
export interface ProjectionProgress {
  readonly name: string
  readonly kind: AnyProjection['kind']
  /** Of the functions that its documents are made by. */
  readonly version: number
  /**
   * `paused`: by hand. `stopped`: by an error. `outdated`: this node has an older version of it than the documents, and
   * does not work on them. `new`: it has not begun.
   */
  readonly state: 'running' | 'paused' | 'stopped' | 'outdated' | 'new'
  /** Why it is stopped. */
  readonly error?: RecordedError
  /** Why this node could not look after it the last time: the database failed, or a rebuild cannot begin. */
  readonly lastError?: LastError
  /** The position up to which the feed is complete. */
  readonly feedEnd: number
  /** Positions that the last of its shards is behind the feed; events are fewer, since positions have holes. */
  readonly behind: number
  /** Of its shards on this node. */
  readonly eventsPerSecond: number
  readonly deadLetters: number
  readonly shards: readonly ShardProgress[]
  readonly rebuild?: RebuildProgress
}

/** How far a rebuild is. */
export interface RebuildProgress
  extends Pick<RebuildRecord, 'version' | 'kind' | 'phase' | 'state' | 'goal' | 'startedAtMs' | 'error'> {
  /** From 0 to 1, of the positions that there were when it began. */
  readonly done: number
  readonly eventsPerSecond: number
  readonly shards: readonly ShardProgress[]
}

/** How a shard is. */
export interface ShardProgress {
  readonly shard: number
  /** `elsewhere`: it does not run on this node; perhaps on another one, perhaps nowhere. */
  readonly state: ShardState | 'elsewhere'
  /** Every event up to here is part of the documents. */
  readonly position: number
  readonly behind: number
  /** The rest is known of shards on this node only. */
  readonly staged: number
  readonly eventsPerSecond: number
  /** Since it began to run here. */
  readonly applied: number
  readonly skipped: number
  readonly lastError?: LastError
}

/** Looks at all of them. Throws what the database throws. */
export async function readProgress(
  database: Database,
  all: readonly ProjectionRuns[],
): Promise<readonly ProjectionProgress[]> {
  const progress: ProjectionProgress[] = []
  const atOnceMax = documentLimits.readsMax - 1
  for (let start = 0; start < all.length; start += atOnceMax) {
    progress.push(...(await progressOfSome(database, all.slice(start, start + atOnceMax))))
  }
  return progress
}

async function progressOfSome(
  database: Database,
  some: readonly ProjectionRuns[],
): Promise<ProjectionProgress[]> {
  const names = some.map(({ name }) => name)
  const counts = await database.read(names.map(countOf))
  const records = new Map((await readRecords(database, names)).map(({ record }) => [record.id, record]))
  const [feedEnd] = await database.read([{ kind: 'feed-end' }])
  const positions = await database.read(
    names.map((processor): PositionsRead => ({ kind: 'positions', processor })),
  )
  return some.map((runs, index) => {
    const facts = { feedEnd, positions: positions[index] ?? [], deadLetters: counts[index] ?? 0 }
    return progressOf(runs, records.get(runs.name), facts)
  })
}

interface Facts {
  readonly feedEnd: number
  readonly positions: readonly StoredPosition[]
  readonly deadLetters: number
}

function countOf(projection: string) {
  return {
    kind: 'count',
    collection: DEAD_LETTERS.name,
    where: { kind: 'compare', path: ['projection'], operator: 'eq', value: projection },
  } as const
}

function progressOf(
  runs: ProjectionRuns,
  record: ProjectionRecord | undefined,
  facts: Facts,
): ProjectionProgress {
  const { projection } = runs
  const about = {
    name: runs.name,
    kind: projection.kind,
    feedEnd: facts.feedEnd,
    deadLetters: facts.deadLetters,
  }
  const version = versionOf(projection)
  if (record === undefined) {
    const failure = runs.lastError === undefined ? {} : { lastError: runs.lastError }
    return {
      ...about,
      version,
      state: 'new',
      behind: facts.feedEnd,
      eventsPerSecond: 0,
      shards: [],
      ...failure,
    }
  }
  const shards = shardsOf(runs, record.slot, record.shards, facts)
  const { rebuild, error } = record
  return {
    ...about,
    version: record.version,
    state: version < record.version && record.state === 'running' ? 'outdated' : record.state,
    behind: Math.max(...shards.map((each) => each.behind)),
    eventsPerSecond: sum(shards),
    shards,
    ...(error === undefined ? {} : { error }),
    ...(runs.lastError === undefined ? {} : { lastError: runs.lastError }),
    ...(rebuild === undefined ? {} : { rebuild: rebuildOf(runs, record, rebuild, facts) }),
  }
}

function rebuildOf(
  runs: ProjectionRuns,
  record: ProjectionRecord,
  { shards: count, ...rebuild }: RebuildRecord,
  facts: Facts,
): RebuildProgress {
  const slot = rebuildSlot(record, rebuild)
  const shards = shardsOf(runs, slot, count, facts)
  const positions = shards.map(({ position }) => Math.min(position, rebuild.goal))
  const total = positions.reduce((before, each) => before + each, 0)
  const done = rebuild.goal === 0 ? 1 : total / (rebuild.goal * count)
  return { ...rebuild, done, eventsPerSecond: sum(shards), shards }
}

function shardsOf(
  runs: ProjectionRuns,
  slot: Slot,
  count: number,
  { positions, feedEnd }: Facts,
): ShardProgress[] {
  return Array.from({ length: count }, (_, shard) => {
    const run = runs.runs.find(
      ({ job }) => job.slot === slot && job.shard.index === shard && job.shard.count === count,
    )
    const stored = throughOf(positions, slot, shard)
    const position = Math.max(stored, run?.status.through ?? 0)
    const place = { shard, position, behind: Math.max(0, feedEnd - position) }
    if (run === undefined) {
      return { ...place, state: 'elsewhere', staged: 0, eventsPerSecond: 0, applied: 0, skipped: 0 }
    }
    const { state, staged, eventsPerSecond, applied, skipped, lastError } = run.status
    const failure = lastError === undefined ? {} : { lastError }
    return { ...place, state, staged, eventsPerSecond, applied, skipped, ...failure }
  })
}

function sum(shards: readonly ShardProgress[]): number {
  return shards.reduce((total, { eventsPerSecond }) => total + eventsPerSecond, 0)
}
