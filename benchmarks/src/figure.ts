import type { Machine } from './machine.ts'

/** What somebody else reached in the same run. */
export interface PeerFigure {
  readonly name: string
  /** What it was told to do, in its own words. */
  readonly settings: string
  readonly value: number
  /** Its value divided by ours. */
  readonly ratio: number
}

/** One measured value; one JSON line of a bench. */
export interface Figure {
  /** The bench that measured it: `spine`. */
  readonly bench: string
  /** What was measured: `publish to command, p99`. */
  readonly case: string
  readonly value: number
  readonly unit: string
  /** What the machine itself allows, measured in the same run, in the same unit. */
  readonly rawLimit?: number
  /** `value` divided by `rawLimit`. */
  readonly ratio?: number
  readonly peers: readonly PeerFigure[]
  readonly machine: Machine
  /** RFC 3339. */
  readonly date: string
}

/** Rounds to what a reader of a table wants: three digits that count. */
export function rounded(value: number): number {
  return value === 0 ? 0 : Number(value.toPrecision(value >= 1_000 ? 6 : 3))
}
