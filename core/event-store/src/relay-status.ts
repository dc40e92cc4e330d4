import { errorText, isMillraceError } from '@millrace/kernel'
import type { RelayProgress } from './relay.ts'

type Counter = 'published' | 'recognised' | 'refused' | 'failures'

/** What a relay tells about itself. */
export class RelayStatus {
  readonly #counts: Record<Counter, number> = { published: 0, recognised: 0, refused: 0, failures: 0 }
  readonly #nowMs: () => number
  #state: RelayProgress['state'] = 'standby'
  position = 0
  endPosition = 0
  /** When the oldest event that was read and is not on the bus was recorded. */
  oldestAtMs: number | undefined
  #lastError: RelayProgress['lastError']

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Goes over to a state; one that stops does nothing else. */
  enter(state: RelayProgress['state']): void {
    const isEnd = state === 'stopped' || state === 'failed'
    if (this.#state !== 'stopping' || isEnd) this.#state = state
  }

  add(counter: Counter, count: number): void {
    this.#counts[counter] += count
  }

  note(error: unknown): void {
    this.add('failures', 1)
    const code = isMillraceError(error) ? error.code : 'UNKNOWN'
    this.#lastError = { code, message: errorText(error), atMs: this.#nowMs() }
  }

  get progress(): RelayProgress {
    const { position, endPosition, oldestAtMs } = this
    const lagMs = oldestAtMs === undefined ? 0 : Math.max(0, this.#nowMs() - oldestAtMs)
    const lastError = this.#lastError === undefined ? {} : { lastError: this.#lastError }
    return { state: this.#state, position, endPosition, lagMs, ...this.#counts, ...lastError }
  }
}
