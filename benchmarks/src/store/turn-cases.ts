import { LatencyHistogram } from '@millrace/fleet'
import { type Figure, limit, type PeerFigure, type RunContext, rounded } from '../figure.ts'
import type { Contender, SliceResult } from './contender.ts'
import type { StoreBenchOptions } from './options.ts'
import { storeFigure } from './store-figure.ts'
import type { TurnCase } from './store-plan.ts'

const SETTLE_MS = 100

/** What a contender came to over all its slices of one case; undefined if it takes no part. */
interface Outcome {
  readonly contender: Contender
  /** Records a second: the median of the slices, so that one bad moment of the machine decides nothing. */
  readonly rate: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** The contenders of one engine in turns, a slice each, so that what the machine does meanwhile hits everybody. */
export async function benchTurns(
  name: TurnCase,
  contenders: readonly Contender[],
  { schedule, progress }: StoreBenchOptions,
  context: RunContext,
): Promise<Figure[]> {
  const ms = (schedule.seconds * 1000) / schedule.slices
  const slices = new Map<Contender, SliceResult[]>()
  for (let turn = -1; turn < schedule.slices; turn += 1) {
    for (const contender of rotated(contenders, turn)) {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
      const result = await contender.slice(name, turn < 0 ? schedule.warmUpSeconds * 1000 : ms)
      if (result === null || turn < 0) continue
      slices.set(contender, [...(slices.get(contender) ?? []), result])
    }
  }
  const outcomes = contenders.flatMap((contender) => {
    const results = slices.get(contender)
    return results === undefined ? [] : outcomeOf(contender, results)
  })
  for (const { contender, rate, p50Ms, p99Ms } of outcomes) {
    progress(`  ${name} · ${contender.plan.name}: ${Math.round(rate)}/s · p50 ${p50Ms} p99 ${p99Ms} ms`)
  }
  return figures(name, outcomes, context)
}

function figures(name: TurnCase, outcomes: readonly Outcome[], context: RunContext): Figure[] {
  const ours = outcomes.find(({ contender }) => contender.plan.role === 'ours')
  if (ours === undefined) return []
  const { engine } = ours.contender.plan
  const figure = (what: string, unit: string, of: (outcome: Outcome) => number) =>
    storeFigure(
      {
        case: `${engine}, ${name}, ${what}`,
        value: of(ours),
        unit,
        limits: outcomes
          .filter(({ contender }) => contender.plan.role === 'raw')
          .map((each) => limit(each.contender.plan.name, of(ours), of(each))),
        peers: outcomes
          .filter(({ contender }) => contender.plan.role === 'peer')
          .map((each) => peer(each, of(ours), of(each))),
      },
      context,
    )
  return [
    figure('rate', 'records/s', ({ rate }) => rate),
    figure('p50', 'ms', ({ p50Ms }) => p50Ms),
    figure('p99', 'ms', ({ p99Ms }) => p99Ms),
  ]
}

function peer({ contender: { plan } }: Outcome, ours: number, value: number): PeerFigure {
  return { name: plan.name, settings: plan.settings, value: rounded(value), ratio: rounded(value / ours) }
}

function outcomeOf(contender: Contender, slices: readonly SliceResult[]): Outcome {
  const histogram = new LatencyHistogram()
  for (const { latencies } of slices) histogram.add(latencies)
  const { p50Ms, p99Ms } = histogram.summary()
  return { contender, rate: median(slices.map(({ records, ms }) => (1000 * records) / ms)), p50Ms, p99Ms }
}

/** What one contender leaves to be written in the background must not always hit the same next one. */
function rotated<Item>(items: readonly Item[], by: number): readonly Item[] {
  const start = (by + items.length) % items.length
  return [...items.slice(start), ...items.slice(0, start)]
}

/** NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2
}
