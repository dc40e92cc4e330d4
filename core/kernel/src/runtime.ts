import type { Clock } from './clock.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

/** The three things every part of core needs from outside: time, timers and chance. */
export interface Runtime {
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly random: Random
}
