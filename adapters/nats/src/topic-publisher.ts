import { type NewMessage, type Placement, partitionOfKey } from '@millrace/bus'
import { millraceError } from '@millrace/kernel'
import { createInbox, type Msg, type NatsConnection, nuid, type Subscription } from '@nats-io/nats-core'
import { messageId, toWire, type WireMessage } from './message-form.ts'
import { isStreamMissing, unavailable } from './nats-failure.ts'
import type { NatsLink } from './nats-link.ts'
import type { NatsNames } from './nats-names.ts'
import { type PublishAnswer, publishAnswerOf } from './publish-answer.ts'
import type { ConnectionUser, PublishLink } from './publish-link.ts'
import type { TopicFacts, TopicStreams } from './topic-streams.ts'

/** A call of `publish`; one promise for all of its messages. */
interface Call {
  readonly placements: Placement[]
  readonly deadlineMs: number
  readonly resolve: (placements: readonly Placement[]) => void
  readonly reject: (error: Error) => void
  left: number
  failed: boolean
}

/** A message on its way. */
interface Item {
  readonly call: Call
  readonly index: number
  readonly partition: number
  readonly subject: string
  readonly wire: WireMessage
  /** Its key is the publisher's own, so that a duplicate is news. */
  readonly keyed: boolean
  sent: boolean
}

const RETRY_MS_MIN = 50
const RETRY_MS_MAX = 1_000

/**
 * Publishes to one topic, in order, many messages at a time. States:
 * - probing: after a start, a new connection or a refusal, one message is sent and its answer awaited, so that a server
 *   that is not ready yet does not take the second message without the first;
 * - open: up to `inFlightMax` messages are under way;
 * - waiting: a refusal that may pass, or no connection; everything unanswered is sent again, from the first one on.
 * Sending again cannot double or turn anything around: each message has an id that the server remembers, and each
 * connection carries the messages in order, so whichever arrives first, it is behind the one before it.
 */
export class TopicPublisher implements ConnectionUser {
  readonly #link: NatsLink
  readonly #publishing: PublishLink
  readonly #topics: TopicStreams
  readonly #names: NatsNames
  readonly #facts: TopicFacts
  /** Makes ids of messages without a key; unique over processes and restarts. */
  readonly #writer = nuid.next()
  #counter = 0
  /** Messages in order, of which the first `#head` are answered and the next `#sent` under way. */
  #items: Item[] = []
  #head = 0
  #sent = 0
  #bytes = 0
  #sentBytes = 0
  #probing = true
  /** Nothing is sent until a pause is over. */
  #paused = false
  /** Numbers what is sent, so that answers find their message; the first that is unanswered has `#firstNumber`. */
  #firstNumber = 0
  #answered = new Map<number, PublishAnswer>()
  #connection: NatsConnection | undefined
  #subscription: Subscription | undefined
  #inbox = ''
  #retryMs = RETRY_MS_MIN
  #timer: NodeJS.Timeout | undefined
  #nextPartition = 0
  #idle: (() => void)[] = []

  constructor(
    parts: { link: NatsLink; publishing: PublishLink; topics: TopicStreams; names: NatsNames },
    facts: TopicFacts,
  ) {
    this.#link = parts.link
    this.#publishing = parts.publishing
    this.#topics = parts.topics
    this.#names = parts.names
    this.#facts = facts
    this.#publishing.join(this)
  }

  /** Takes checked messages; resolves with their places when the server has them all. */
  publish(messages: readonly NewMessage[], wires: readonly WireMessage[]): Promise<readonly Placement[]> {
    if (messages.length === 0) return Promise.resolve([])
    const { publishMsMax } = this.#link.settings.limits
    const { promise, resolve, reject } = Promise.withResolvers<readonly Placement[]>()
    const call: Call = {
      placements: new Array<Placement>(messages.length),
      deadlineMs: performance.now() + publishMsMax,
      resolve,
      reject,
      left: messages.length,
      failed: false,
    }
    for (const [index, message] of messages.entries()) {
      const partition = this.#partitionFor(message)
      const subject = this.#names.subject(this.#facts.name, partition)
      const wire = wires[index] as WireMessage
      const keyed = message.idempotencyKey !== undefined
      this.#items.push({ call, index, partition, subject, wire, keyed, sent: false })
      this.#bytes += wire.bytes
    }
    this.#send()
    return promise
  }

  /** `BUS_LIMIT_REACHED` if so many bytes more would be too much. */
  assertRoom(bytes: number): void {
    const { pendingBytesMax } = this.#link.settings.limits
    if (this.#bytes === 0 || this.#bytes + bytes <= pendingBytesMax) return
    throw millraceError('BUS_LIMIT_REACHED', {
      what: `${this.#bytes} bytes that wait for the topic "${this.#facts.name}" and ${bytes} more`,
      limit: pendingBytesMax,
      setting: 'limits.pendingBytesMax',
    })
  }

  /** An id for a message that has no key. */
  nextId(): string {
    this.#counter += 1
    return messageId('auto', `${this.#writer}${this.#counter}`)
  }

  connected(connection: NatsConnection): void {
    this.#connection = connection
    this.#inbox = createInbox(this.#link.settings.connection.inboxPrefix)
    this.#subscription = connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, msg) => (error === null ? this.#arrived(msg) : this.#publishing.suspect()),
    })
    this.#sendAgain()
    this.#send()
  }

  disconnected(): void {
    this.#connection = undefined
    this.#subscription = undefined
    this.#sendAgain()
    this.#arm()
  }

  /** Resolves when nothing is unanswered. */
  idle(): Promise<void> {
    if (this.#waiting === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Fails what is unanswered, and sends no more. */
  stop(error: Error): void {
    this.#publishing.leave(this)
    this.#subscription?.unsubscribe()
    this.#connection = undefined
    this.#failAll(() => error)
    clearTimeout(this.#timer)
  }

  get #waiting(): number {
    return this.#items.length - this.#head
  }

  #send(): void {
    if (this.#paused) return
    const { inFlightMax, inFlightBytesMax } = this.#link.settings.limits
    const countMax = Math.min(this.#probing ? 1 : inFlightMax, this.#waiting)
    while (this.#connection !== undefined && this.#sent < countMax) {
      const item = this.#items[this.#head + this.#sent] as Item
      if (this.#sent > 0 && this.#sentBytes + item.wire.bytes > inFlightBytesMax) break
      const reply = `${this.#inbox}.${this.#firstNumber + this.#sent}`
      try {
        this.#connection.publish(item.subject, item.wire.payload, { headers: item.wire.headers, reply })
      } catch {
        this.#publishing.suspect()
        return
      }
      this.#sent += 1
      this.#sentBytes += item.wire.bytes
    }
    this.#arm()
  }

  #arrived(msg: Msg): void {
    const number = Number(msg.subject.slice(this.#inbox.length + 1))
    // An answer to what has been given up, or is about to be sent again.
    if (!(number >= this.#firstNumber && number < this.#firstNumber + this.#sent)) return
    this.#answered.set(number, publishAnswerOf(msg))
    this.#settleAnswered()
  }

  /** Settles in order, so that a refusal is met before what came behind it is counted as done. */
  #settleAnswered(): void {
    for (;;) {
      const answer = this.#answered.get(this.#firstNumber)
      if (answer === undefined) break
      this.#answered.delete(this.#firstNumber)
      if (answer.kind === 'later') {
        this.#wait(answer.reason)
        return
      }
      const item = this.#shift()
      if (answer.kind === 'stored') this.#place(item, answer)
      else
        this.#refuse(item, answer.kind === 'refused' ? answer.reason : 'somebody else wrote at the same time')
    }
    this.#retryMs = RETRY_MS_MIN
    this.#send()
  }

  #place(
    { call, index, partition, keyed, sent }: Item,
    { sequence, duplicate }: PublishAnswer & { kind: 'stored' },
  ) {
    this.#probing = false
    call.placements[index] = {
      topic: this.#facts.name,
      partition,
      offset: sequence,
      // Of a message that was sent twice it may be the first one that is known.
      duplicate: duplicate && keyed && !sent,
      delayed: false,
    }
    call.left -= 1
    if (call.left === 0 && !call.failed) call.resolve(call.placements)
  }

  /** Ends the call; what it has not sent yet is not tried, so that a repetition keeps the order. */
  #refuse({ call, partition }: Item, reason: string): void {
    if (call.failed) return
    call.failed = true
    call.reject(unavailable(this.#facts.name, partition, reason))
    const unsent = this.#items.splice(this.#head + this.#sent)
    const others = unsent.filter((item) => item.call !== call)
    for (const { call: own, wire } of unsent) if (own === call) this.#bytes -= wire.bytes
    this.#items.push(...others)
  }

  #shift(): Item {
    const item = this.#items[this.#head] as Item
    this.#head += 1
    if (this.#head === this.#items.length || this.#head > 4096) {
      this.#items.splice(0, this.#head)
      this.#head = 0
    }
    this.#firstNumber += 1
    this.#sent -= 1
    this.#bytes -= item.wire.bytes
    this.#sentBytes -= item.wire.bytes
    if (this.#waiting === 0) for (const resolve of this.#idle.splice(0)) resolve()
    return item
  }

  /** A refusal that may pass: everything unanswered again, after a pause. */
  #wait(reason: string): void {
    this.#sendAgain()
    const retryMs = this.#retryMs
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX)
    clearTimeout(this.#timer)
    this.#paused = true
    setTimeout(() => {
      void this.#assertThere().then(() => {
        this.#paused = false
        if (!this.#expire(reason)) this.#send()
      })
    }, retryMs).unref()
  }

  /** No stream is no trouble that passes. */
  async #assertThere(): Promise<void> {
    try {
      await this.#link.manager.streams.info(this.#facts.stream)
    } catch (error) {
      if (!isStreamMissing(error)) return
      this.#topics.forget(this.#facts.name)
      this.#failAll(() => millraceError('TOPIC_UNKNOWN', { topic: this.#facts.name }))
    }
  }

  #sendAgain(): void {
    for (const item of this.#items.slice(this.#head, this.#head + this.#sent)) item.sent = true
    // New numbers, so that a late answer is not taken for that of another message.
    this.#firstNumber += this.#sent
    this.#sent = 0
    this.#sentBytes = 0
    this.#answered.clear()
    this.#probing = true
  }

  /** Watches the first unanswered message. */
  #arm(): void {
    clearTimeout(this.#timer)
    const first = this.#items[this.#head]
    if (first === undefined || this.#paused) return
    const { acknowledgeMsMax } = this.#link.settings.limits
    const leftMs = first.call.deadlineMs - performance.now()
    const isUnderWay = this.#sent > 0
    this.#timer = setTimeout(
      () => {
        if (this.#expire('no acknowledgement in time')) return
        if (isUnderWay) this.#publishing.suspect()
        else this.#arm()
      },
      Math.max(0, isUnderWay ? Math.min(acknowledgeMsMax, leftMs) : leftMs),
    )
    this.#timer.unref()
  }

  /**
   * Fails everything if the first call's time is over: what stands behind it would come in front of it when it is
   * repeated.
   */
  #expire(reason: string): boolean {
    const first = this.#items[this.#head]
    if (first === undefined || performance.now() < first.call.deadlineMs) return first === undefined
    this.#failAll((partition) => unavailable(this.#facts.name, partition, reason))
    return true
  }

  #failAll(errorOf: (partition: number) => Error): void {
    const items = this.#items.slice(this.#head)
    this.#sendAgain()
    this.#items = []
    this.#head = 0
    this.#bytes = 0
    for (const { call, partition } of items) {
      if (call.failed) continue
      call.failed = true
      call.reject(errorOf(partition))
    }
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** By key; without one by idempotency key, so that a repetition meets the first; else in turn. */
  #partitionFor(message: NewMessage): number {
    const count = this.#facts.partitions
    const key = message.key ?? message.idempotencyKey
    if (key !== undefined) return partitionOfKey(key, count)
    this.#nextPartition = (this.#nextPartition + 1) % count
    return this.#nextPartition
  }
}

/** The messages as they are sent, each with its id. */
export function wiresOf(publisher: TopicPublisher, messages: readonly NewMessage[]): readonly WireMessage[] {
  return messages.map((message) => {
    const { idempotencyKey } = message
    const id = idempotencyKey === undefined ? publisher.nextId() : messageId('key', idempotencyKey)
    return toWire(message, id)
  })
}
