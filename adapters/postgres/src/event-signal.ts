import { abortReason } from '@millrace/kernel'
import { Client } from 'pg'
import type { PostgresSettings } from './postgres-options.ts'
import { quoted } from './table-names.ts'

interface Waiter {
  readonly position: number
  readonly wake: () => void
}

/** How the signal gets at the server, beside its own connection. */
export interface EventSource {
  /** The last position that was given to anybody, committed or not. */
  lastGiven(): Promise<number>
  /** Tells other processes. */
  notify(channel: string): Promise<void>
}

/** While an event is held back, whoever waits for it looks again so often. */
const HELD_BACK_MS = 20
const RECONNECT_MS_MIN = 500
const RECONNECT_MS_MAX = 30_000

/**
 * Hints that there may be events. Commits of this process are known at once; those of others come by NOTIFY, at most once
 * in `notifyMs` from each process and outside of the transactions that commit, since a NOTIFY inside of them would make
 * these wait for one another; and by looking, every `pollMs`, in case that nobody could tell.
 */
export class EventSignal {
  readonly #settings: PostgresSettings
  readonly #source: EventSource
  readonly #channel: string
  readonly #waiters = new Set<Waiter>()
  #listener: Client | undefined
  #reconnectMs = RECONNECT_MS_MIN
  #reconnect: NodeJS.Timeout | undefined
  #poll: NodeJS.Timeout | undefined
  #notifying: NodeJS.Timeout | undefined
  #mustNotify = false
  /** The greatest position that anybody is known to have been given. */
  #given = 0
  #isClosed = false

  constructor(settings: PostgresSettings, source: EventSource) {
    this.#settings = settings
    this.#source = source
    this.#channel = `${settings.schema}_events`
  }

  /** Resolves when there may be events behind `position`, or when the time is over. Rejects with the signal's reason. */
  wait(position: number, { waitMsMax, signal }: { waitMsMax: number; signal?: AbortSignal }): Promise<void> {
    if (signal?.aborted) return Promise.reject(abortReason(signal))
    if (this.#isClosed) return Promise.resolve()
    this.#listen()
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        this.#waiters.delete(waiter)
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        settle()
      }
      const waiter = { position, wake: () => end(resolve) }
      const onAbort = () => end(() => reject(abortReason(signal as AbortSignal)))
      // One that is behind already waits for a transaction that is not decided; there is nobody to tell when it is.
      const isHeldBack = this.#given > position
      const timer = setTimeout(waiter.wake, isHeldBack ? Math.min(HELD_BACK_MS, waitMsMax) : waitMsMax)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiters.add(waiter)
      if (!isHeldBack) this.#schedulePoll()
    })
  }

  /** This process has committed an event with this position. */
  committed(position: number): void {
    this.#see(position)
    if (!this.#settings.notify) return
    this.#mustNotify = true
    this.#scheduleNotify(0)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#reconnect)
    clearTimeout(this.#poll)
    clearTimeout(this.#notifying)
    for (const { wake } of [...this.#waiters]) wake()
    await this.#listener?.end().catch(() => undefined)
  }

  #see(position: number): void {
    this.#given = Math.max(this.#given, position)
    for (const waiter of [...this.#waiters]) if (waiter.position < this.#given) waiter.wake()
  }

  #schedulePoll(): void {
    if (this.#poll !== undefined || this.#isClosed) return
    this.#poll = setTimeout(() => void this.#look(), this.#settings.limits.pollMs).unref()
  }

  async #look(): Promise<void> {
    // Whoever waits looks for itself in the end; a failure is for those who read.
    const given = await this.#source.lastGiven().catch(() => 0)
    this.#poll = undefined
    this.#see(given)
    if (this.#waiters.size > 0) this.#schedulePoll()
  }

  #scheduleNotify(delayMs: number): void {
    if (this.#notifying !== undefined || this.#isClosed) return
    this.#notifying = setTimeout(() => void this.#notify(), delayMs).unref()
  }

  async #notify(): Promise<void> {
    this.#mustNotify = false
    await this.#source.notify(this.#channel).catch(() => undefined)
    this.#notifying = undefined
    if (this.#mustNotify) this.#scheduleNotify(this.#settings.limits.notifyMs)
  }

  /** Opens the connection that hears of others, and opens it again when it is lost. */
  #listen(): void {
    if (!this.#settings.notify || this.#isClosed) return
    if (this.#listener !== undefined || this.#reconnect !== undefined) return
    const client = new Client(this.#settings.client)
    this.#listener = client
    const lost = () => {
      if (this.#listener !== client || this.#isClosed) return
      this.#listener = undefined
      this.#reconnect = setTimeout(() => {
        this.#reconnect = undefined
        if (this.#waiters.size > 0) this.#listen()
      }, this.#reconnectMs).unref()
      this.#reconnectMs = Math.min(2 * this.#reconnectMs, RECONNECT_MS_MAX)
    }
    client.on('error', lost).on('end', lost)
    client.on('notification', () => void this.#look())
    void client
      .connect()
      .then(() => client.query(`LISTEN ${quoted(this.#channel)}`))
      .then(() => {
        this.#reconnectMs = RECONNECT_MS_MIN
        // Nobody is kept alive by waiting for hints. The types leave it out.
        ;(client as Client & { unref(): void }).unref()
        return this.#look()
      })
      .catch(lost)
  }
}
