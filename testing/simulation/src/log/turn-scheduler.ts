import type { Scheduler } from '@millrace/kernel'

/** Time is counted in turns of the queue of promise reactions. */
export const turnScheduler: Scheduler = {
  after: (turns, task) => {
    const turn = (left: number) => (left <= 0 ? task() : queueMicrotask(() => turn(left - 1)))
    queueMicrotask(() => turn(turns))
    return () => {}
  },
}
