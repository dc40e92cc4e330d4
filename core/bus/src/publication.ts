import type { NewMessage, Placement } from './bus.ts'

/**
 * The messages of one call that go to one place together: a partition, or the waiting room of delayed messages. The
 * call's list of placements is filled when the place is known; publications of the same idempotency key that arrive
 * meanwhile wait for it. One promise a batch, none a message.
 */
export class PublicationBatch {
  readonly topic: string
  readonly partition: number
  readonly delayed: boolean
  readonly messages: NewMessage[] = []
  /** Where each message stands in its call. */
  readonly #callIndexes: number[] = []
  #followers: PromiseWithResolvers<number> | undefined

  constructor(topic: string, partition: number, delayed: boolean) {
    this.topic = topic
    this.partition = partition
    this.delayed = delayed
  }

  /** Adds a message; answers its index in the batch. */
  add(message: NewMessage, callIndex: number): number {
    this.#callIndexes.push(callIndex)
    return this.messages.push(message) - 1
  }

  /** The place of message `index` once the batch starts at `baseOffset`. */
  placeOf(index: number, baseOffset: number, duplicate: boolean): Placement {
    const offset = this.delayed ? -1 : baseOffset + index
    return { topic: this.topic, partition: this.partition, offset, duplicate, delayed: this.delayed }
  }

  succeed(baseOffset: number, placements: Placement[]): void {
    for (let index = 0; index < this.messages.length; index += 1) {
      placements[this.#callIndexes[index] as number] = this.placeOf(index, baseOffset, false)
    }
    this.#followers?.resolve(baseOffset)
  }

  fail(error: unknown): void {
    this.#followers?.reject(error)
  }

  /** Resolves with the base offset, or rejects with the failure, of this batch. */
  whenPlaced(): Promise<number> {
    this.#followers ??= Promise.withResolvers()
    return this.#followers.promise
  }
}

/** A publication that is on its way to the disk, for those that come with the same idempotency key. */
export interface PublicationInFlight {
  readonly batch: PublicationBatch
  readonly index: number
}
