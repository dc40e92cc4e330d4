import type { CounterTable } from './device-counters.ts'
import type { Will } from './mqtt/connect-check.ts'
import { Session, type SessionLink } from './session.ts'
import type { TimerWheel } from './timer-wheel.ts'

/** Options of a {@link SessionTable}. */
export interface SessionTableOptions {
  readonly wheel: TimerWheel
  readonly counters: CounterTable
  readonly sessionsMax: number
  /** Publishes a will whose time has come. */
  readonly publishWill: (device: string, will: Will) => void
  /** Told when a session has ended, so that nothing of it is kept. */
  readonly ended: (session: Session) => void
}

/** All sessions, of connected devices and of absent ones. Source: MQTT 5, section 4.1. */
export class SessionTable {
  readonly #options: SessionTableOptions
  readonly #sessions = new Map<string, Session>()
  /** Absent devices, the longest absent first: evicted when there are too many. */
  readonly #absent = new Map<string, Session>()

  constructor(options: SessionTableOptions) {
    this.#options = options
  }

  get(device: string): Session | undefined {
    return this.#sessions.get(device)
  }

  /**
   * The session for a new connection of `device`: the one that is there unless `isClean`, which ends it. An older
   * connection is closed first [MQTT-3.1.4-3].
   */
  open(device: string, isClean: boolean): { readonly session: Session; readonly isPresent: boolean } {
    this.#sessions.get(device)?.link?.takeOver()
    const known = this.#sessions.get(device)
    if (known !== undefined && !isClean) {
      this.#absent.delete(device)
      this.#options.wheel.delete(known.expiry)
      // The device is back in time, so its will is not sent [MQTT-3.1.3-9].
      this.#options.wheel.delete(known.will)
      return { session: known, isPresent: true }
    }
    if (known !== undefined) this.end(known)
    const session = new Session(device)
    this.#sessions.set(device, session)
    return { session, isPresent: false }
  }

  /** Puts back a session that was kept over a restart. */
  restore(session: Session, nowMs: number): void {
    this.#sessions.set(session.device, session)
    this.#park(session, nowMs)
  }

  /** Ends the tie between a session and a connection; `will` if it ended without the device having said goodbye. */
  detach(session: Session, link: SessionLink, will: Will | undefined, nowMs: number): void {
    if (session.link !== link) return
    session.link = undefined
    if (will !== undefined) this.#arm(session, will, nowMs)
    if (session.expirySeconds <= 0) this.end(session)
    else this.#park(session, nowMs)
  }

  /** Ends a session for good. A will that still waits goes out now [MQTT-3.1.2-8]. */
  end(session: Session): void {
    const { wheel } = this.#options
    if (session.will.slot >= 0) {
      wheel.delete(session.will)
      session.will.fire(session.will.dueMs)
    }
    wheel.delete(session.expiry)
    this.#absent.delete(session.device)
    if (this.#sessions.get(session.device) === session) this.#sessions.delete(session.device)
    this.#options.ended(session)
  }

  /** Sessions whose device is away, to be kept over a restart; and those of connected ones. */
  all(): Iterable<Session> {
    return this.#sessions.values()
  }

  #arm(session: Session, will: Will, nowMs: number): void {
    const delaySeconds = Math.min(will.properties?.willDelayInterval ?? 0, session.expirySeconds)
    if (delaySeconds <= 0) {
      this.#options.publishWill(session.device, will)
      return
    }
    session.will.fire = () => this.#options.publishWill(session.device, will)
    this.#options.wheel.set(session.will, nowMs + delaySeconds * 1000)
  }

  #park(session: Session, nowMs: number): void {
    this.#absent.set(session.device, session)
    if (session.expirySeconds !== Number.POSITIVE_INFINITY) {
      session.expiry.fire = () => this.end(session)
      this.#options.wheel.set(session.expiry, nowMs + session.expirySeconds * 1000)
    }
    if (this.#absent.size <= this.#options.sessionsMax) return
    const [oldest] = this.#absent.values()
    if (oldest === undefined) return
    this.#options.counters.sessionsEvicted += 1
    this.end(oldest)
  }
}
