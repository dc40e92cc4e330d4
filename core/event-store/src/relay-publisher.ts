import type { Bus, TopicInfo } from '@millrace/bus'
import type { StoredEvent } from '@millrace/documents'
import { isMillraceError, type MillraceError, type Runtime } from '@millrace/kernel'
import type { Lease } from './lease.ts'
import { type OutgoingMessage, outgoingMessage } from './outgoing-message.ts'
import { type Published, publishInOrder } from './publish-in-order.ts'
import { publishedBefore } from './published-before.ts'
import { isRefusal } from './refusal.ts'
import { noteEnds, type RelayNote } from './relay-note.ts'
import type { TopicEnds } from './topic-ends.ts'

/** What a publisher needs. */
export interface PublisherSurroundings {
  readonly bus: Bus
  readonly runtime: Runtime
  readonly name: string
  readonly lease: Lease
  readonly batchEventsMax: number
  /** Gives up waiting for the bus. */
  readonly signal: AbortSignal
}

/** An event that the bus does not take. */
export interface RefusedEvent {
  readonly stored: StoredEvent
  readonly error: MillraceError
}

/** What became of a batch. */
export interface PublishedBatch {
  readonly published: number
  readonly recognised: number
  readonly refused: readonly RefusedEvent[]
}

/**
 * Brings batches to the bus, and notes beforehand what a successor has to look through. It begins in doubt: the first
 * events may have been published by the relay before (or by this one, before a failure). While in doubt it leaves the
 * notes about topics as they are, because what it doubts lies behind them.
 */
export class RelayPublisher {
  readonly #around: PublisherSurroundings
  readonly #ends: TopicEnds
  #notedBatchMax: number
  /** How many of the next events may have been published before. */
  #doubted: number

  constructor(around: PublisherSurroundings, { ends, batchEventsMax }: RelayNote) {
    this.#around = around
    this.#ends = ends
    this.#notedBatchMax = batchEventsMax
    this.#doubted = batchEventsMax
  }

  /** All that was there to be published is noted, so there is nothing left that another relay could have published. */
  settle(): void {
    this.#doubted = 0
  }

  /** The batch was published and its position noted. */
  confirm(events: number): void {
    this.#doubted = Math.max(0, this.#doubted - events)
  }

  /** Publishes events in order; on return they are durable on the bus, or refused. Throws what the bus throws. */
  async publish(events: readonly StoredEvent[]): Promise<PublishedBatch> {
    const { bus, runtime, signal } = this.#around
    const { made, refused } = make(events)
    const doubted = made.slice(0, this.#doubted)
    const before =
      doubted.length === 0 ? new Set() : await publishedBefore({ bus, runtime }, this.#ends, doubted)
    const fresh = made.filter((each) => !before.has(each))
    const groups = Map.groupBy(fresh, ({ topic }) => topic)
    const unusable = await this.#prepare([...groups.keys()])
    for (const [topic, error] of unusable) {
      for (const { stored } of groups.get(topic) ?? []) refused.push({ stored, error })
      groups.delete(topic)
    }
    this.#around.lease.assertHeld()
    const outcomes = await allSettled(
      [...groups].map(([topic, messages]) => publishInOrder(bus, topic, messages, signal)),
    )
    for (const outcome of outcomes) {
      for (const { outgoing, error } of outcome.refused) refused.push({ stored: outgoing.stored, error })
    }
    const placements = outcomes.flatMap((each) => each.placements)
    const duplicates = placements.filter(({ duplicate }) => duplicate).length
    return {
      published: placements.length - duplicates,
      recognised: before.size + duplicates,
      refused,
    }
  }

  /** Makes topics that are missing, and sees to it that the stored note covers what is published next. */
  async #prepare(topics: readonly string[]): Promise<ReadonlyMap<string, MillraceError>> {
    const { bus, runtime, name, lease, batchEventsMax } = this.#around
    const nowMs = runtime.clock.now()
    const wanted = this.#doubted > 0 ? this.#ends.missing(topics) : this.#ends.stale(topics, nowMs)
    const unusable = new Map<string, MillraceError>()
    if (wanted.length > 0) {
      const infos = new Map((await bus.listTopics()).map((info) => [info.name, info]))
      for (const topic of wanted) {
        const info = infos.get(topic) ?? (await createTopic(bus, topic))
        if (isMillraceError(info)) unusable.set(topic, info)
        else this.#ends.set(info, nowMs)
      }
      if (this.#doubted === 0) this.#ends.trim(topics)
    }
    if (wanted.length === unusable.size && this.#notedBatchMax >= batchEventsMax) return unusable
    this.#notedBatchMax = this.#doubted > 0 ? Math.max(this.#notedBatchMax, batchEventsMax) : batchEventsMax
    await lease.commit([noteEnds(name, this.#ends, this.#notedBatchMax)])
    return unusable
  }
}

function make(events: readonly StoredEvent[]): { made: OutgoingMessage[]; refused: RefusedEvent[] } {
  const made: OutgoingMessage[] = []
  const refused: RefusedEvent[] = []
  for (const stored of events) {
    try {
      made.push(outgoingMessage(stored))
    } catch (error) {
      if (!isRefusal(error)) throw error
      refused.push({ stored, error })
    }
  }
  return { made, refused }
}

/** The new topic, or why there can be none of that name. */
async function createTopic(bus: Bus, topic: string): Promise<TopicInfo | MillraceError> {
  try {
    return await bus.createTopic(topic)
  } catch (error) {
    if (isRefusal(error)) return error
    throw error
  }
}

/** Waits for all: what is still under way when the next attempt begins could overtake it. */
async function allSettled(publications: readonly Promise<Published>[]): Promise<Published[]> {
  const outcomes = await Promise.allSettled(publications)
  return outcomes.map((outcome) => {
    if (outcome.status === 'fulfilled') return outcome.value
    throw outcome.reason
  })
}
