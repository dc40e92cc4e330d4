import type { NatsConnection } from '@nats-io/nats-core'
import { openConnection, pause } from './nats-link.ts'
import type { NatsSettings } from './nats-options.ts'

const PAUSE_MS_MIN = 50
const PAUSE_MS_MAX = 2_000

/** Somebody who publishes over the connection of the moment. */
export interface ConnectionUser {
  connected(connection: NatsConnection): void
  disconnected(): void
}

/**
 * The connection that publishes. It does not reconnect by itself: what the client had in its buffer would go out in front
 * of what was lost on the way, and turn the order around. A new connection is opened instead, and each publisher sends
 * all again that is not acknowledged, from the first one on; the server recognises what it has.
 */
export class PublishLink {
  readonly #settings: NatsSettings
  readonly #users = new Set<ConnectionUser>()
  #connection: NatsConnection | undefined
  #closed = false
  #opening: Promise<void> | undefined

  constructor(settings: NatsSettings) {
    this.#settings = settings
  }

  join(user: ConnectionUser): void {
    this.#users.add(user)
    if (this.#connection !== undefined) user.connected(this.#connection)
    else this.#open()
  }

  leave(user: ConnectionUser): void {
    this.#users.delete(user)
  }

  /** The connection is taken for dead: it answers nothing. */
  suspect(): void {
    // Not awaited: a dead one may take its time to close.
    this.#connection?.close().catch(() => undefined)
    this.#lose()
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#opening
    await this.#connection?.close()
    this.#connection = undefined
  }

  #open(): void {
    this.#opening ??= this.#openUntilThere().finally(() => {
      this.#opening = undefined
    })
  }

  async #openUntilThere(): Promise<void> {
    for (let pauseMs = PAUSE_MS_MIN; !this.#closed; pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX)) {
      try {
        const connection = await openConnection(this.#settings, { reconnect: false })
        if (this.#closed) return await connection.close()
        this.#connection = connection
        void connection.closed().then(() => this.#connection === connection && this.#lose())
        for (const user of this.#users) user.connected(connection)
        return
      } catch {
        // Publications have a time limit of their own, and say why they fail.
        await pause(pauseMs)
      }
    }
  }

  #lose(): void {
    if (this.#connection === undefined) return
    this.#connection = undefined
    for (const user of this.#users) user.disconnected()
    if (!this.#closed) this.#open()
  }
}
