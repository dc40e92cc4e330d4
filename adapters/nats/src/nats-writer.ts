import {
  assertMessage,
  type ExclusiveWriter,
  type MessageLimits,
  type NewMessage,
  type Placement,
} from '@millrace/bus'
import { millraceError } from '@millrace/kernel'
import type { Msg, MsgHdrs } from '@nats-io/nats-core'
import { encodeFrame, epochOf, frameEnd, frameHeaders } from './frame.ts'
import { EXPECTED_SEQUENCE } from './message-form.ts'
import { isSilence, isTransient, reasonOf, unavailable } from './nats-failure.ts'
import { type NatsLink, pause } from './nats-link.ts'
import { OFFSETS_PER_FRAME } from './offsets.ts'
import { publishAnswerOf } from './publish-answer.ts'
import { type RecentKeys, readRecentKeys } from './recent-keys.ts'
import type { TopicFacts } from './topic-streams.ts'

/** The partition that a writer writes. */
export interface WriterPlace {
  readonly facts: TopicFacts
  readonly partition: number
  readonly subject: string
}

/** The newest record of a partition. */
interface Newest {
  /** 0 if there is none. */
  readonly sequence: number
  readonly endOffset: number
  /** 0 if no writer has ever been opened. */
  readonly epoch: number
}

const ATTEMPT_MS = 2_000
const RETRY_MS = 100
/** Of a frame's headers, at most. */
const FRAME_HEADER_BYTES_MAX = 512

/**
 * The only writer of a partition. Each record names the one before it (`Nats-Expected-Last-Subject-Sequence`), so the
 * server itself refuses whoever does not know the newest one. Opening appends a record without messages, which readers
 * skip: from then on older writers are refused, and its sequence is the epoch. An append is one record, so it is there
 * as a whole or not at all.
 */
export class NatsWriter implements ExclusiveWriter {
  readonly epoch: number
  readonly #link: NatsLink
  readonly #place: WriterPlace
  readonly #limits: MessageLimits
  readonly #keys: RecentKeys
  readonly #assertBusOpen: () => void
  #newest: Newest
  /** An append whose outcome nobody knows: what is newest must be read before the next. */
  #inDoubt = false
  #counter = 0
  #closed = false
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(
    link: NatsLink,
    place: WriterPlace,
    opened: { readonly newest: Newest; readonly keys: RecentKeys },
    rules: { readonly limits: MessageLimits; readonly assertOpen: () => void },
  ) {
    this.#link = link
    this.#place = place
    this.#newest = opened.newest
    this.#keys = opened.keys
    this.#limits = rules.limits
    this.#assertBusOpen = rules.assertOpen
    this.epoch = opened.newest.epoch
  }

  static async open(
    link: NatsLink,
    place: WriterPlace,
    rules: { readonly limits: MessageLimits; readonly assertOpen: () => void },
  ): Promise<NatsWriter> {
    for (;;) {
      const before = await readNewest(link, place)
      // The id makes a repetition of this very record recognisable; nobody else can have written the same.
      const id = `w ${link.connection.info?.client_id ?? 0} ${before.sequence} ${crypto.randomUUID()}`
      const sequence = await append(link, place, frameHeaders(0, id), new Uint8Array(0), before.sequence)
      if (sequence === undefined) continue
      const newest = { sequence, endOffset: sequence * OFFSETS_PER_FRAME, epoch: sequence }
      const keys = await readRecentKeys(link, place)
      return new NatsWriter(link, place, { newest, keys }, rules)
    }
  }

  get endOffset(): number {
    return this.#newest.endOffset
  }

  async append(
    messages: readonly NewMessage[],
    options: { readonly expectedOffset?: number } = {},
  ): Promise<readonly Placement[]> {
    for (const message of messages) {
      assertMessage(this.#place.facts.name, message, this.#limits)
      if (message.deliverAtMs === undefined) continue
      throw millraceError('NOT_SUPPORTED', { what: 'Delay by an exclusive writer', engine: 'nats' })
    }
    const own = messages.map((message) => ({ ...message, value: message.value.slice() }))
    return this.#inTurn(() => this.#append(own, options.expectedOffset))
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#turn
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #append(
    messages: readonly NewMessage[],
    expectedOffset: number | undefined,
  ): Promise<readonly Placement[]> {
    this.#assertOpen()
    if (this.#inDoubt) await this.#readAgain()
    this.#assertPosition(expectedOffset)
    const fresh = messages.filter(
      ({ idempotencyKey: key }, index) =>
        key === undefined ||
        (!this.#keys.has(key) && messages.findIndex((each) => each.idempotencyKey === key) === index),
    )
    const base = fresh.length === 0 ? 0 : await this.#write(fresh)
    for (const [index, { idempotencyKey }] of fresh.entries()) {
      if (idempotencyKey !== undefined) this.#keys.add(idempotencyKey, base + index)
    }
    return messages.map((message) => this.#placement(message, fresh.indexOf(message), base))
  }

  #placement({ idempotencyKey }: NewMessage, index: number, base: number): Placement {
    const { facts, partition } = this.#place
    const offset = index >= 0 ? base + index : (this.#keys.offsetOf(idempotencyKey ?? '') ?? -1)
    return { topic: facts.name, partition, offset, duplicate: index < 0, delayed: false }
  }

  /** The offset of the first message. */
  async #write(messages: readonly NewMessage[]): Promise<number> {
    const frame = encodeFrame(messages)
    this.#assertOneRecord(messages.length, frame.length)
    this.#counter += 1
    const headers = frameHeaders(messages.length, `w ${this.epoch} ${this.#counter}`, this.epoch)
    this.#inDoubt = true
    const sequence = await append(this.#link, this.#place, headers, frame, this.#newest.sequence)
    if (sequence === undefined) {
      await this.#readAgain()
      // Nobody but a newer writer can have been in front of us; a foreign program that writes is none.
      throw this.#fenced(this.#newest.epoch)
    }
    this.#inDoubt = false
    const base = sequence * OFFSETS_PER_FRAME
    this.#newest = { sequence, endOffset: base + messages.length, epoch: this.epoch }
    return base
  }

  async #readAgain(): Promise<void> {
    const newest = await readNewest(this.#link, this.#place)
    if (newest.epoch !== this.epoch) throw this.#fenced(newest.epoch)
    this.#newest = newest
    this.#inDoubt = false
  }

  #assertOneRecord(count: number, bytes: number): void {
    const { facts, partition } = this.#place
    const limit = this.#link.info.max_payload - FRAME_HEADER_BYTES_MAX
    if (bytes <= limit && count <= OFFSETS_PER_FRAME) return
    throw millraceError('WRITER_APPEND_TOO_LARGE', {
      topic: facts.name,
      partition,
      seen: bytes,
      limit: count > OFFSETS_PER_FRAME ? `${OFFSETS_PER_FRAME} messages and ${limit}` : limit,
    })
  }

  #assertPosition(expected: number | undefined): void {
    const { facts, partition } = this.#place
    if (expected === undefined || expected === this.endOffset) return
    throw millraceError('WRITER_POSITION_CONFLICT', {
      topic: facts.name,
      partition,
      expected,
      end: this.endOffset,
    })
  }

  #assertOpen(): void {
    this.#assertBusOpen()
    const { facts, partition } = this.#place
    if (this.#closed) throw millraceError('WRITER_CLOSED', { topic: facts.name, partition })
  }

  #fenced(current: number): Error {
    const { facts, partition } = this.#place
    return millraceError('WRITER_FENCED', { topic: facts.name, partition, epoch: this.epoch, current })
  }

  #inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(task)
    this.#turn = result.catch(() => undefined)
    return result
  }
}

async function readNewest(link: NatsLink, { facts, partition, subject }: WriterPlace): Promise<Newest> {
  try {
    const last = await link.ask(() =>
      link.manager.streams.getMessage(facts.stream, { last_by_subj: subject }),
    )
    if (last === null) return { sequence: 0, endOffset: 0, epoch: 0 }
    const endOffset = last.seq * OFFSETS_PER_FRAME + frameEnd(last.header)
    return { sequence: last.seq, endOffset, epoch: epochOf(last.header, last.seq) }
  } catch (error) {
    throw unavailable(facts.name, partition, error)
  }
}

/** The sequence of the record; undefined if `previous` is not the newest. Tried again until the server answers. */
async function append(
  link: NatsLink,
  { facts, partition, subject }: WriterPlace,
  headers: MsgHdrs,
  payload: Uint8Array,
  previous: number,
): Promise<number | undefined> {
  headers.set(EXPECTED_SEQUENCE, String(previous))
  const startMs = performance.now()
  for (;;) {
    const { answer, reason } = await ask(link, subject, headers, payload)
    if (answer?.kind === 'stored') return answer.sequence
    if (answer?.kind === 'conflict') return undefined
    if (
      answer?.kind === 'refused' ||
      performance.now() - startMs > link.settings.limits.publishMsMax ||
      link.closed
    )
      throw unavailable(facts.name, partition, reason)
    await pause(RETRY_MS)
  }
}

async function ask(link: NatsLink, subject: string, headers: MsgHdrs, payload: Uint8Array) {
  try {
    const msg: Msg = await link.connection.request(subject, payload, { headers, timeout: ATTEMPT_MS })
    const answer = publishAnswerOf(msg)
    return { answer, reason: 'reason' in answer ? answer.reason : '' }
  } catch (error) {
    if (!isTransient(error)) throw error
    if (isSilence(error)) link.suspect()
    return { answer: undefined, reason: reasonOf(error) }
  }
}
