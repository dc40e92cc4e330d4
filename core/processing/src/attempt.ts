import { abortReason, type Scheduler } from '@millrace/kernel'

/** How one try ended. */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** `ended` resolves when the abandoned handler settles after all, which may be never. */
  | { readonly kind: 'timed-out'; readonly ended: Promise<void> }
  | { readonly kind: 'stopped' }

/** The limits of a try. */
export interface AttemptLimits {
  readonly scheduler: Scheduler
  readonly timeoutMs: number
  /** Ends the try at once when it aborts. */
  readonly signal: AbortSignal
}

/**
 * Runs `handle` once; never rejects. At the time limit the handler's signal aborts and the try is abandoned: whatever
 * the handler does later is not looked at.
 */
export function runAttempt(
  { scheduler, timeoutMs, signal }: AttemptLimits,
  handle: (signal: AbortSignal) => Promise<void>,
): Promise<Outcome> {
  if (signal.aborted) return Promise.resolve({ kind: 'stopped' })
  const controller = new AbortController()
  return new Promise<Outcome>((resolve) => {
    let markEnded = () => {}
    const ended = new Promise<void>((resolveEnded) => {
      markEnded = resolveEnded
    })
    const settle = (outcome: Outcome) => {
      cancel()
      signal.removeEventListener('abort', onStop)
      resolve(outcome)
    }
    const onStop = () => {
      settle({ kind: 'stopped' })
      controller.abort(abortReason(signal))
    }
    const cancel = scheduler.after(timeoutMs, () => {
      settle({ kind: 'timed-out', ended })
      controller.abort(new DOMException(`The time limit of ${timeoutMs} ms is over`, 'TimeoutError'))
    })
    signal.addEventListener('abort', onStop, { once: true })
    // Inside a promise of its own, so that a handler that throws at once is no different from one that rejects.
    new Promise<void>((resolveHandle) => resolveHandle(handle(controller.signal)))
      .then(
        () => settle({ kind: 'done' }),
        (error: unknown) => settle({ kind: 'failed', error }),
      )
      .finally(markEnded)
  })
}
