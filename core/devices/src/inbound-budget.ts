/** Whoever stopped reading because the budget was used up. */
export interface BudgetWaiter {
  budgetFreed(): void
}

/**
 * What all connections together may have on its way to the bus, in bytes. It is the bound on memory when the bus is
 * slow: ten thousand devices that are each within their own limit would be far too much together.
 */
export class InboundBudget {
  readonly #bytesMax: number
  readonly #waiting = new Set<BudgetWaiter>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get hasRoom(): boolean {
    return this.#bytes < this.#bytesMax
  }

  enter(bytes: number): void {
    this.#bytes += bytes
  }

  /** Gives bytes back; those who wait go on when half is free, in the order in which they stopped. */
  leave(bytes: number): void {
    this.#bytes -= bytes
    if (this.#waiting.size === 0 || this.#bytes > this.#bytesMax / 2) return
    for (const waiter of [...this.#waiting]) {
      if (!this.hasRoom) return
      this.#waiting.delete(waiter)
      waiter.budgetFreed()
    }
  }

  wait(waiter: BudgetWaiter): void {
    this.#waiting.add(waiter)
  }

  forget(waiter: BudgetWaiter): void {
    this.#waiting.delete(waiter)
  }
}
