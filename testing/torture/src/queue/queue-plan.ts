/** What a life of a queue is told to do. */
export interface QueuePlan {
  /** The root of its files; the queue is in `queue` below it. */
  readonly root: string
  readonly life: number
  readonly seed: number
  readonly producers: number
  /** Calls of `take` at a time, of each consumer. */
  readonly takers: number
  /** How long it works before it closes by itself, in milliseconds; 0: it puts nothing, and empties the queue. */
  readonly workMs: number
  /** Tells of an acknowledgement before it is durable. */
  readonly isLying: boolean
}

/** The most urgent first. */
export const LANES = ['urgent', 'normal'] as const
export const CONSUMERS = ['first', 'second'] as const

/** Most items of one put, and most puts of one producer under way. */
export const PUT_ITEMS_MAX = 6
export const PUTS_UNDER_WAY_MAX = 2
