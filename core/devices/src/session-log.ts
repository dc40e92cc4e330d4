import type { Bus, NewMessage } from '@millrace/bus'
import type { Runtime } from '@millrace/kernel'
import type { PlainMessage } from './plain-message.ts'
import { PublishLane } from './publish-lane.ts'
import type { RetainedMessages } from './retained-messages.ts'
import { Session } from './session.ts'
import {
  endedMessage,
  keptMessage,
  readSessionRecord,
  retainedMessage,
  SESSIONS_TOPIC,
  type SessionRecord,
} from './session-events.ts'
import { TopicFold } from './topic-fold.ts'

/** The consumer group whose committed offset says where the next start begins to fold. */
const SESSIONS_GROUP = 'millrace.sessions.book'
/** Records beyond twice what is alive, before everything alive is written anew. */
const SLACK_RECORDS = 1_000

/** Options of {@link SessionLog.open}. */
export interface SessionLogOptions {
  readonly bus: Bus
  readonly runtime: Runtime
  /** Filled at the start, and written anew from time to time. */
  readonly retained: RetainedMessages
}

/**
 * Keeps subscriptions of persistent sessions and retained messages over a restart. The topic is rewritten in place:
 * when most of its records are out of date, what is alive is appended once more and the fold begins there.
 */
export class SessionLog {
  readonly #runtime: Runtime
  readonly #retained: RetainedMessages
  readonly #lane: PublishLane
  readonly #fold: TopicFold
  /** Devices whose session is on the topic. */
  readonly #kept: Set<string>
  #isCompacting = false
  /** What the topic holds at the start; taken over by the session table. */
  readonly restored: readonly Session[]

  private constructor(options: SessionLogOptions, fold: TopicFold, restored: readonly Session[]) {
    const { bus, runtime, retained } = options
    this.#runtime = runtime
    this.#retained = retained
    this.#lane = new PublishLane({ bus, runtime, topic: SESSIONS_TOPIC })
    this.#fold = fold
    this.#kept = new Set(restored.map(({ device }) => device))
    this.restored = restored
  }

  static async open(options: SessionLogOptions): Promise<SessionLog> {
    const { bus, retained } = options
    await bus.createTopic(SESSIONS_TOPIC, { partitions: 1 })
    const sessions = new Map<string, Session>()
    const fold = await TopicFold.open({
      bus,
      topic: SESSIONS_TOPIC,
      group: SESSIONS_GROUP,
      visit: (message) => {
        const record = readSessionRecord(message)
        if (record !== undefined) foldInto(sessions, retained, record)
      },
    })
    return new SessionLog(options, fold, [...sessions.values()])
  }

  /** Writes a session's subscriptions down if they outlive the connection; `settle` when that is durable. */
  keep(session: Session, settle: (error: unknown) => void): void {
    if (session.expirySeconds <= 0) {
      settle(undefined)
      return
    }
    this.#kept.add(session.device)
    this.#write(keptMessage(session, this.#runtime), settle)
  }

  /** Writes down that a session is over. Lost, it only means that a dead session is restored and ends later. */
  end(session: Session): void {
    if (this.#kept.delete(session.device)) this.#write(endedMessage(session.device, this.#runtime), () => {})
  }

  /** Writes a retained message down; `settle` when that is durable. */
  retain(device: string, message: PlainMessage, settle: (error: unknown) => void): void {
    this.#write(retainedMessage(device, message, this.#runtime), settle)
  }

  /** Writes everything alive anew if most of the topic is out of date. */
  async compactIfWorth(sessions: Iterable<Session>): Promise<void> {
    if (this.#isCompacting) return
    const aliveCount = this.#kept.size + this.#retained.count
    if (this.#fold.end - this.#fold.committed < 2 * aliveCount + SLACK_RECORDS) return
    this.#isCompacting = true
    await this.#writeAnew(sessions)
    this.#isCompacting = false
  }

  async close(): Promise<void> {
    await this.#lane.idle()
    await this.#fold.close()
  }

  async #writeAnew(sessions: Iterable<Session>): Promise<void> {
    const from = this.#fold.end
    const alive = [...sessions].filter(({ device }) => this.#kept.has(device))
    const written = [
      ...alive.map((session) => this.#written(keptMessage(session, this.#runtime))),
      ...[...this.#retained.all()].map(([device, message]) =>
        this.#written(retainedMessage(device, message, this.#runtime)),
      ),
    ]
    const outcomes = await Promise.all(written)
    if (outcomes.every((isWritten) => isWritten)) await this.#fold.commit(from)
  }

  #written(message: NewMessage): Promise<boolean> {
    return new Promise((resolve) => this.#write(message, (error) => resolve(error === undefined)))
  }

  #write(message: NewMessage, settle: (error: unknown) => void): void {
    this.#lane.add(message, (error, placement) => {
      this.#fold.noteEnd(placement)
      settle(error)
    })
  }
}

function foldInto(sessions: Map<string, Session>, retained: RetainedMessages, record: SessionRecord): void {
  if (record.kind === 'retained') {
    retained.set(record.device, record.message)
  } else if (record.kind === 'ended') {
    sessions.delete(record.device)
  } else {
    const session = new Session(record.device)
    session.expirySeconds = record.expirySeconds
    for (const [filter, grant] of record.subscriptions) session.subscriptions.set(filter, grant)
    sessions.set(record.device, session)
  }
}
