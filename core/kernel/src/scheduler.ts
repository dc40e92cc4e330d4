import { abortReason } from './abort.ts'

/** Stops what was scheduled; a second call does nothing. */
export type Cancel = () => void

/** Runs code later. The only source of timers in core. */
export interface Scheduler {
  /**
   * Calls `task` once, `delayMs` milliseconds from now (0 means: on a later turn of the loop, never
   * synchronously). A real scheduler does not keep the process alive for a pending task.
   */
  after(delayMs: number, task: () => void): Cancel
}

/**
 * Resolves after `delayMs` milliseconds; rejects with the signal's reason as soon as `signal` aborts.
 */
export function sleep(scheduler: Scheduler, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortReason(signal))
    const onAbort = () => {
      cancel()
      reject(abortReason(signal))
    }
    const cancel = scheduler.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
