import type { Position } from '@millrace/bus'
import { abortable, type Cancel, isMillraceError, sleep } from '@millrace/kernel'
import { retryDelayMs } from './backoff.ts'
import { failureOf } from './failure.ts'
import type { Surroundings } from './trial.ts'

/** A commit is due this long after the first message that finished since the last one, in milliseconds … */
const COMMIT_DELAY_MS_MAX = 250
/** … or after this many finished messages, whichever comes first. */
const COMMIT_MESSAGES_MAX = 100

/** Gathers finished positions and commits them, one commit at a time, each until it succeeds. */
export class Committer {
  readonly #around: Surroundings
  readonly #commit: (positions: readonly Position[]) => Promise<void>
  #finished = 0
  #cancelTimer: Cancel | undefined
  #running: Promise<void> | undefined

  constructor(around: Surroundings, commit: (positions: readonly Position[]) => Promise<void>) {
    this.#around = around
    this.#commit = commit
    around.signal.addEventListener('abort', () => this.#cancelTimer?.(), { once: true })
  }

  /** A message was finished. */
  note(): void {
    this.#finished += 1
    this.#plan()
  }

  /** Commits now what is finished now; resolves when that is durable. Rejects on stop. */
  async flush(): Promise<void> {
    while (this.#running !== undefined) await this.#running
    await this.#commitMoved()
  }

  #plan(): void {
    if (this.#running !== undefined || this.#finished === 0 || this.#around.signal.aborted) return
    if (this.#finished >= COMMIT_MESSAGES_MAX) this.#start()
    else this.#cancelTimer ??= this.#around.runtime.scheduler.after(COMMIT_DELAY_MS_MAX, () => this.#start())
  }

  #start(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    if (this.#running !== undefined) return
    this.#finished = 0
    this.#running = this.#commitMoved()
      .catch((reason) => {
        if (!this.#around.signal.aborted) throw reason
      })
      .finally(() => {
        this.#running = undefined
        this.#plan()
      })
  }

  async #commitMoved(): Promise<void> {
    const { runtime, settings, ledger, status, signal } = this.#around
    for (let failures = 1; ; failures += 1) {
      const positions = ledger.watermarks.moved()
      if (positions.length === 0) return
      try {
        await abortable(this.#commit(positions), signal)
        ledger.watermarks.committed(positions)
        return
      } catch (error) {
        // The fetching side sees a closed bus too, and ends the processor.
        if (signal.aborted || isMillraceError(error, 'BUS_CLOSED')) throw error
        status.note(failureOf(error, settings.name, []))
        const delayMs = retryDelayMs(settings.retry, failures, runtime.random)
        await status.retrying(() => sleep(runtime.scheduler, delayMs, signal))
      }
    }
  }
}
