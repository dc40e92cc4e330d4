/** What this bench is made of; `turns` are the cases of `TURN_CASES`. */
export const STORE_CASES = ['turns', 'projection', 'memory'] as const
export type StoreCase = (typeof STORE_CASES)[number]

export const ENGINES = ['sqlite', 'postgres'] as const
export type Engine = (typeof ENGINES)[number]

export interface StoreBenchOptions {
  readonly cases: readonly StoreCase[]
  readonly engines: readonly Engine[]
  readonly schedule: {
    readonly seconds: number
    readonly slices: number
    readonly warmUpSeconds: number
  }
  readonly peers: boolean
  /** Events that are projected: by us, and by the peers, who get fewer since they take longer. */
  readonly projection: { readonly events: number; readonly peerEvents: number; readonly streams: number }
  /** Events of the case `memory`. */
  readonly memoryEvents: number
  readonly directory: string
  readonly progress: (line: string) => void
}
