import type { Event } from '@millrace/kernel'
import type { Aggregate, AggregateCase, FoldedEvent } from './aggregate.ts'

/** Folds events one by one; the state is what they add up to so far. */
export class Folding<State> {
  readonly #casesByType: ReadonlyMap<string, readonly AggregateCase<State>[]>
  #state: State
  #version: number

  constructor({ cases }: Aggregate<State>, start: { readonly state: State; readonly version: number }) {
    this.#casesByType = Map.groupBy(cases, ({ type }) => type.type)
    this.#state = start.state
    this.#version = start.version
  }

  get state(): State {
    return this.#state
  }

  /** Of the last event. */
  get version(): number {
    return this.#version
  }

  /** @throws EVENT_SCHEMA_MISMATCH, and what the fold throws */
  add(event: Event, stream: string, version: number): void {
    this.#version = version
    for (const { type, fold } of this.#casesByType.get(event.type) ?? []) {
      const folded: FoldedEvent = { ...type.parse(event), stream, version }
      this.#state = fold(this.#state, folded)
    }
  }
}
