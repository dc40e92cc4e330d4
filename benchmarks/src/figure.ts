import type { Machine } from './machine.ts'

/** What somebody else reached in the same run. */
export interface PeerFigure {
  readonly name: string
  /** What it was told to do, in its own words. */
  readonly settings: string
  /** Null if there was nothing to measure, such as the latency of commands that never came. */
  readonly value: number | null
  /** Its value divided by ours. */
  readonly ratio: number | null
  /** Why there is no value. */
  readonly note?: string
}

/** A further limit of the machine: the raw loop made in another way. */
export interface Limit {
  readonly name: string
  readonly value: number | null
  /** The figure's value divided by this one. */
  readonly ratio: number | null
}

/** One measured value; one JSON line of a bench. */
export interface Figure {
  /** The bench that measured it: `spine`. */
  readonly bench: string
  /** What was measured: `publish to command, p99`. */
  readonly case: string
  readonly value: number | null
  readonly unit: string
  /** What the machine itself allows, measured in the same run, in the same unit. */
  readonly rawLimit?: number | null
  /** `value` divided by `rawLimit`. */
  readonly ratio?: number | null
  /** All limits by name; the first is `rawLimit`. */
  readonly limits?: readonly Limit[]
  /** What to know when reading it, such as why there is no value. */
  readonly note?: string
  readonly peers: readonly PeerFigure[]
  readonly machine: Machine
  /** RFC 3339. */
  readonly date: string
}

/** Rounds to what a reader of a table wants: three digits that count. Null for what is no number. */
export function rounded(value: number): number | null {
  if (!Number.isFinite(value)) return null
  return value === 0 ? 0 : Number(value.toPrecision(Math.abs(value) >= 1_000 ? 6 : 3))
}

/** Where and when, the same for every figure of a run. */
export interface RunContext {
  readonly machine: Machine
  readonly date: string
}

/** What a figure is made from. */
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

/** The figure of a bench, rounded, with its first limit in front. */
export function figureOf(bench: string, draft: FigureDraft, { machine, date }: RunContext): Figure {
  const [first] = draft.limits ?? []
  return {
    bench,
    case: draft.case,
    value: rounded(draft.value),
    unit: draft.unit,
    ...(first === undefined ? {} : { rawLimit: first.value, ratio: first.ratio, limits: draft.limits ?? [] }),
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
