import { abortable, type Runtime, sleep } from '@millrace/kernel'
import { retryDelayMs, Wakeup } from '@millrace/processing'
import type { FullErrorPolicy } from './error-policy.ts'
import type { Fault, FaultKind } from './fault.ts'
import type { ShardStatus } from './shard-status.ts'

/** Why a shard ends for good. */
export interface Halt {
  readonly kind: 'halted'
  readonly fault: FaultKind
  readonly error: unknown
  /** Of the event; absent if the database is to blame. */
  readonly position?: number
}

/** What a shard waits with. */
export interface PatienceOptions {
  readonly runtime: Runtime
  readonly policy: FullErrorPolicy
  readonly status: ShardStatus
}

/**
 * Decides what becomes of a failure, and waits: a few tries, further and further apart; then the policy's action. Only
 * one event of a shard is ever waited for, since everything before it is committed first.
 */
export class Patience {
  readonly #options: PatienceOptions
  readonly #resumed = new Wakeup()
  #event: { readonly position: number; readonly tries: number } | undefined
  #outages = 0
  #pauses = 0

  constructor(options: PatienceOptions) {
    this.#options = options
  }

  /** Tries that an event has had. */
  triesOf({ event }: Fault): number {
    return this.#event?.position === event.position ? this.#event.tries : 0
  }

  /** Whether an event is left out, its present try included. */
  judge(fault: Fault): 'skip' | 'wait' {
    const { policy } = this.#options
    return policy[fault.kind] === 'skip' && this.#isHopeless(fault) ? 'skip' : 'wait'
  }

  /** Something was committed. */
  succeeded(): void {
    this.#event = undefined
    this.#pauses = 0
    this.#outages = 0
  }

  /** The database answers: what it fails next is a new failure. */
  reached(): void {
    this.#outages = 0
  }

  /** Ends a wait that is going on, if there is one. */
  resume(): void {
    this.#resumed.wake()
  }

  /** Waits before the next try of an event; or says that there will be none. Rejects when the signal aborts. */
  async afterFault(fault: Fault, signal: AbortSignal): Promise<Halt | undefined> {
    const { policy, status, runtime } = this.#options
    const { position } = fault.event
    status.failed(fault.error)
    const tries = this.triesOf(fault) + 1
    const isHopeless = this.#isHopeless(fault)
    this.#event = { position, tries }
    if (!isHopeless) {
      await this.#wait('retrying', retryDelayMs(policy.retry, tries, runtime.random), signal)
      return undefined
    }
    if (policy[fault.kind] === 'stop')
      return { kind: 'halted', fault: fault.kind, error: fault.error, position }
    await this.#pause(signal)
    return undefined
  }

  /** The same for a failure of the database. */
  async afterOutage(error: unknown, signal: AbortSignal): Promise<Halt | undefined> {
    const { policy, status, runtime } = this.#options
    status.failed(error)
    this.#outages += 1
    if (this.#outages < policy.retry.attemptsMax) {
      await this.#wait('retrying', retryDelayMs(policy.retry, this.#outages, runtime.random), signal)
      return undefined
    }
    if (policy.database === 'stop') return { kind: 'halted', fault: 'database', error }
    await this.#pause(signal)
    return undefined
  }

  #isHopeless(fault: Fault): boolean {
    return !fault.error.retryable || this.triesOf(fault) + 1 >= this.#options.policy.eventAttemptsMax
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const { policy, runtime } = this.#options
    this.#pauses += 1
    const bounds = { ...policy.retry, delayMsMin: policy.pauseMsMin, delayMsMax: policy.pauseMsMax }
    await this.#wait('paused', retryDelayMs(bounds, this.#pauses, runtime.random), signal)
  }

  async #wait(state: 'retrying' | 'paused', delayMs: number, signal: AbortSignal): Promise<void> {
    const { runtime, status } = this.#options
    status.state = state
    const timer = new AbortController()
    try {
      const slept = sleep(runtime.scheduler, delayMs, timer.signal).catch(() => {})
      await abortable(Promise.race([slept, this.#resumed.wait()]), signal)
      status.state = 'running'
    } finally {
      timer.abort()
      // Nobody is left waiting there.
      this.#resumed.wake()
    }
  }
}
