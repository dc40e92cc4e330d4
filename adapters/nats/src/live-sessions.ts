import { nuid, type Subscription } from '@nats-io/nats-core'
import type { NatsLink } from './nats-link.ts'
import type { NatsNames } from './nats-names.ts'

/** Since when a process does not answer. */
interface Doubt {
  /** `gone`: the server has no connection of it. `silent`: it has, and nothing comes. */
  readonly kind: 'gone' | 'silent'
  readonly sinceMs: number
}

const ANSWER_MS_MAX = 1_000

/**
 * Who of the processes that share groups lives. Each answers on a subject of its own; of one whose connection has ended
 * the server says at once that nobody listens. A process that is only connecting again must not be given up for that, so
 * it takes `goneMs`, and `silentMsMax` for one that is connected but says nothing. A wrong verdict costs a move of its
 * partitions, and nothing else: its commits are refused by revision.
 */
export class LiveSessions {
  readonly id = nuid.next()
  readonly #link: NatsLink
  readonly #names: NatsNames
  readonly #subscription: Subscription
  readonly #doubts = new Map<string, Doubt>()
  readonly #asking = new Map<string, Promise<void>>()

  constructor(link: NatsLink, names: NatsNames) {
    this.#link = link
    this.#names = names
    this.#subscription = link.connection.subscribe(names.session(this.id), {
      callback: (error, msg) => {
        if (error === null) msg.respond()
      },
    })
  }

  /** Asks the processes, and answers those that are given up. */
  async givenUp(sessions: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const others = [...sessions].filter((session) => session !== this.id)
    await Promise.all(others.map((session) => this.#askOnce(session)))
    return new Set(others.filter((session) => this.#isGivenUp(session)))
  }

  close(): void {
    this.#subscription.unsubscribe()
  }

  /** Groups ask about the same processes: one question at a time for each. */
  #askOnce(session: string): Promise<void> {
    const asking = this.#asking.get(session) ?? this.#ask(session).finally(() => this.#asking.delete(session))
    this.#asking.set(session, asking)
    return asking
  }

  async #ask(session: string): Promise<void> {
    try {
      await this.#link.connection.request(this.#names.session(session), undefined, { timeout: ANSWER_MS_MAX })
      this.#doubts.delete(session)
    } catch (error) {
      const kind = doubtOf(error)
      // Our own connection is down: that says nothing about others, and what was known is old.
      if (kind === undefined) this.#doubts.clear()
      else if (this.#doubts.get(session)?.kind !== kind)
        this.#doubts.set(session, { kind, sinceMs: performance.now() })
    }
  }

  #isGivenUp(session: string): boolean {
    const doubt = this.#doubts.get(session)
    if (doubt === undefined) return false
    const { goneMs, silentMsMax } = this.#link.settings.limits
    return performance.now() - doubt.sinceMs >= (doubt.kind === 'gone' ? goneMs : silentMsMax)
  }
}

function doubtOf(error: unknown): Doubt['kind'] | undefined {
  if (!(error instanceof Error)) return undefined
  if (error.name === 'TimeoutError') return 'silent'
  const isNobody =
    error.name === 'NoRespondersError' || (error as { isNoResponders?: () => boolean }).isNoResponders?.()
  return isNobody === true ? 'gone' : undefined
}
