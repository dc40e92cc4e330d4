import type { Bus } from '@millrace/bus'
import type { Database, FeedAnswer, StoredEvent, WriteOperation } from '@millrace/documents'
import type { Runtime } from '@millrace/kernel'
import { FeedEnd } from './feed-end.ts'
import type { Lease } from './lease.ts'
import { readPage } from './pages.ts'
import { listRefusals, noteRefusal } from './refusal.ts'
import { loadNote, movePosition } from './relay-note.ts'
import { type RefusedEvent, RelayPublisher } from './relay-publisher.ts'
import type { RelayStatus } from './relay-status.ts'

/** A position that has moved so far without an event to publish is noted. */
const QUIET_POSITIONS_MAX = 10_000
/** Topics of one batch, so that the note about them fits into a document however many partitions they have. */
const BATCH_TOPICS_MAX = 100

/** What a term of a relay needs. */
export interface TermSurroundings {
  readonly database: Database
  readonly bus: Bus
  readonly runtime: Runtime
  readonly name: string
  readonly batchEventsMax: number
  readonly pollMs: number | undefined
  readonly status: RelayStatus
  /** Begin nothing new. */
  readonly stopping: AbortSignal
  /** Wait for nothing any more. */
  readonly givingUp: AbortSignal
}

/** A part of the feed. */
interface Batch {
  readonly events: readonly StoredEvent[]
  readonly through: number
  /** There may be more at once. */
  readonly isFull: boolean
}

/**
 * A relay from the moment it has the lease, or begins again after a failure, until it stops or fails. It believes only
 * what the database says: load the note; then again and again read, publish, note the position.
 */
export class RelayTerm {
  readonly #around: TermSurroundings
  readonly #lease: Lease
  /** As it is stored: one behind the position up to which everything is published, 0 if nothing was ever noted. */
  #storedOffset = 0
  /** Everything up to here is published. */
  #position = 0
  /** The oldest event that was refused, and must stay in the store. */
  #oldestRefused: number | undefined

  constructor(around: TermSurroundings, lease: Lease) {
    this.#around = around
    this.#lease = lease
  }

  /** Runs until it stops. @throws LEASE_LOST, POSITION_CONFLICT, and what the database and the bus throw */
  async run(): Promise<void> {
    const { stopping, status } = this.#around
    const publisher = await this.#begin()
    const end = this.#feedEnd()
    status.enter('running')
    while (!stopping.aborted) {
      const before = this.#position
      const batch = await this.#read()
      if (batch.events.length > 0) await this.#relay(publisher, batch)
      if (!batch.isFull) publisher.settle()
      this.#position = batch.through
      if (this.#position + 1 - this.#storedOffset > QUIET_POSITIONS_MAX) await this.#notePosition([])
      end.note(this.#position > before)
      if (!batch.isFull) await this.#rest(end)
    }
    if (this.#position >= this.#storedOffset && this.#position > 0) await this.#notePosition([])
  }

  async #begin(): Promise<RelayPublisher> {
    const { database, bus, runtime, name, batchEventsMax, givingUp } = this.#around
    const note = await loadNote(database, name)
    this.#storedOffset = note.offset
    this.#position = Math.max(0, note.offset - 1)
    this.#around.status.position = this.#position
    this.#oldestRefused = await this.#findOldestRefused()
    const signal = AbortSignal.any([givingUp, this.#lease.lost])
    return new RelayPublisher({ bus, runtime, name, lease: this.#lease, batchEventsMax, signal }, note)
  }

  #feedEnd(): FeedEnd {
    const { database, runtime, stopping, pollMs } = this.#around
    const signal = AbortSignal.any([stopping, this.#lease.lost])
    return new FeedEnd({ database, runtime }, { signal, ...(pollMs === undefined ? {} : { pollMs }) })
  }

  async #read(): Promise<Batch> {
    const { database, batchEventsMax, status } = this.#around
    const { answer, limit } = await readPage(batchEventsMax, (limit) =>
      database.read([
        { kind: 'feed', after: this.#position, withTopicOnly: true, limit },
        { kind: 'feed-end' },
      ]),
    )
    const [page, endPosition] = answer
    status.endPosition = endPosition
    status.oldestAtMs = page.events[0]?.recordedAtMs
    const { events, through } = cutAtTopics(page)
    return { events, through, isFull: events.length === limit || through < page.through }
  }

  async #relay(publisher: RelayPublisher, { events, through }: Batch): Promise<void> {
    const { status } = this.#around
    const { published, recognised, refused } = await publisher.publish(events)
    this.#position = through
    await this.#notePosition([...this.#refusals(refused), ...(await this.#forgetting(events, refused))])
    publisher.confirm(events.length)
    status.add('published', published)
    status.add('recognised', recognised)
    status.add('refused', refused.length)
  }

  async #notePosition(others: readonly WriteOperation[]): Promise<void> {
    const offset = this.#position + 1
    await this.#lease.commit([movePosition(this.#around.name, this.#storedOffset, offset), ...others])
    this.#storedOffset = offset
    this.#around.status.position = this.#position
  }

  #refusals(refused: readonly RefusedEvent[]): readonly WriteOperation[] {
    const { name, runtime } = this.#around
    const nowMs = runtime.clock.now()
    return refused.map(({ stored, error }) => noteRefusal(name, stored, error, nowMs))
  }

  /** What belongs to no stream is of no more use, but for what was refused and may be tried again. */
  async #forgetting(
    events: readonly StoredEvent[],
    refused: readonly RefusedEvent[],
  ): Promise<readonly WriteOperation[]> {
    if (this.#oldestRefused !== undefined) this.#oldestRefused = await this.#findOldestRefused()
    for (const { stored } of refused) {
      this.#oldestRefused = Math.min(stored.position, this.#oldestRefused ?? stored.position)
    }
    if (events.every(({ stream }) => stream !== undefined)) return []
    const behind = this.#position + 1
    return [{ kind: 'forget-published', before: Math.min(behind, this.#oldestRefused ?? behind) }]
  }

  async #findOldestRefused(): Promise<number | undefined> {
    const [oldest] = await listRefusals(this.#around.database, this.#around.name, { limit: 1 })
    return oldest?.position
  }

  /** Waits for more, or for the end. */
  async #rest(end: FeedEnd): Promise<void> {
    this.#around.status.oldestAtMs = undefined
    await end.wait(this.#position).catch((reason) => {
      if (!this.#around.stopping.aborted) throw reason
    })
  }
}

/** The page up to, not including, the event whose topic would be one too many. */
function cutAtTopics({ events, through }: FeedAnswer): FeedAnswer {
  const topics = new Set<string | undefined>()
  const end = events.findIndex(({ topic }) => topics.add(topic).size > BATCH_TOPICS_MAX)
  if (end < 0) return { events, through }
  const kept = events.slice(0, end)
  return { events: kept, through: kept.at(-1)?.position ?? through }
}
