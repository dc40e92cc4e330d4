/** Something that has taken bytes from its socket and not handed them over yet. */
export interface Arrived {
  handOver(): void
}

/**
 * Hands over together what has arrived on many connections in one turn of the loop: what follows from it, above all
 * the writes to the disk, is then done once a turn, and not once a connection. It waits for nothing that is not there.
 */
export class Arrivals {
  #waiting: Arrived[] = []

  /** Has `arrived` hand over at the end of this turn, before the loop waits again. */
  add(arrived: Arrived): void {
    this.#waiting.push(arrived)
    if (this.#waiting.length === 1) setImmediate(() => this.#handOver())
  }

  #handOver(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const arrived of waiting) arrived.handOver()
  }
}
