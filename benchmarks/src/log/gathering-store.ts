import type { BenchStore } from './store.ts'

interface Waiting {
  readonly records: readonly Uint8Array[]
  resolve(): void
  reject(error: unknown): void
}

/**
 * Hands what all callers have waiting to a store in one append, as a program does whose store commits no groups by
 * itself. While one append is under way the next one gathers.
 */
export class GatheringStore implements BenchStore {
  readonly #store: BenchStore
  #waiting: Waiting[] = []
  #running = false

  constructor(store: BenchStore) {
    this.#store = store
  }

  append(records: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ records, resolve, reject })
      if (this.#running) return
      this.#running = true
      // Everybody who is called in this turn of the loop comes along.
      setImmediate(() => void this.#run())
    })
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting
      this.#waiting = []
      try {
        await this.#store.append(group.flatMap(({ records }) => records))
        for (const { resolve } of group) resolve()
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
      await new Promise(setImmediate)
    }
    this.#running = false
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#store[Symbol.asyncDispose]() as Promise<void>
  }
}
