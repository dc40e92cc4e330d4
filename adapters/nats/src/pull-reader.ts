import { AckPolicy, type ConsumerConfig, DeliverPolicy, ReplayPolicy } from '@nats-io/jetstream'
import { createInbox, type Msg, nanos, type Subscription } from '@nats-io/nats-core'
import type { NatsLink } from './nats-link.ts'

/** What is read: one subject of a stream, from a sequence or a time on. */
export interface PullPlace {
  readonly stream: string
  readonly subject: string
  readonly from: { readonly sequence: number } | { readonly timeMs: number }
}

/** One message of the stream, with what the server says about it. */
export interface PulledMessage {
  readonly sequence: number
  readonly timestampMs: number
  /** How many are behind it, as the server knew when it sent it. */
  readonly pending: number
  readonly msg: Msg
}

/** `ended`: the server has sent what it had, or what was asked for. `lost`: open a new reader behind the last message. */
export type PullOutcome = 'ended' | 'lost'

/** The server forgets a reader that asks for nothing. */
const INACTIVE_MS = 60_000
/** How much longer than it promised the server may be silent. */
const SILENCE_MS = 2_000
/** Codes of the status messages that end a request in good order: no messages, request expired, batch or bytes full. */
const ENDS = new Set([404, 408])

/**
 * Reads one subject in order through a consumer without acknowledgements that lives in the server's memory. It checks
 * that nothing was lost on the way by the numbers that the server gives; whatever is wrong with it, it is thrown away and
 * a new one begins behind the last message that came.
 */
export class PullReader {
  /** How many messages were waiting when it was opened. */
  readonly pendingAtStart: number
  readonly #link: NatsLink
  readonly #stream: string
  readonly #consumer: string
  readonly #inbox: string
  readonly #subscription: Subscription
  #request = 0
  #delivered = 0
  /** Something was missed between two calls: nothing that comes now can be trusted to be the next. */
  #lost = false
  #onMessage: ((pulled: PulledMessage) => void) | undefined
  #onEnd: ((outcome: PullOutcome) => void) | undefined

  private constructor(link: NatsLink, stream: string, consumer: string, pending: number) {
    this.#link = link
    this.#stream = stream
    this.#consumer = consumer
    this.pendingAtStart = pending
    this.#inbox = createInbox(link.settings.connection.inboxPrefix)
    this.#subscription = link.connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, msg) => (error === null ? this.#arrived(msg) : this.#end('lost')),
    })
  }

  static async open(link: NatsLink, { stream, subject, from }: PullPlace): Promise<PullReader> {
    const config: Partial<ConsumerConfig> = {
      ack_policy: AckPolicy.None,
      replay_policy: ReplayPolicy.Instant,
      filter_subject: subject,
      inactive_threshold: nanos(INACTIVE_MS),
      mem_storage: true,
      num_replicas: 1,
      ...('sequence' in from
        ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, from.sequence) }
        : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(from.timeMs).toISOString() }),
    }
    const info = await link.ask(() => link.manager.consumers.add(stream, config))
    return new PullReader(link, stream, info.name, info.num_pending)
  }

  /**
   * Asks for up to `countMax` messages and gives each to `onMessage` as it comes. With `waitMs` 0 it ends when there are
   * no more, else it waits so long for the first that is new. One call at a time.
   */
  async pull(
    limits: { readonly countMax: number; readonly bytesMax: number; readonly waitMs: number },
    onMessage: (pulled: PulledMessage) => void,
  ): Promise<PullOutcome> {
    if (this.#lost) return 'lost'
    if (limits.waitMs === 0 && this.pendingAtStart === 0 && this.#delivered === 0) return 'ended'
    const { promise, resolve } = Promise.withResolvers<PullOutcome>()
    let left = limits.countMax
    this.#onEnd = resolve
    this.#onMessage = (pulled) => {
      left -= 1
      onMessage(pulled)
      if (left === 0 || (limits.waitMs === 0 && pulled.pending === 0)) this.#end('ended')
    }
    this.#request += 1
    const request = {
      batch: limits.countMax,
      max_bytes: limits.bytesMax,
      ...(limits.waitMs === 0 ? { no_wait: true } : { expires: nanos(limits.waitMs) }),
    }
    const silence = setTimeout(() => this.#end('lost'), limits.waitMs + SILENCE_MS)
    try {
      this.#link.connection.publish(
        `$JS.API.CONSUMER.MSG.NEXT.${this.#stream}.${this.#consumer}`,
        JSON.stringify(request),
        { reply: `${this.#inbox}.${this.#request}` },
      )
      return await promise
    } finally {
      clearTimeout(silence)
      this.#onMessage = undefined
      this.#onEnd = undefined
    }
  }

  /** Makes a call of {@link pull} end as lost. */
  interrupt(): void {
    this.#end('lost')
  }

  /** Gives the consumer up; the server would do it by itself a little later. */
  close(): void {
    this.#end('lost')
    this.#subscription.unsubscribe()
    if (this.#link.closed) return
    this.#link.manager.consumers.delete(this.#stream, this.#consumer).catch(() => undefined)
  }

  #arrived(msg: Msg): void {
    if (msg.reply?.startsWith('$JS.ACK.')) {
      const { sequence, delivered, timestampMs, pending } = deliveryOf(msg.reply)
      this.#delivered += 1
      const take = this.#onMessage
      if (delivered === this.#delivered && take !== undefined) take({ sequence, timestampMs, pending, msg })
      else this.#end('lost')
      return
    }
    // A status that ends an earlier request says nothing about this one.
    if (!msg.subject.endsWith(`.${this.#request}`)) return
    const code = msg.headers?.code ?? 0
    if (code === 100) return
    const isFull = code === 409 && /batch|bytes/i.test(msg.headers?.description ?? '')
    this.#end(ENDS.has(code) || isFull ? 'ended' : 'lost')
  }

  #end(outcome: PullOutcome): void {
    if (outcome === 'lost') this.#lost = true
    this.#onEnd?.(outcome)
  }
}

interface Delivery {
  readonly sequence: number
  /** Counts what this consumer has sent. */
  readonly delivered: number
  readonly timestampMs: number
  readonly pending: number
}

/**
 * `$JS.ACK.<stream>.<consumer>.<times>.<sequence>.<delivered>.<nanoseconds>.<pending>`, with domain and account behind
 * ACK in the newer form (ADR-15).
 */
function deliveryOf(reply: string): Delivery {
  const tokens = reply.split('.')
  const first = tokens.length >= 11 ? 7 : 5
  return {
    sequence: Number(tokens[first]),
    delivered: Number(tokens[first + 1]),
    timestampMs: Math.floor(Number((tokens[first + 2] ?? '').slice(0, -6))),
    pending: Number(tokens[first + 3]),
  }
}
