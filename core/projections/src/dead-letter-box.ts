import type { Database, Filter, StoredEvent, WriteOperation } from '@millrace/documents'
import type { Upcasters } from '@millrace/event-store'
import { isMillraceError, millraceError } from '@millrace/kernel'
import type { DeadLetterQuery } from './daemon.ts'
import { DEAD_LETTERS, type DeadLetter, letterOf } from './dead-letter.ts'
import { PROJECTIONS, readRecords } from './projection-record.ts'
import type { ProjectionRuns } from './projection-runs.ts'
import { jobAt } from './record-decision.ts'
import { workOf } from './shard-job.ts'

/** Tries of a replay that others get ahead of. */
const REPLAY_ATTEMPTS_MAX = 10

/** The events that were left out: looked at, applied after all, or removed. */
export class DeadLetterBox {
  readonly #database: Database
  readonly #upcasters: Upcasters | undefined

  constructor({
    database,
    upcasters,
  }: { readonly database: Database; readonly upcasters: Upcasters | undefined }) {
    this.#database = database
    this.#upcasters = upcasters
  }

  async find({ projection, limit = 100, offset = 0 }: DeadLetterQuery) {
    const where: { where?: Filter } =
      projection === undefined
        ? {}
        : { where: { kind: 'compare', path: ['projection'], operator: 'eq', value: projection } }
    const [{ documents, total = 0 }] = await this.#database.read([
      {
        kind: 'query',
        collection: DEAD_LETTERS.name,
        ...where,
        orderBy: ['projection', 'position'].map((property) => ({
          path: [property],
          direction: 'ascending' as const,
        })),
        limit,
        offset,
        withTotal: true,
      },
    ])
    return { letters: documents.map(letterOf), total }
  }

  async discard(id: string): Promise<boolean> {
    const { results } = await this.#database.commit([
      { kind: 'delete', collection: DEAD_LETTERS.name, id, hard: true },
    ])
    return (results[0]?.count ?? 0) > 0
  }

  /** `find` gives the projection of a letter. */
  async replay(id: string, find: (projection: string) => ProjectionRuns): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const [[stored]] = await this.#database.read([
        { kind: 'load', collection: DEAD_LETTERS.name, ids: [id] },
      ])
      if (stored === undefined) throw millraceError('DEAD_LETTER_UNKNOWN', { id })
      try {
        await this.#replayOnce(letterOf(stored), stored.revision, find)
        return
      } catch (error) {
        // A document, the letter or the record has changed meanwhile.
        if (!isMillraceError(error, 'DOCUMENT_CONFLICT') || attempt >= REPLAY_ATTEMPTS_MAX) throw error
      }
    }
  }

  async #replayOnce(
    letter: DeadLetter,
    revision: number,
    find: (projection: string) => ProjectionRuns,
  ): Promise<void> {
    const { projection, settings } = find(letter.projection)
    const [known] = await readRecords(this.#database, [letter.projection])
    const job = known && jobAt(projection, settings, known.record, letter)
    if (job === undefined) {
      const reason = `the documents that the letter ${letter.id} is about are made by another version of it, or gone`
      throw millraceError('PROJECTION_NOT_REBUILDABLE', { projection: projection.name, reason })
    }
    const work = workOf(job, { database: this.#database, upcasters: this.#upcasters })
    const event = await this.#eventOf(letter)
    const { operations, fault } = await work.prepare([event], () => 'wait')
    if (fault !== undefined) throw fault.error
    const guards: WriteOperation[] = [
      { kind: 'expect', collection: PROJECTIONS, id: letter.projection, revision: known?.revision ?? 0 },
      {
        kind: 'delete',
        collection: DEAD_LETTERS.name,
        id: letter.id,
        expectedRevision: revision,
        hard: true,
      },
    ]
    await this.#database.commit([...guards, ...operations])
  }

  /** The event, from its stream or, if it has none, from the feed. */
  async #eventOf({ id, stream, tenant, version, position }: DeadLetter): Promise<StoredEvent> {
    if (stream !== undefined) {
      const question = {
        kind: 'stream',
        stream,
        tenant,
        fromVersion: version,
        toVersion: version,
        limit: 1,
      } as const
      const [[event]] = await this.#database.read([question])
      if (event !== undefined) return event
    } else {
      const [{ events }] = await this.#database.read([{ kind: 'feed', after: position - 1, limit: 1 }])
      const [event] = events
      if (event?.position === position) return event
    }
    throw millraceError('DEAD_LETTER_UNKNOWN', { id })
  }
}
