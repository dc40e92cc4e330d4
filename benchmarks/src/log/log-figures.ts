import {
  type Figure,
  type FigureDraft,
  figureOf,
  type Limit,
  limit,
  type PeerFigure,
  type RunContext,
  rounded,
} from '../figure.ts'
import type { Outcome } from './alternate.ts'
import type { MissingPlan } from './store.ts'

/** A number of an outcome that becomes a figure. */
export interface Quantity {
  readonly name: string
  readonly unit: string
  /** NaN if there was nothing to measure. */
  readonly of: (outcome: Outcome) => number
  /** False: the raw loop has nothing to compare. Default: true. */
  readonly hasLimit?: boolean
}

export const RATE: Quantity = { name: 'rate', unit: 'records/s', of: ({ rate }) => rate }
export const P50 = latency('p50', ({ latency }) => latency.p50Ms)
export const P99 = latency('p99', ({ latency }) => latency.p99Ms)
export const P999 = latency('p99.9', ({ latency }) => latency.p999Ms)
export const CPU: Quantity = {
  name: 'processor time',
  unit: 'µs/record',
  of: ({ cpuSeconds, records }) => (1e6 * cpuSeconds) / records,
}
export const RATE_A_CORE: Quantity = {
  name: 'rate on one core',
  unit: 'records/s',
  of: ({ cpuSeconds, records }) => records / cpuSeconds,
  hasLimit: false,
}

/** Everybody's outcomes of one workload. */
export interface Outcomes {
  readonly ours: Outcome
  readonly raw: readonly Outcome[]
  readonly peers: readonly Outcome[]
  readonly missing: readonly MissingPlan[]
}

/** One figure a quantity: ours, beside the raw loops and everybody else. */
export function outcomeFigures(
  name: string,
  quantities: readonly Quantity[],
  { ours, raw, peers, missing }: Outcomes,
  context: RunContext,
): Figure[] {
  return quantities.map((quantity) => {
    const value = numberOf(quantity, ours)
    const limits = quantity.hasLimit === false ? [] : raw.map((each) => limitOf(quantity, value, each))
    return logFigure(
      {
        case: `${name}, ${quantity.name}`,
        value,
        unit: quantity.unit,
        limits,
        ...(ours.failure === undefined ? {} : { note: ours.failure }),
        peers: [
          ...peers.map((peer) => peerFigure(quantity, value, peer)),
          ...missing.map(({ name, settings, reason }) => ({
            name,
            settings,
            value: null,
            ratio: null,
            note: reason,
          })),
        ],
      },
      context,
    )
  })
}

export function logFigure(draft: FigureDraft, context: RunContext): Figure {
  return figureOf('log', draft, context)
}

function limitOf(quantity: Quantity, ours: number, raw: Outcome): Limit {
  return limit(raw.plan.name, ours, numberOf(quantity, raw))
}

function peerFigure(quantity: Quantity, ours: number, peer: Outcome): PeerFigure {
  const value = numberOf(quantity, peer)
  const { name, settings } = peer.plan
  const note = peer.failure ?? (peer.records === 0 ? 'not measured' : undefined)
  return {
    name,
    settings,
    value: rounded(value),
    ratio: rounded(value / ours),
    ...(note === undefined ? {} : { note }),
  }
}

function numberOf(quantity: Quantity, outcome: Outcome): number {
  return outcome.failure === undefined && outcome.records > 0 ? quantity.of(outcome) : Number.NaN
}

function latency(name: string, of: (outcome: Outcome) => number): Quantity {
  return { name, unit: 'ms', of }
}
