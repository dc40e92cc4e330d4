import { type Figure, type Limit, type PeerFigure, rounded } from '../figure.ts'
import type { Machine } from '../machine.ts'
import type { Outcome } from './alternate.ts'
import type { MissingPlan } from './store.ts'

/** Where and when, the same for every figure of a run. */
export interface RunContext {
  readonly machine: Machine
  readonly date: string
}

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

/** What a figure of this bench is made from. */
export interface FigureDraft {
  readonly case: string
  /** NaN if there is none. */
  readonly value: number
  readonly unit: string
  /** The first is the one to be compared with. */
  readonly limits?: readonly Limit[]
  readonly note?: string
  readonly peers?: readonly PeerFigure[]
}

export function logFigure(draft: FigureDraft, { machine, date }: RunContext): Figure {
  const [limit] = draft.limits ?? []
  return {
    bench: 'log',
    case: draft.case,
    value: rounded(draft.value),
    unit: draft.unit,
    ...(limit === undefined ? {} : { rawLimit: limit.value, ratio: limit.ratio, limits: draft.limits ?? [] }),
    ...(draft.note === undefined ? {} : { note: draft.note }),
    peers: draft.peers ?? [],
    machine,
    date,
  }
}

/** A limit by name, and how ours stands to it. */
export function limit(name: string, ours: number, value: number): Limit {
  return { name, value: rounded(value), ratio: rounded(ours / value) }
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
