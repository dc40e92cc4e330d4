import { assert } from './assert.ts'
import { DueHeap } from './due-heap.ts'
import { seededRandom } from './random.ts'
import type { Runtime } from './runtime.ts'
import type { Cancel } from './scheduler.ts'

/** Options of {@link manualRuntime}. */
export interface ManualRuntimeOptions {
  /** Wall-clock time at the start, in milliseconds since 1970. Default: 2026-01-01T00:00:00Z. */
  readonly startMs?: number
  /** Seed of the random numbers. Default: 1. */
  readonly seed?: number
}

/** A runtime whose time stands still until somebody moves it. */
export interface ManualRuntime extends Runtime {
  /** How many tasks wait for their time. */
  readonly pendingTasks: number
  /** Moves time to the next waiting task and runs that one task; false if none waits. */
  runNext(): boolean
  /**
   * Moves time by `durationMs`, running every task that becomes due in the order of its time (then of its
   * scheduling), and letting promise reactions run between tasks.
   */
  advance(durationMs: number): Promise<void>
  /** Moves the wall clock only, as an operator or a time server might; timers do not notice. */
  jumpWallClock(deltaMs: number): void
}

interface Task {
  readonly dueMs: number
  readonly sequence: number
  /** Undefined once it has run or was cancelled. */
  run: (() => void) | undefined
}

/** 2026-01-01T00:00:00Z. */
const START_2026_MS = 1_767_225_600_000

/** How many turns of the microtask queue count as quiet: enough for deep promise chains, still instant. */
const SETTLE_TURNS = 256

/**
 * Lets promise reactions run, without any timer. Chains deeper than this many awaits need another call.
 */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn += 1) await undefined
}

/** The manual implementation of Clock, Scheduler and Random; deterministic for a given seed. */
export function manualRuntime(options: ManualRuntimeOptions = {}): ManualRuntime {
  let monotonicMs = 0
  let wallOffsetMs = options.startMs ?? START_2026_MS
  let sequence = 0
  let pendingTasks = 0
  const tasks = new DueHeap<Task>()

  const after = (delayMs: number, run: () => void): Cancel => {
    assert(!Number.isNaN(delayMs), 'a delay is a number')
    const task: Task = { dueMs: monotonicMs + Math.max(0, delayMs), sequence, run }
    sequence += 1
    pendingTasks += 1
    tasks.push(task)
    return () => {
      if (task.run !== undefined) pendingTasks -= 1
      task.run = undefined
    }
  }
  const runNextUpTo = (limitMs: number): boolean => {
    for (let task = tasks.peek(); task !== undefined && task.dueMs <= limitMs; task = tasks.peek()) {
      tasks.pop()
      const { run } = task
      if (run === undefined) continue
      task.run = undefined
      pendingTasks -= 1
      monotonicMs = Math.max(monotonicMs, task.dueMs)
      run()
      return true
    }
    return false
  }
  const advance = async (durationMs: number) => {
    const targetMs = monotonicMs + durationMs
    await settle()
    while (runNextUpTo(targetMs)) await settle()
    monotonicMs = targetMs
  }
  return {
    clock: { now: () => Math.floor(wallOffsetMs + monotonicMs), monotonic: () => monotonicMs },
    scheduler: { after },
    random: seededRandom(options.seed ?? 1),
    get pendingTasks() {
      return pendingTasks
    },
    runNext: () => runNextUpTo(Number.POSITIVE_INFINITY),
    advance,
    jumpWallClock: (deltaMs) => {
      wallOffsetMs += deltaMs
    },
  }
}
