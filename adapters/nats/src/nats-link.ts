import { isMillraceError, millraceError } from '@millrace/kernel'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection, ServerInfo } from '@nats-io/nats-core'
import { connect } from '@nats-io/transport-node'
import { isSilence, isTransient, reasonOf, unreachable } from './nats-failure.ts'
import type { NatsSettings } from './nats-options.ts'

/** Time for one request; a lost one is asked again. */
const ATTEMPT_MS = 2_000
const PAUSE_MS_MIN = 50
const PAUSE_MS_MAX = 1_000
const RECONNECT_MS = 200
const CONNECT_MS_MAX = 5_000
/** So many requests without any answer, one after the other, are not chance. */
const SILENCES_MAX = 2

/**
 * The way to the server for everything but publishing: the client reconnects by itself, for ever, and requests are
 * asked again until they are answered or `requestMsMax` is over.
 */
export class NatsLink {
  readonly connection: NatsConnection
  readonly manager: JetStreamManager
  readonly settings: NatsSettings
  readonly #restored = new Set<() => void>()
  #info: ServerInfo
  #closed = false

  private constructor(connection: NatsConnection, manager: JetStreamManager, settings: NatsSettings) {
    this.connection = connection
    this.manager = manager
    this.settings = settings
    this.#info = connection.info as ServerInfo
    void this.#watch()
  }

  /** @throws BUS_UNREACHABLE, BUS_SERVER_UNFIT */
  static async open(settings: NatsSettings): Promise<NatsLink> {
    const connection = await openConnection(settings, { reconnect: true })
    try {
      const manager = await jetstreamManager(connection, { timeout: ATTEMPT_MS })
      return new NatsLink(connection, manager, settings)
    } catch (error) {
      await connection.close()
      throw unfit(settings, error)
    }
  }

  /** What the server said about itself when we were connected last. */
  get info(): ServerInfo {
    this.#info = this.connection.info ?? this.#info
    return this.#info
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Asks until there is an answer; `BUS_UNREACHABLE` when `limitMs` is over. What is asked may be done twice. */
  async ask<Answer>(
    question: () => Promise<Answer>,
    limitMs = this.settings.limits.requestMsMax,
  ): Promise<Answer> {
    const startMs = performance.now()
    for (let pauseMs = PAUSE_MS_MIN, silences = 0; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX)) {
      try {
        return await question()
      } catch (error) {
        if (this.#closed) throw millraceError('BUS_CLOSED', {})
        if (!isTransient(error)) throw error
        if (isSilence(error)) silences += 1
        if (silences === SILENCES_MAX) this.suspect()
        if (performance.now() - startMs + pauseMs > limitMs) throw unreachable(this.settings.servers, error)
        await pause(pauseMs)
      }
    }
  }

  /** The connection is taken for dead: the client would find out by pings, which takes half a minute. */
  suspect(): void {
    if (!this.#closed) this.connection.reconnect().catch(() => undefined)
  }

  /** Calls `task` whenever the connection is there again; answers how to stop that. */
  onRestored(task: () => void): () => void {
    this.#restored.add(task)
    return () => this.#restored.delete(task)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.connection.close()
  }

  async #watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (this.#closed) return
      if (status.type === 'disconnect') this.settings.report(`the connection to ${status.server} is lost`)
      if (status.type !== 'reconnect') continue
      this.settings.report(`connected to ${status.server} again`)
      for (const task of this.#restored) task()
    }
  }
}

/** @throws BUS_UNREACHABLE */
export async function openConnection(
  { servers, connection, prefix }: NatsSettings,
  { reconnect }: { readonly reconnect: boolean },
): Promise<NatsConnection> {
  try {
    return await connect({
      name: `${prefix} bus`,
      pingInterval: 10_000,
      // The client's own 20 s are long for a greeting that is lost when a link flutters.
      timeout: CONNECT_MS_MAX,
      ...connection,
      servers: [...servers],
      reconnect,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
    })
  } catch (error) {
    throw isMillraceError(error) ? error : unreachable(servers, error)
  }
}

export function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, durationMs).unref()
  })
}

function unfit({ servers }: NatsSettings, error: unknown): Error {
  return millraceError('BUS_SERVER_UNFIT', {
    servers: servers.join(', '),
    seen: reasonOf(error),
    expected: 'JetStream, enabled for this account',
  })
}
