import type { Clock, MillraceError } from '@millrace/kernel'
import type { ProcessorStats } from './processor.ts'

/** The counters of a processor and how it is. */
export class Status {
  phase: 'running' | 'draining' | 'stopped' | 'failed' = 'running'
  handled = 0
  retried = 0
  deadLettered = 0
  abandoned = 0
  readonly #clock: Clock
  #waiting = 0
  #lastError: ProcessorStats['lastError']

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Something failed. */
  note(error: MillraceError): void {
    this.#lastError = { code: error.code, message: error.message, atMs: this.#clock.now() }
  }

  /** Shows the state 'retrying' until `wait` has settled. */
  async retrying(wait: () => Promise<void>): Promise<void> {
    this.#waiting += 1
    try {
      await wait()
    } finally {
      this.#waiting -= 1
    }
  }

  snapshot(inFlight: number): ProcessorStats {
    return {
      state: this.phase === 'running' && this.#waiting > 0 ? 'retrying' : this.phase,
      handled: this.handled,
      retried: this.retried,
      deadLettered: this.deadLettered,
      abandoned: this.abandoned,
      inFlight,
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
    }
  }
}
