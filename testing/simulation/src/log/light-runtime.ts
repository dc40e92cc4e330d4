import { type Cancel, type Runtime, seededRandom } from '@millrace/kernel'
import { quiet } from '../quiet.ts'

interface Timer {
  readonly dueMs: number
  readonly run: () => void
}

/** Time that is moved by hand, as cheap as can be: a log has a timer or two. */
export interface LightRuntime extends Runtime {
  /** Moves time by `durationMs`; runs what becomes due, one after the other, and all that follows from it. */
  advance(durationMs: number): Promise<void>
  /** Moves the wall clock only. */
  jump(deltaMs: number): void
}

/** 2026-01-01T00:00:00Z. */
const START_MS = 1_767_225_600_000

/** A runtime for one process; `startMs` is what the wall clock shows. */
export function lightRuntime(seed: number, startMs = START_MS): LightRuntime {
  let monotonicMs = 0
  let wallMs = startMs
  let timers: Timer[] = []
  const after = (delayMs: number, run: () => void): Cancel => {
    const timer = { dueMs: monotonicMs + Math.max(0, delayMs), run }
    timers.push(timer)
    return () => {
      timers = timers.filter((other) => other !== timer)
    }
  }
  const takeNext = (limitMs: number): Timer | undefined => {
    let next: Timer | undefined
    for (const timer of timers)
      if (timer.dueMs <= limitMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer
    if (next !== undefined) timers = timers.filter((other) => other !== next)
    return next
  }
  return {
    clock: { now: () => Math.floor(wallMs + monotonicMs), monotonic: () => monotonicMs },
    scheduler: { after },
    random: seededRandom(seed),
    advance: async (durationMs) => {
      const targetMs = monotonicMs + durationMs
      await quiet()
      for (let next = takeNext(targetMs); next !== undefined; next = takeNext(targetMs)) {
        monotonicMs = Math.max(monotonicMs, next.dueMs)
        next.run()
        await quiet()
      }
      monotonicMs = targetMs
    },
    jump: (deltaMs) => {
      wallMs = Math.max(0, wallMs + deltaMs)
    },
  }
}
