import { isOutage } from './failure.ts'
import type { Item } from './item.ts'
import type { BatchStep } from './processor.ts'
import type { Trial } from './trial.ts'
import { Wakeup } from './wakeup.ts'
import type { Work } from './work.ts'

/**
 * Messages by the batch, one batch at a time, in order. A batch that fails is halved until the message that fails
 * alone is found; only that one is tried again and given up. An engine that is down splits nothing.
 */
export class BatchWork implements Work {
  readonly #step: BatchStep
  readonly #trial: Trial
  readonly #batchMax: number
  readonly #signal: AbortSignal
  readonly #more = new Wakeup()
  #waiting: Item[] = []

  constructor(step: BatchStep, trial: Trial, batchMax: number, signal: AbortSignal) {
    this.#step = step
    this.#trial = trial
    this.#batchMax = batchMax
    this.#signal = signal
    signal.addEventListener('abort', () => this.#more.wake(), { once: true })
    void this.#run()
  }

  take(items: readonly Item[]): void {
    for (const item of items) this.#waiting.push(item)
    this.#more.wake()
  }

  dropForgotten(): void {
    this.#waiting = this.#waiting.filter((item) => item.state !== 'forgotten')
  }

  async #run(): Promise<void> {
    try {
      while (!this.#signal.aborted) {
        if (this.#waiting.length === 0) await this.#more.wait()
        else await this.#process(this.#waiting.splice(0, this.#batchMax))
      }
    } catch (reason) {
      if (!this.#signal.aborted) throw reason
    }
  }

  async #process(items: readonly Item[]): Promise<void> {
    for (;;) {
      const held = items.filter((item) => item.state === 'held')
      const [first] = held
      if (first === undefined || this.#signal.aborted) return
      const messages = held.map((item) => item.message)
      const outcome = await this.#trial.run(held, (context) => this.#step.handle(messages, context))
      if (outcome.kind === 'done' || outcome.kind === 'stopped') return
      const error = this.#trial.judge(held, outcome)
      if (held.length > 1 && !isOutage(error)) {
        await this.#trial.ended(outcome)
        const middle = held.length >> 1
        await this.#process(held.slice(0, middle))
        await this.#process(held.slice(middle))
        return
      }
      if (this.#trial.isHopeless(first, error)) await this.#trial.giveUp(first, error)
      else await this.#trial.pause(held, outcome)
    }
  }
}
