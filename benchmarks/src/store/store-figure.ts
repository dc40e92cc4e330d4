import { type Figure, type Limit, type PeerFigure, rounded } from '../figure.ts'
import type { Machine } from '../machine.ts'

/** Where and when, the same for every figure of a run. */
export interface RunContext {
  readonly machine: Machine
  readonly date: string
}

/** What a figure of this bench is made from. */
export interface FigureDraft {
  readonly case: string
  readonly value: number
  readonly unit: string
  /** The first is the one to be compared with. */
  readonly limits?: readonly Limit[]
  readonly note?: string
  readonly peers?: readonly PeerFigure[]
}

export function storeFigure(draft: FigureDraft, { machine, date }: RunContext): Figure {
  const [first] = draft.limits ?? []
  return {
    bench: 'store',
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
