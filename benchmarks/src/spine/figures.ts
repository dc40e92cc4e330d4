import type { LatencySummary } from '@millrace/fleet'
import { type Figure, rounded } from '../figure.ts'
import type { Machine } from '../machine.ts'
import { isAnswered } from './answered.ts'
import type { ContenderPlan } from './contender.ts'
import type { SpineLoad, SpineMeasurement } from './measure.ts'

/** A contender with what it reached. */
export interface SpineResult {
  readonly plan: Pick<ContenderPlan, 'name' | 'settings'>
  readonly measurement: SpineMeasurement
}

/** Everything that one run of the bench measured. */
export interface SpineResults {
  readonly load: SpineLoad
  readonly raw: LatencySummary
  readonly ours: SpineResult
  readonly peers: readonly SpineResult[]
  readonly machine: Machine
  readonly date: string
}

interface Quantity {
  readonly case: string
  readonly unit: string
  /** NaN if there was nothing to measure. */
  readonly of: (measurement: SpineMeasurement, load: SpineLoad) => number
  /** What the disk alone takes. */
  readonly rawOf?: (raw: LatencySummary) => number
}

const PERCENTILES = [
  { name: 'p50', of: (summary: LatencySummary) => summary.p50Ms },
  { name: 'p99', of: (summary: LatencySummary) => summary.p99Ms },
  { name: 'p99.9', of: (summary: LatencySummary) => summary.p999Ms },
] as const

const MIB = 1024 * 1024

const QUANTITIES: readonly Quantity[] = [
  ...latencies('publish to PUBACK', ({ load }) => load.publishToAcknowledged),
  ...latencies('publish to command', ({ load }) => load.publishToCommand),
  { case: 'acknowledged readings', unit: '1/s', of: ({ achievedRate }) => achievedRate },
  {
    case: 'readings not acknowledged',
    unit: 'readings',
    of: ({ load }) => load.unacknowledged,
  },
  {
    case: 'commands that did not come',
    unit: 'commands',
    of: ({ load }, { answerEvery }) => answeredCount(load.published, answerEvery) - load.commandsReceived,
  },
  { case: 'resident memory, start', unit: 'MiB', of: ({ use }) => use.residentStart / MIB },
  { case: 'resident memory, end', unit: 'MiB', of: ({ use }) => use.residentEnd / MIB },
  { case: 'resident memory, most', unit: 'MiB', of: ({ use }) => use.residentMax / MIB },
  { case: 'processor time', unit: 's', of: ({ use }) => use.cpuSeconds },
]

/** The results as one figure a quantity, ours beside everybody else's. */
export function spineFigures({ load, raw, ours, peers, machine, date }: SpineResults): Figure[] {
  const share = load.answerEvery === 1 ? 'every' : `every ${load.answerEvery}th`
  const context = `${load.ratePerSecond}/s from ${load.devices} devices, ${share} reading answered`
  const figureOf = ({ case: name, unit, of, rawOf }: Quantity): Figure => {
    const value = of(ours.measurement, load)
    const rawLimit = rawOf?.(raw)
    return {
      bench: 'spine',
      case: `${name} (${context})`,
      value: rounded(value),
      unit,
      ...(rawLimit === undefined ? {} : { rawLimit: rounded(rawLimit), ratio: rounded(value / rawLimit) }),
      peers: peers.map(({ plan: { name: peer, settings }, measurement }) => {
        const reached = of(measurement, load)
        return {
          name: peer,
          settings,
          value: rounded(reached),
          ratio: rounded(reached / value),
        }
      }),
      machine,
      date,
    }
  }
  return QUANTITIES.map(figureOf)
}

function answeredCount(published: number, every: number): number {
  return Array.from({ length: published }, (_, index) => isAnswered(index, every)).filter(Boolean).length
}

function latencies(name: string, of: (measurement: SpineMeasurement) => LatencySummary): Quantity[] {
  return PERCENTILES.map((percentile) => ({
    case: `${name}, ${percentile.name}`,
    unit: 'ms',
    of: (measurement) => {
      const summary = of(measurement)
      return summary.count === 0 ? Number.NaN : percentile.of(summary)
    },
    rawOf: percentile.of,
  }))
}
