import { LatencyHistogram, type LatencySummary } from '@millrace/fleet'
import { Contender, type MeasuredSlice } from './contender.ts'
import type { StorePlan } from './store.ts'
import { rawWorkloadOf, type Workload } from './workload.ts'

/** Between two slices. */
const SETTLE_MS = 100

/** What a contender came to over all its slices of one workload. */
export interface Outcome {
  readonly plan: StorePlan
  /** Records a second: the median of the slices, so that one bad moment of the machine decides nothing. */
  readonly rate: number
  readonly latency: LatencySummary
  readonly records: number
  readonly cpuSeconds: number
  /** Why there is no outcome. */
  readonly failure?: string
}

/** How long, and in how many pieces. */
export interface Schedule {
  readonly seconds: number
  readonly slices: number
  readonly warmUpSeconds: number
}

/** What {@link alternate} is told. */
export interface AlternateOptions {
  readonly plans: readonly StorePlan[]
  /** One after the other on the same stores, each in slices. */
  readonly workloads: readonly Workload[]
  readonly schedule: Schedule
  readonly directoryOf: (plan: StorePlan) => string
  readonly nodeArgsOf?: (plan: StorePlan) => readonly string[]
}

/**
 * Puts the workloads on all plans in turns, a slice each, so that what the machine does meanwhile hits everybody. One
 * list of outcomes a workload, in the order of the plans. A plan that fails has an outcome that says why.
 */
export async function alternate(options: AlternateOptions): Promise<readonly (readonly Outcome[])[]> {
  await using running = new AsyncDisposableStack()
  const entries: Entry[] = []
  for (const plan of options.plans) entries.push(await startEntry(plan, options, running))
  const outcomes: Outcome[][] = []
  for (const workload of options.workloads) {
    for (const entry of entries) entry.slices = []
    await runWorkload(entries, workload, options.schedule)
    outcomes.push(entries.map(outcomeOf))
  }
  return outcomes
}

interface Entry {
  readonly plan: StorePlan
  readonly contender: Contender | undefined
  slices: MeasuredSlice[]
  failure: string | undefined
}

async function startEntry(
  plan: StorePlan,
  { directoryOf, nodeArgsOf }: AlternateOptions,
  running: AsyncDisposableStack,
): Promise<Entry> {
  try {
    const contender = running.use(await Contender.start(plan, directoryOf(plan), nodeArgsOf?.(plan) ?? []))
    return { plan, contender, slices: [], failure: undefined }
  } catch (error) {
    return { plan, contender: undefined, slices: [], failure: firstLine(error) }
  }
}

async function runWorkload(
  entries: readonly Entry[],
  workload: Workload,
  { seconds, slices, warmUpSeconds }: Schedule,
): Promise<void> {
  const ms = (seconds * 1000) / slices
  for (let slice = -1; slice < slices; slice += 1) {
    for (const entry of rotated(entries, slice)) {
      const { plan, contender, failure } = entry
      if (failure !== undefined || contender === undefined) continue
      const load = plan.isRaw ? rawWorkloadOf(workload) : workload
      try {
        await settle()
        if (slice < 0) await contender.run({ workload: load, ms: warmUpSeconds * 1000 })
        else entry.slices.push(await contender.run({ workload: load, ms }))
      } catch (error) {
        entry.failure = firstLine(error)
      }
    }
  }
}

/** What one contender leaves to be written in the background must not always hit the same next one. */
function rotated<Item>(items: readonly Item[], by: number): readonly Item[] {
  const start = (by + items.length) % items.length
  return [...items.slice(start), ...items.slice(0, start)]
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
}

function outcomeOf({ plan, slices, failure }: Entry): Outcome {
  const histogram = new LatencyHistogram()
  for (const { latencies } of slices) histogram.add(latencies)
  return {
    plan,
    rate: median(slices.map(({ records, ms }) => (1000 * records) / ms)),
    latency: histogram.summary(),
    records: slices.reduce((sum, { records }) => sum + records, 0),
    cpuSeconds: slices.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    ...(failure === undefined ? {} : { failure }),
  }
}

/** NaN of none. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
}
