import type { Random, Runtime } from '@millrace/kernel'
import type { Life } from './life.ts'

/** The world's time, and timers that die with a process. */
export function mortalRuntime(world: Runtime, random: Random, life: Life): Runtime {
  return {
    clock: world.clock,
    random,
    scheduler: {
      after: (delayMs, task) =>
        world.scheduler.after(delayMs, () => {
          if (!life.isOver) task()
        }),
    },
  }
}
