import { createSampleRing, type SampleRing } from './sample-ring.ts'

/** Counts what happens and tells how much that is a second. */
export interface RateMeter {
  /** Samples of events per second, one a window. */
  readonly history: SampleRing
  count(events: number): void
  /** Ends the window that began with the last call, and gives its rate; undefined for the first call. */
  sample(nowMs: number): number | undefined
}

export function createRateMeter(samplesMax: number): RateMeter {
  const history = createSampleRing(samplesMax)
  let counted = 0
  let sinceMs: number | undefined
  return {
    history,
    count(events) {
      counted += events
    },
    sample(nowMs) {
      const from = sinceMs
      if (from !== undefined && nowMs <= from) return undefined
      const rate = from === undefined ? undefined : (counted * 1000) / (nowMs - from)
      if (rate !== undefined) history.push(nowMs, rate)
      counted = 0
      sinceMs = nowMs
      return rate
    },
  }
}
