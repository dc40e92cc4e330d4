import type { Item } from './item.ts'

/** What a kind of step does with the messages that the processor holds. */
export interface Work {
  /** Takes fetched items on, in order. */
  take(items: readonly Item[]): void
  /** Lets go of waiting items that were forgotten. */
  dropForgotten(): void
}
