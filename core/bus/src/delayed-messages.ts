import { type Cancel, DueHeap, millraceError, newId, type Runtime } from '@millrace/kernel'
import type { Table, TableEntry } from '@millrace/log'
import type { NewMessage } from './bus.ts'
import { decodeStored, encodeStored } from './message-codec.ts'

/** Gives messages that are due to their topic; must recognise those it has been given before. */
export type Deliver = (topic: string, messages: readonly NewMessage[]) => Promise<void>

/** A delayed message as memory knows it; the rest is in the table. */
interface WaitingMessage {
  readonly dueMs: number
  readonly sequence: number
  readonly id: string
  readonly topic: string
}

/** Messages of one delivery; bounds what is in memory at once. */
const DELIVERY_COUNT_MAX = 500
/** The longest sleep: after it the wall clock is looked at again, because it may have been set. */
const SLEEP_MS_MAX = 60_000
/** Pause after a topic did not take its messages. */
const RETRY_MS = 1_000

/**
 * Messages that wait for their time. Bodies are in the table, of which memory holds time, id and topic only. A message
 * is taken out of the table after its topic has it; its idempotency key makes that exactly once, also over a crash
 * between the two.
 */
export class DelayedMessages {
  readonly #table: Table
  readonly #runtime: Runtime
  readonly #deliver: Deliver
  readonly #countMax: number
  readonly #heap = new DueHeap<WaitingMessage>()
  /** Makes ids unique over restarts, which `#sequence` alone is not. */
  readonly #opening: string
  #sequence = 0
  /** Accepted but not durable yet. */
  #arriving = 0
  #cancelTimer: Cancel | undefined
  #delivery: Promise<void> | undefined
  #closed = false

  constructor(options: { table: Table; runtime: Runtime; countMax: number; deliver: Deliver }) {
    this.#table = options.table
    this.#runtime = options.runtime
    this.#countMax = options.countMax
    this.#deliver = options.deliver
    this.#opening = newId(options.runtime)
  }

  /** Loads what waited when the bus was closed, and calls `waiting` for each message. */
  async load(waiting: (topic: string, message: NewMessage) => void): Promise<void> {
    for await (const page of this.#table.load()) {
      for (const { key, value } of page) {
        const { topic, dueMs, message } = decodeDelayed(value)
        const sequence = Number.parseInt(key, 10)
        this.#sequence = Math.max(this.#sequence, sequence)
        this.#heap.push({ dueMs, sequence, id: key, topic })
        waiting(topic, message)
      }
    }
    this.#arm()
  }

  /** Durable on return. `BUS_LIMIT_REACHED` if too many wait. */
  async add(topic: string, messages: readonly NewMessage[]): Promise<void> {
    if (this.#heap.size + this.#arriving + messages.length > this.#countMax) {
      const what = `${this.#heap.size} waiting and ${messages.length} more delayed messages`
      throw millraceError('BUS_LIMIT_REACHED', { what, limit: this.#countMax, setting: 'delayedMessagesMax' })
    }
    const waiting = messages.map((message) => this.#waiting(topic, message.deliverAtMs ?? 0))
    const entries = messages.map((message, index) => delayedEntry(waiting[index] as WaitingMessage, message))
    this.#arriving += messages.length
    try {
      await this.#table.put(entries)
    } finally {
      this.#arriving -= messages.length
    }
    for (const message of waiting) this.#heap.push(message)
    this.#arm()
  }

  /** Stops delivering; what waits stays in the table. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancelTimer?.()
    await this.#delivery
  }

  #waiting(topic: string, dueMs: number): WaitingMessage {
    this.#sequence += 1
    const sequence = this.#sequence
    return { dueMs, sequence, id: `${String(sequence).padStart(16, '0')} ${this.#opening}`, topic }
  }

  #arm(delayMsMin = 0): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    const next = this.#heap.peek()
    if (next === undefined || this.#closed || this.#delivery !== undefined) return
    const waitMs = Math.max(delayMsMin, next.dueMs - this.#runtime.clock.now())
    this.#cancelTimer = this.#runtime.scheduler.after(Math.min(SLEEP_MS_MAX, waitMs), () => this.#wake())
  }

  #wake(): void {
    const due = this.#takeDue()
    if (due.length === 0) {
      this.#arm()
      return
    }
    this.#delivery = this.#deliverAll(due).then((failed) => {
      this.#delivery = undefined
      this.#arm(failed ? RETRY_MS : 0)
    })
  }

  #takeDue(): WaitingMessage[] {
    const nowMs = this.#runtime.clock.now()
    const due: WaitingMessage[] = []
    for (let next = this.#heap.peek(); next !== undefined && next.dueMs <= nowMs; next = this.#heap.peek()) {
      if (due.length === DELIVERY_COUNT_MAX) break
      this.#heap.pop()
      due.push(next)
    }
    return due
  }

  /** Delivers each topic's messages by themselves, so that a topic that fails keeps back only its own. */
  async #deliverAll(due: readonly WaitingMessage[]): Promise<boolean> {
    const topics = Map.groupBy(due, (message) => message.topic)
    const outcomes = await Promise.all(
      [...topics].map(([topic, messages]) => this.#deliverTo(topic, messages)),
    )
    return outcomes.includes(false)
  }

  async #deliverTo(topic: string, waiting: readonly WaitingMessage[]): Promise<boolean> {
    try {
      const messages: NewMessage[] = []
      for (const { id } of waiting) {
        const value = await this.#table.get(id)
        if (value !== undefined) messages.push(asDeliverable(id, decodeDelayed(value).message))
      }
      await this.#deliver(topic, messages)
      await this.#table.put(waiting.map(({ id }) => ({ key: id })))
      return true
    } catch {
      // Disk full, or a partition that fails: it shows that itself. Here the messages wait for another try.
      for (const message of waiting)
        this.#heap.push({ ...message, dueMs: this.#runtime.clock.now() + RETRY_MS })
      return false
    }
  }
}

/** With a key by which its topic recognises it: its own, or one that no publisher can have chosen by accident. */
function asDeliverable(id: string, message: NewMessage): NewMessage {
  return { ...message, idempotencyKey: message.idempotencyKey ?? `\u0000delayed ${id}` }
}

function delayedEntry({ id, topic, dueMs }: WaitingMessage, message: NewMessage): TableEntry {
  const { key, headers, value, idempotencyKey } = message
  const place = { topic, dueMs: String(dueMs), ...(key === undefined ? {} : { key }) }
  return {
    key: id,
    value: encodeStored({ headers: place, value: encodeStored({ headers, value, idempotencyKey }) }),
  }
}

function decodeDelayed(bytes: Uint8Array): { topic: string; dueMs: number; message: NewMessage } {
  const { headers: place, value } = decodeStored(bytes)
  const { headers, value: body, idempotencyKey } = decodeStored(value)
  const message: NewMessage = {
    headers,
    value: body,
    ...(place.key === undefined ? {} : { key: place.key }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  }
  return { topic: place.topic ?? '', dueMs: Number(place.dueMs), message }
}
