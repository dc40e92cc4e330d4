import type { NewMessage, Placement, TopicInfo } from './bus.ts'
import type { Retention, StoredKey } from './bus-stores.ts'
import { IdempotencyWindow } from './idempotency-window.ts'
import type { Partition } from './partition.ts'
import { partitionOfKey } from './partition-choice.ts'
import { PublicationBatch, type PublicationInFlight } from './publication.ts'
import { PublicationTurns, partsOf } from './publication-turns.ts'

/** Makes delayed messages durable; the topic gets them when they are due. */
export type Delay = (topic: string, messages: readonly NewMessage[]) => Promise<void>

/** An idempotency key as it was found in one of the topic's partitions. */
export interface RecalledKey extends StoredKey {
  readonly partition: number
}

/** A topic at work: chooses partitions, recognises what was published before, and appends batch by batch. */
export class Topic {
  readonly name: string
  readonly exclusive: boolean
  retention: Retention
  readonly partitions: readonly Partition[]
  readonly #window: IdempotencyWindow
  readonly #inFlight = new Map<string, PublicationInFlight>()
  readonly #delay: Delay
  readonly #turns: PublicationTurns
  readonly #appendBytesMax: number
  #nextPartition = 0

  constructor(
    description: { readonly name: string; readonly exclusive: boolean; readonly retention: Retention },
    partitions: readonly Partition[],
    options: {
      readonly idempotencyKeysMax: number
      /** See {@link BusStores.appendBytesMax}. */
      readonly appendBytesMax: number
      readonly delay: Delay
    },
  ) {
    this.name = description.name
    this.exclusive = description.exclusive
    this.retention = description.retention
    this.partitions = partitions
    this.#window = new IdempotencyWindow(options.idempotencyKeysMax)
    this.#delay = options.delay
    this.#appendBytesMax = options.appendBytesMax
    this.#turns = new PublicationTurns(options.appendBytesMax)
  }

  get info(): TopicInfo {
    const { name, exclusive, retention } = this
    return { name, exclusive, retention, partitions: this.partitions.map((partition) => partition.info) }
  }

  /** Recognises what was published before the bus, or a partition of it, was opened. */
  remember(keys: readonly RecalledKey[]): void {
    this.#window.merge(
      keys.map(({ idempotencyKey, partition, offset, timestampMs }) => ({
        key: idempotencyKey,
        place: { partition, offset },
        timestampMs,
      })),
    )
  }

  /** The same for a message that still waits for its time, unless it is in its partition already. */
  rememberDelayed(message: NewMessage, nowMs: number): void {
    const { idempotencyKey } = message
    if (idempotencyKey === undefined || this.#window.get(idempotencyKey) !== undefined) return
    this.#window.set(idempotencyKey, { partition: this.#partitionFor(message), offset: -1 }, nowMs)
  }

  /**
   * Publishes checked messages, which take `storedBytes` at most. Everything is handed to the storage before the first
   * wait, or in its turn, so the order of the calls is the order in each partition. If one partition fails, what went to
   * the others stays published, and so do the parts of a large publication that came before.
   */
  publish(
    messages: readonly NewMessage[],
    storedBytes: number,
    nowMs: number,
  ): Promise<readonly Placement[]> {
    return this.#turns.place(messages, storedBytes, (part) =>
      this.#place(part, nowMs, (message) => this.#partitionFor(message)),
    )
  }

  /** Resolves when everything that was published has been handed to the storage. */
  idle(): Promise<void> {
    return this.#turns.idle()
  }

  /** The same in one append to one partition: for its exclusive writer. */
  append(partition: number, messages: readonly NewMessage[], nowMs: number): Promise<readonly Placement[]> {
    return this.#place(messages, nowMs, () => partition)
  }

  /** Appends messages whose time has come; one that is in its partition already is left out. */
  async deliverDelayed(messages: readonly NewMessage[], nowMs: number): Promise<void> {
    const waiting = messages.filter(({ idempotencyKey }) => {
      const known = idempotencyKey === undefined ? undefined : this.#window.get(idempotencyKey)
      return known === undefined || known.offset === -1
    })
    for (const part of partsOf(waiting, this.#appendBytesMax)) await this.#deliver(part, nowMs)
  }

  async #deliver(messages: readonly NewMessage[], nowMs: number): Promise<void> {
    const batches = new Map<number, PublicationBatch>()
    for (const message of messages)
      this.#batchFor(batches, this.#partitionFor(message), false).add(message, 0)
    await Promise.all([...batches.values()].map((batch) => this.#write(batch, nowMs, [])))
  }

  async #place(
    messages: readonly NewMessage[],
    nowMs: number,
    choose: (message: NewMessage) => number,
  ): Promise<readonly Placement[]> {
    const placements = new Array<Placement>(messages.length)
    const batches = new Map<number, PublicationBatch>()
    const waits: Promise<void>[] = []
    messages.forEach((message, callIndex) => {
      const earlier = this.#earlier(message, callIndex, placements)
      if (earlier === 'placed') return
      if (earlier !== undefined) {
        waits.push(earlier)
        return
      }
      const delayed = message.deliverAtMs !== undefined && message.deliverAtMs > nowMs
      const batch = this.#batchFor(batches, choose(message), delayed)
      const index = batch.add(message, callIndex)
      if (message.idempotencyKey !== undefined) this.#inFlight.set(message.idempotencyKey, { batch, index })
    })
    for (const batch of batches.values()) waits.push(this.#write(batch, nowMs, placements))
    if (waits.length === 1) await waits[0]
    else await allSettled(waits)
    return placements
  }

  /** Recognises a repeated publication: places it at once, or gives the wait for the first one that is on its way. */
  #earlier(
    message: NewMessage,
    callIndex: number,
    placements: Placement[],
  ): 'placed' | Promise<void> | undefined {
    const { idempotencyKey } = message
    if (idempotencyKey === undefined) return undefined
    const flight = this.#inFlight.get(idempotencyKey)
    if (flight !== undefined) {
      return flight.batch.whenPlaced().then((baseOffset) => {
        placements[callIndex] = flight.batch.placeOf(flight.index, baseOffset, true)
      })
    }
    const known = this.#window.get(idempotencyKey)
    if (known === undefined) return undefined
    placements[callIndex] = { topic: this.name, ...known, duplicate: true, delayed: known.offset === -1 }
    return 'placed'
  }

  #batchFor(batches: Map<number, PublicationBatch>, partition: number, delayed: boolean): PublicationBatch {
    const place = delayed ? -1 - partition : partition
    let batch = batches.get(place)
    if (batch === undefined) {
      batch = new PublicationBatch(this.name, partition, delayed)
      batches.set(place, batch)
    }
    return batch
  }

  async #write(batch: PublicationBatch, nowMs: number, placements: Placement[]): Promise<void> {
    try {
      const baseOffset = await this.#store(batch, nowMs)
      this.#rememberBatch(batch, baseOffset, nowMs)
      batch.succeed(baseOffset, placements)
    } catch (error) {
      batch.fail(error)
      throw error
    } finally {
      for (const { idempotencyKey } of batch.messages) {
        if (idempotencyKey !== undefined) this.#inFlight.delete(idempotencyKey)
      }
    }
  }

  async #store(batch: PublicationBatch, nowMs: number): Promise<number> {
    if (!batch.delayed) return (this.partitions[batch.partition] as Partition).append(batch.messages, nowMs)
    await this.#delay(this.name, batch.messages)
    return -1
  }

  #rememberBatch(batch: PublicationBatch, baseOffset: number, nowMs: number): void {
    const { messages, partition, delayed } = batch
    for (let index = 0; index < messages.length; index += 1) {
      const idempotencyKey = messages[index]?.idempotencyKey
      if (idempotencyKey === undefined) continue
      const offset = delayed ? -1 : baseOffset + index
      this.#window.set(idempotencyKey, { partition, offset }, nowMs)
    }
  }

  /** By key; without one by idempotency key, so that a repetition meets the first; else in turn. */
  #partitionFor(message: NewMessage): number {
    const count = this.partitions.length
    const key = message.key ?? message.idempotencyKey
    if (key !== undefined) return partitionOfKey(key, count)
    this.#nextPartition = (this.#nextPartition + 1) % count
    return this.#nextPartition
  }
}

/** Waits for all, then rejects with the first failure: nothing of a failed call is still under way. */
async function allSettled(waits: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(waits)
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
