import type { Subscription } from '@millrace/bus'
import { millraceError, sleep } from '@millrace/kernel'
import { BatchWork } from './batch-work.ts'
import { Committer } from './committer.ts'
import { Fetcher, openSubscription } from './fetcher.ts'
import { Ledger } from './ledger.ts'
import { MessageWork } from './message-work.ts'
import { PrefetchGate } from './prefetch-gate.ts'
import type { Processor, ProcessorDescription, ProcessorEnvironment, ProcessorStats } from './processor.ts'
import { type Settings, settingsOf } from './settings.ts'
import { Status } from './status.ts'
import { type Surroundings, Trial } from './trial.ts'
import type { Work } from './work.ts'

/** How long `drain` waits when nothing else is said, in milliseconds. */
const DRAIN_MS_DEFAULT = 10_000

/**
 * Starts a processor: fetches, keeps the order of keys, handles, retries, gives up to the dead letters, and commits.
 * Resolves when it has joined its group. A failure of the bus after that is waited out, never thrown.
 *
 * @throws CONFIGURATION_INVALID naming the setting; TOPIC_UNKNOWN and BUS_CLOSED from the bus
 */
export async function startProcessor(
  description: ProcessorDescription,
  environment: ProcessorEnvironment,
): Promise<Processor> {
  const settings = settingsOf(description)
  environment.signal?.throwIfAborted()
  const subscription = await openSubscription(environment, description)
  return new RunningProcessor(description, settings, environment, subscription)
}

/** Wires the parts together. Modes: running → draining → stopped; running → failed. */
class RunningProcessor implements Processor {
  readonly name: string
  readonly #around: Surroundings
  readonly #hardStop = new AbortController()
  readonly #fetcher: Fetcher
  /** Absent if the step keeps the checkpoint itself. */
  readonly #committer: Committer | undefined
  readonly #fetching: Promise<void>
  #stopped: Promise<void> | undefined

  constructor(
    description: ProcessorDescription,
    settings: Settings,
    { bus, runtime, signal }: ProcessorEnvironment,
    subscription: Subscription,
  ) {
    this.name = settings.name
    const ledger = new Ledger(new PrefetchGate(settings.prefetch), () => this.#committer?.note())
    const status = new Status(runtime.clock)
    this.#around = { bus, runtime, settings, ledger, status, signal: this.#hardStop.signal }
    this.#fetcher = new Fetcher(this.#around, description, workOf(description, this.#around), subscription)
    const keepsOwn = (description.checkpoint ?? 'group') !== 'group'
    this.#committer = keepsOwn
      ? undefined
      : new Committer(this.#around, (moved) => this.#fetcher.commit(moved))
    this.#fetching = this.#fetch()
    signal?.addEventListener('abort', () => void this.stop(), { once: true, signal: this.#hardStop.signal })
    if (signal?.aborted) void this.stop()
  }

  get stats(): ProcessorStats {
    return this.#around.status.snapshot(this.#around.ledger.held)
  }

  async drain({ limitMs = DRAIN_MS_DEFAULT }: { readonly limitMs?: number } = {}): Promise<void> {
    const { status, runtime, signal } = this.#around
    if (status.phase === 'running') status.phase = 'draining'
    this.#fetcher.end()
    // A limit that is reached and a hard stop end it the same way: what is not finished comes again.
    const limit = sleep(runtime.scheduler, limitMs, signal).catch(() => {})
    await Promise.race([this.#finishHeld().catch(() => {}), limit])
    await this.stop()
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }

  async #fetch(): Promise<void> {
    if ((await this.#fetcher.run()) !== 'bus-closed') return
    this.#around.status.phase = 'failed'
    this.#around.status.note(millraceError('BUS_CLOSED', {}))
    this.#hardStop.abort()
  }

  async #finishHeld(): Promise<void> {
    const { ledger, signal } = this.#around
    await this.#fetching
    while (ledger.held > 0 && !signal.aborted) await ledger.less.wait()
    await this.#committer?.flush()
  }

  async #stop(): Promise<void> {
    const { status, ledger } = this.#around
    this.#hardStop.abort()
    this.#fetcher.end()
    ledger.less.wake()
    await this.#fetching
    // The bus may be closed already; then the group knows that we are gone.
    await this.#fetcher.close().catch(() => {})
    if (status.phase !== 'failed') status.phase = 'stopped'
  }
}

function workOf({ step }: ProcessorDescription, around: Surroundings): Work {
  const trial = new Trial(around)
  if (step.kind === 'batch') return new BatchWork(step, trial, around.settings.batchMax, around.signal)
  return new MessageWork(step, trial, around.settings.concurrency, around.signal)
}
