import { createSampleRing, type SampleRing } from './sample-ring.ts'

/** Counts what happens and tells how much that is a second. */
export interface RateMeter {
  /** Samples of events per second, one a window. */
  readonly history: SampleRing
  count(events: number): void
  /** Ends the window that began with the last call; gives the mean rate of the last windows, undefined for the first call. */
  sample(nowMs: number): number | undefined
  /** Forgets what was counted, after a gap. The history stays. */
  restart(): void
}

/** Windows that one rate is the mean of: devices that all speak in the same moment shall not make it jump. */
const WINDOWS = 3

export function createRateMeter(samplesMax: number): RateMeter {
  const history = createSampleRing(samplesMax)
  let windows: { events: number; ms: number }[] = []
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
      if (from !== undefined) windows = [...windows, { events: counted, ms: nowMs - from }].slice(-WINDOWS)
      counted = 0
      sinceMs = nowMs
      if (from === undefined) return undefined
      const events = windows.reduce((sum, window) => sum + window.events, 0)
      const rate = (events * 1000) / windows.reduce((sum, window) => sum + window.ms, 0)
      history.push(nowMs, rate)
      return rate
    },
    restart() {
      windows = []
      counted = 0
      sinceMs = undefined
    },
  }
}
