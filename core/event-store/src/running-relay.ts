import { documentLimits } from '@millrace/documents'
import { abortable, assert, isMillraceError, sleep } from '@millrace/kernel'
import { acquireLease, type Lease } from './lease.ts'
import type { Relay, RelayOptions, RelayProgress, RelayRetry } from './relay.ts'
import { RELAY_SCHEMA } from './relay-schema.ts'
import { RelayStatus } from './relay-status.ts'
import { RelayTerm, type TermSurroundings } from './relay-term.ts'

const BATCH_EVENTS_DEFAULT = 500
const STOP_LIMIT_MS_DEFAULT = 10_000
const RETRY_DEFAULT: Required<RelayRetry> = {
  failuresMax: Number.POSITIVE_INFINITY,
  delayMsMin: 100,
  delayMsMax: 30_000,
  jitter: 0.5,
}

/**
 * States: standby (waits for the lease); running (a term); retrying (a pause after a failure, then a new term); stopping;
 * and at the end stopped or failed.
 */
export class RunningRelay implements Relay {
  readonly name: string
  readonly ended: Promise<void>
  readonly #options: RelayOptions
  readonly #retry: Required<RelayRetry>
  readonly #status: RelayStatus
  readonly #stopping = new AbortController()
  readonly #givingUp = new AbortController()
  #lease: Lease | undefined

  constructor(options: RelayOptions) {
    const { batchEventsMax = BATCH_EVENTS_DEFAULT } = options
    assert(
      Number.isInteger(batchEventsMax) &&
        batchEventsMax >= 1 &&
        batchEventsMax <= documentLimits.feedEventsMax,
      'batchEventsMax is a whole number from 1 to 10,000',
    )
    this.name = options.name ?? 'relay'
    this.#options = options
    this.#retry = { ...RETRY_DEFAULT, ...options.retry }
    this.#status = new RelayStatus(() => options.runtime.clock.now())
    if (options.signal?.aborted) this.#stopping.abort()
    const onAbort = () => void this.stop()
    options.signal?.addEventListener('abort', onAbort, { once: true })
    this.ended = abortable(this.#run(), this.#givingUp.signal)
      .catch(() => this.#status.enter('stopped'))
      .finally(() => options.signal?.removeEventListener('abort', onAbort))
  }

  get progress(): RelayProgress {
    return this.#status.progress
  }

  async stop({ limitMs = STOP_LIMIT_MS_DEFAULT }: { readonly limitMs?: number } = {}): Promise<void> {
    if (!this.#stopping.signal.aborted) {
      this.#status.enter('stopping')
      this.#stopping.abort()
    }
    const cancel = this.#options.runtime.scheduler.after(limitMs, () => this.#givingUp.abort())
    await this.ended
    cancel()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #run(): Promise<void> {
    const { runtime } = this.#options
    const { signal } = this.#stopping
    for (let failures = 0; !signal.aborted; ) {
      const { published, recognised, refused } = this.progress
      try {
        await this.#term()
      } catch (error) {
        if (signal.aborted) break
        this.#status.note(error)
        const now = this.progress
        const isProgress = now.published + now.recognised + now.refused > published + recognised + refused
        failures = isProgress ? 1 : failures + 1
        if (this.#isFinal(error) || failures >= this.#retry.failuresMax) return this.#end('failed')
        this.#status.enter('retrying')
        await sleep(runtime.scheduler, this.#delayMs(failures), signal).catch(() => {})
      }
    }
    return this.#end('stopped')
  }

  async #term(): Promise<void> {
    const { database, bus, runtime, batchEventsMax = BATCH_EVENTS_DEFAULT, pollMs } = this.#options
    this.#lease = await this.#held()
    const around: TermSurroundings = {
      ...{ database, bus, runtime, batchEventsMax, pollMs },
      name: this.name,
      status: this.#status,
      stopping: this.#stopping.signal,
      givingUp: this.#givingUp.signal,
    }
    await new RelayTerm(around, this.#lease).run()
  }

  /** The lease that it has, or waits for. */
  async #held(): Promise<Lease> {
    if (this.#lease !== undefined && !this.#lease.lost.aborted) return this.#lease
    const { database, runtime, holder, leaseTtlMs } = this.#options
    this.#status.enter('standby')
    await database.prepare(RELAY_SCHEMA)
    return acquireLease({
      ...{ database, runtime, name: `relay ${this.name}`, signal: this.#stopping.signal },
      ...(holder === undefined ? {} : { holder }),
      ...(leaseTtlMs === undefined ? {} : { ttlMs: leaseTtlMs }),
    })
  }

  /** What no pause cures: closed engines, and another relay that has come in the place of this one. */
  #isFinal(error: unknown): boolean {
    if (isMillraceError(error, 'BUS_CLOSED') || isMillraceError(error, 'DATABASE_CLOSED')) return true
    return isMillraceError(error, 'LEASE_LOST') && error.parameters.holder === this.#lease?.holder
  }

  #delayMs(failures: number): number {
    const { delayMsMin, delayMsMax, jitter } = this.#retry
    const delayMs = Math.min(delayMsMin * 2 ** Math.min(failures - 1, 52), delayMsMax)
    return delayMs * (1 + jitter * this.#options.runtime.random.next())
  }

  async #end(state: 'stopped' | 'failed'): Promise<void> {
    await this.#lease?.release()
    this.#status.enter(state)
  }
}
