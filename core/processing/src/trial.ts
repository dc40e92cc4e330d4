import { type Bus, deadLetter } from '@millrace/bus'
import { abortable, type MillraceError, type Runtime, sleep } from '@millrace/kernel'
import { type Outcome, runAttempt } from './attempt.ts'
import { retryDelayMs } from './backoff.ts'
import { failureOf, isOutage, timeoutOf } from './failure.ts'
import { type Item, triesOf } from './item.ts'
import type { Ledger } from './ledger.ts'
import type { StepContext } from './processor.ts'
import type { Settings } from './settings.ts'
import type { Status } from './status.ts'
import { Suspects } from './suspects.ts'

/** Characters of a dead letter's reason: together with the message it must fit the bus. */
const REASON_LENGTH_MAX = 1_000

/** What the parts of a running processor share. */
export interface Surroundings {
  readonly bus: Bus
  readonly runtime: Runtime
  readonly settings: Settings
  readonly ledger: Ledger
  readonly status: Status
  /** Aborts when the processor stops hard. */
  readonly signal: AbortSignal
}

/** Tries items, decides about failures, and gives up what cannot be helped; the same for both kinds of step. */
export class Trial {
  readonly #around: Surroundings
  readonly #suspects = new Suspects()

  constructor(around: Surroundings) {
    this.#around = around
  }

  /** One try of `handle` for these items together; the items are finished if it is 'done'. */
  async run(items: readonly Item[], handle: (context: StepContext) => Promise<void>): Promise<Outcome> {
    const { runtime, settings, signal, status } = this.#around
    const attempt = 1 + most(items, triesOf)
    const limits = { scheduler: runtime.scheduler, timeoutMs: settings.timeoutMs, signal }
    const outcome = await runAttempt(limits, (own) => handle({ signal: own, attempt }))
    if (outcome.kind === 'done') for (const item of items) this.#succeed(item)
    if (outcome.kind === 'timed-out') {
      status.abandoned += 1
      outcome.ended.then(() => {
        status.abandoned -= 1
      })
    }
    return outcome
  }

  /** What a failed try of these items means, in the words of the catalogue; counts the try. */
  judge(items: readonly Item[], outcome: Outcome & { kind: 'failed' | 'timed-out' }): MillraceError {
    const { name, timeoutMs } = this.#around.settings
    const messages = items.map((item) => item.message)
    const error =
      outcome.kind === 'failed'
        ? failureOf(outcome.error, name, messages)
        : timeoutOf(name, timeoutMs, messages)
    this.#around.status.note(error)
    for (const item of items) {
      if (isOutage(error)) item.outages += 1
      else if (items.length > 1) item.shared += 1
      else item.tries += 1
    }
    const [only] = items
    if (only !== undefined && items.length === 1) this.#suspects.failed(only.message.key)
    return error
  }

  /** True if the item has had its tries, or if no try can help. Never for an outage. */
  isHopeless(item: Item, error: MillraceError): boolean {
    if (isOutage(error)) return false
    if (!error.retryable) return true
    const { settings, ledger } = this.#around
    const isHurried = ledger.isPressed && this.#suspects.isSuspect(item.message.key)
    return item.tries >= (isHurried ? 1 : settings.retry.attemptsMax)
  }

  /**
   * Waits until the next try of these items may start: the back-off, and the end of an abandoned try, the latter at
   * most one more time limit. So tries overlap only if a handler ignores its signal for that long. Rejects on stop.
   */
  async pause(items: readonly Item[], outcome: Outcome): Promise<void> {
    const { runtime, settings, signal, status } = this.#around
    status.retried += items.length
    await status.retrying(async () => {
      const failures = most(items, ({ tries, outages }) => tries + outages)
      const delayMs = retryDelayMs(settings.retry, failures, runtime.random)
      await Promise.all([sleep(runtime.scheduler, delayMs, signal), this.ended(outcome)])
    })
  }

  /** Waits for the end of an abandoned try, but at most one more time limit. Rejects on stop. */
  async ended(outcome: Outcome): Promise<void> {
    if (outcome.kind !== 'timed-out') return
    const { runtime, settings, signal } = this.#around
    const patience = new AbortController()
    const waited = sleep(runtime.scheduler, settings.timeoutMs, patience.signal).catch(() => {})
    try {
      await abortable(Promise.race([outcome.ended, waited]), signal)
    } finally {
      patience.abort()
    }
  }

  /**
   * Puts the item among the dead letters, durable, and finishes it. A bus that fails is tried again for as long as it
   * takes: without the dead letter the position must not move on. Rejects on stop.
   */
  async giveUp(item: Item, error: MillraceError): Promise<void> {
    const { runtime, settings, signal, status, ledger } = this.#around
    for (let failures = 1; item.state === 'held'; failures += 1) {
      try {
        await abortable(this.#bury(item, error), signal)
        status.deadLettered += 1
        this.#suspects.gaveUp(item.message.key)
        ledger.finish(item)
      } catch (busError) {
        if (signal.aborted) throw busError
        status.note(failureOf(busError, settings.name, [item.message]))
        const delayMs = retryDelayMs(settings.retry, failures, runtime.random)
        await status.retrying(() => sleep(runtime.scheduler, delayMs, signal))
      }
    }
  }

  async #bury(item: Item, error: MillraceError): Promise<void> {
    const { bus, runtime, settings } = this.#around
    const { topic, partition, offset, key, headers, value } = item.message
    const letter = key === undefined ? { headers, value } : { key, headers, value }
    const reason = error.message.slice(0, REASON_LENGTH_MAX)
    const cause = { group: settings.name, code: error.code, reason, attempts: triesOf(item) }
    await deadLetter(bus, topic, letter, cause, { origin: { partition, offset }, nowMs: runtime.clock.now() })
  }

  #succeed(item: Item): void {
    this.#suspects.succeeded(item.message.key)
    if (item.state === 'held') this.#around.status.handled += 1
    this.#around.ledger.finish(item)
  }
}

function most(items: readonly Item[], countOf: (item: Item) => number): number {
  return items.reduce((highest, item) => Math.max(highest, countOf(item)), 0)
}
