import type { Message } from '@millrace/bus'
import type { NatsLink } from './nats-link.ts'
import { pause } from './nats-link.ts'
import { sequenceOf } from './offsets.ts'
import { type PulledMessage, PullReader } from './pull-reader.ts'
import { bytesOf, messagesIn } from './pulled-messages.ts'
import type { TopicFacts, TopicStreams } from './topic-streams.ts'

/** How long the server keeps a request for new messages. If one is lost without a trace, that is how long nothing comes. */
const WAIT_MS = 5_000
/** Between two tries after a failure; a restored connection ends the pause. */
const RETRY_MS = 1_000
/** What is asked for at once is not less, or every message would be a request. */
const PULL_COUNT_MIN = 16

/** What a feed reads. */
export interface FeedPlace {
  readonly facts: TopicFacts
  readonly partition: number
  readonly subject: string
  readonly offset: number
}

/**
 * The messages of one partition from an offset on, in order, each once, read ahead up to a limit. Whatever happens to the
 * connection or the server, it goes on behind the last message that came.
 */
export class PartitionFeed {
  readonly #link: NatsLink
  readonly #topics: TopicStreams
  readonly #place: FeedPlace
  readonly #changed: () => void
  readonly #stopRestored: () => void
  readonly #messages: Message[] = []
  #head = 0
  #bytes = 0
  /** The offset behind the last message that came. */
  #behind: number
  #reader: PullReader | undefined
  #room: (() => void) | undefined
  #wake: (() => void) | undefined
  #primed = false
  #failure: unknown
  #stopped = false

  /** Begins to read at once; `changed` is called when there is something to take, or a failure. */
  constructor(link: NatsLink, topics: TopicStreams, place: FeedPlace, changed: () => void) {
    this.#link = link
    this.#topics = topics
    this.#place = place
    this.#changed = changed
    this.#behind = place.offset
    this.#stopRestored = link.onRestored(() => this.#restart())
    void this.#run()
  }

  /** Whether it has something, or knows that there is nothing yet. */
  get primed(): boolean {
    return this.#primed || this.#failure !== undefined
  }

  get empty(): boolean {
    return this.#head === this.#messages.length
  }

  /** The next messages within the limits, at least one if there is one. */
  take(countMax: number, bytesMax: number): readonly Message[] {
    const start = this.#head
    let bytes = 0
    while (this.#head < this.#messages.length && this.#head - start < countMax) {
      const size = bytesOf(this.#messages[this.#head] as Message)
      if (this.#head > start && bytes + size > bytesMax) break
      bytes += size
      this.#head += 1
    }
    const taken = this.#messages.slice(start, this.#head)
    this.#bytes -= bytes
    this.#trim()
    return taken
  }

  /** The newest failure, told once; it goes on trying. */
  takeFailure(): unknown {
    const failure = this.#failure
    this.#failure = undefined
    return failure
  }

  stop(): void {
    this.#stopped = true
    this.#stopRestored()
    this.#restart()
    this.#room?.()
  }

  #trim(): void {
    if (this.#head === this.#messages.length || this.#head > 1024) {
      this.#messages.splice(0, this.#head)
      this.#head = 0
    }
    if (this.#hasRoom()) this.#room?.()
  }

  #hasRoom(): boolean {
    const { prefetchMax, prefetchBytesMax } = this.#link.settings.limits
    return this.#messages.length - this.#head <= prefetchMax / 2 && this.#bytes < prefetchBytesMax
  }

  /** The connection is new, or nobody wants more: what was asked for may never be answered. */
  #restart(): void {
    this.#reader?.interrupt()
    this.#wake?.()
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#follow()
      } catch (error) {
        if (this.#stopped || this.#link.closed) return
        this.#failure = error
        this.#changed()
        const { promise, resolve } = Promise.withResolvers<void>()
        this.#wake = resolve
        await Promise.race([promise, pause(RETRY_MS)])
        this.#wake = undefined
      }
    }
  }

  /** Reads through one consumer until it is lost. */
  async #follow(): Promise<void> {
    const { facts, subject } = this.#place
    await this.#comeBack()
    const sequence = sequenceOf(facts, this.#behind)
    const reader = await PullReader.open(this.#link, { stream: facts.stream, subject, from: { sequence } })
    this.#reader = reader
    try {
      if (reader.pendingAtStart === 0) this.#prime()
      while (!this.#stopped && (await this.#pull(reader)) === 'ended') await this.#untilRoom()
    } finally {
      this.#reader = undefined
      reader.close()
    }
  }

  async #pull(reader: PullReader): Promise<'ended' | 'lost'> {
    const { prefetchMax, prefetchBytesMax } = this.#link.settings.limits
    const countMax = Math.max(PULL_COUNT_MIN, prefetchMax - (this.#messages.length - this.#head))
    // A message that is larger than what is asked for would never come.
    const bytesMax = Math.max(prefetchBytesMax, 2 * this.#link.info.max_payload)
    return reader.pull({ countMax, bytesMax, waitMs: WAIT_MS }, (pulled) => {
      for (const message of messagesIn(this.#place.facts, this.#place.partition, pulled)) {
        // The frame in which we begin may have messages from before.
        if (message.offset < this.#behind) continue
        this.#messages.push(message)
        this.#bytes += bytesOf(message)
        this.#behind = message.offset + 1
      }
      this.#prime()
    })
  }

  #prime(): void {
    this.#primed = true
    this.#changed()
  }

  /**
   * A server that has lost its end would keep us waiting until it has given the same offsets to other messages, and those
   * would be skipped: we go on at its end instead.
   */
  async #comeBack(): Promise<void> {
    const { facts, partition } = this.#place
    const { last_seq } = (await this.#link.ask(() => this.#link.manager.streams.info(facts.stream))).state
    if (sequenceOf(facts, this.#behind) <= last_seq + 1) return
    const { end } = await this.#topics.range(facts, partition)
    this.#link.settings.report(lostLine(facts.name, partition, this.#behind, end))
    this.#behind = end
  }

  async #untilRoom(): Promise<void> {
    while (!this.#stopped && !this.#hasRoom()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#room = resolve
      await promise
      this.#room = undefined
    }
  }
}

/** What operators must know when the server has lost messages. */
export function lostLine(topic: string, partition: number, offset: number, end: number): string {
  return `the server has lost messages of ${topic}/${partition}: it ends at ${end}, and ${offset} had been reached; going on at its end`
}

/** One read outside of any group. */
export async function readOnce(
  link: NatsLink,
  { facts, partition, subject, offset }: FeedPlace,
  limits: { readonly countMax: number; readonly bytesMax: number },
): Promise<readonly Message[]> {
  const messages: Message[] = []
  let bytes = 0
  let sequence = sequenceOf(facts, offset)
  let isMore = true
  const take = (pulled: PulledMessage) => {
    sequence = pulled.sequence + 1
    isMore = pulled.pending > 0
    for (const message of messagesIn(facts, partition, pulled)) {
      if (message.offset < offset || messages.length >= limits.countMax) continue
      bytes += bytesOf(message)
      if (messages.length === 0 || bytes <= limits.bytesMax) messages.push(message)
    }
  }
  // More than once if the consumer was lost, or if there were only records by which writers open.
  while (isMore && messages.length < limits.countMax && bytes < limits.bytesMax) {
    const reader = await PullReader.open(link, { stream: facts.stream, subject, from: { sequence } })
    isMore = reader.pendingAtStart > 0
    const pullBytesMax = Math.max(limits.bytesMax, 2 * link.info.max_payload)
    await reader.pull({ countMax: limits.countMax, bytesMax: pullBytesMax, waitMs: 0 }, take)
    reader.close()
  }
  return messages
}
