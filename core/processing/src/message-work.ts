import type { Outcome } from './attempt.ts'
import type { Item } from './item.ts'
import { Lanes } from './lanes.ts'
import type { MessageStep } from './processor.ts'
import type { Trial } from './trial.ts'
import type { Work } from './work.ts'

/** Messages one by one, keys in parallel. A message that waits for its next try takes no place of `concurrency`. */
export class MessageWork implements Work {
  readonly #step: MessageStep
  readonly #trial: Trial
  readonly #concurrency: number
  readonly #signal: AbortSignal
  readonly #lanes = new Lanes()
  #active = 0

  constructor(step: MessageStep, trial: Trial, concurrency: number, signal: AbortSignal) {
    this.#step = step
    this.#trial = trial
    this.#concurrency = concurrency
    this.#signal = signal
  }

  take(items: readonly Item[]): void {
    for (const item of items) this.#lanes.add(item)
    this.#startMore()
  }

  dropForgotten(): void {
    this.#lanes.dropForgotten()
  }

  #startMore(): void {
    while (this.#active < this.#concurrency && !this.#signal.aborted) {
      const item = this.#lanes.next()
      if (item === undefined) return
      void this.#work(item)
    }
  }

  async #work(item: Item): Promise<void> {
    this.#active += 1
    const outcome = await this.#trial.run([item], (context) => this.#step.handle(item.message, context))
    this.#active -= 1
    if (outcome.kind !== 'done') {
      this.#startMore()
      await this.#afterFailure(item, outcome)
    }
    if (this.#signal.aborted) return
    if (item.state === 'held') this.#lanes.again(item)
    else this.#lanes.finish(item)
    this.#startMore()
  }

  /** Waits for the next try or gives the item up; while that lasts, its key rests and others have its place. */
  async #afterFailure(item: Item, outcome: Outcome): Promise<void> {
    if (outcome.kind === 'done' || outcome.kind === 'stopped' || item.state !== 'held') return
    const error = this.#trial.judge([item], outcome)
    try {
      if (this.#trial.isHopeless(item, error)) await this.#trial.giveUp(item, error)
      else await this.#trial.pause([item], outcome)
    } catch (reason) {
      if (!this.#signal.aborted) throw reason
    }
  }
}
