import type { Message } from '@millrace/bus'
import { type Database, readOne, type StoredPosition, type WriteOperation } from '@millrace/documents'

/** The positions of a projection as they are in the database, remembered between batches. */
export class Checkpoint {
  readonly #processor: string
  readonly #database: Database
  /** Next offsets by partition. Undefined: to be loaded again. */
  #offsets: Map<string, number> | undefined

  constructor(processor: string, database: Database) {
    this.#processor = processor
    this.#database = database
  }

  /** The messages that are not yet part of the documents; a delivery that is repeated leaves none. */
  async fresh(messages: readonly Message[]): Promise<readonly Message[]> {
    const offsets = this.#offsets ?? (await this.#load())
    return messages.filter((message) => message.offset >= (offsets.get(keyOf(message)) ?? 0))
  }

  /** The operations that move the positions behind `messages`, and `done` to be called when they are committed. */
  moved(messages: readonly Message[]): { readonly operations: readonly WriteOperation[]; done(): void } {
    const before = this.#offsets ?? new Map<string, number>()
    const next = new Map<string, StoredPosition>()
    for (const { topic, partition, offset } of messages) {
      next.set(keyOf({ topic, partition }), { topic, partition, offset: offset + 1 })
    }
    const operations = [...next].map(([key, position]): WriteOperation => {
      return { kind: 'position', processor: this.#processor, position, expectedOffset: before.get(key) ?? 0 }
    })
    const done = () => {
      this.#offsets = new Map([...before, ...[...next].map(([key, { offset }]) => [key, offset] as const)])
    }
    return { operations, done }
  }

  /** After a failure nobody knows what was committed: the next batch asks the database. */
  forget(): void {
    this.#offsets = undefined
  }

  async #load(): Promise<Map<string, number>> {
    const stored = await readOne(this.#database, { kind: 'positions', processor: this.#processor })
    this.#offsets = new Map(stored.map((position) => [keyOf(position), position.offset]))
    return this.#offsets
  }
}

function keyOf({ topic, partition }: Pick<StoredPosition, 'topic' | 'partition'>): string {
  return `${partition} ${topic}`
}
