import type { Database, Filter, Identified, WriteOperation } from '@millrace/documents'
import { type RecordedEvent, readStream, type Upcasters } from '@millrace/event-store'
import { isMillraceError, millraceError } from '@millrace/kernel'
import { type AnyProjection, versionOf } from './any-projection.ts'
import { DEAD_LETTERS } from './dead-letter.ts'
import { tenantOf, textOf } from './document-slots.ts'
import { typedError } from './fault.ts'
import { assertOfStreams, LiveFold } from './live.ts'
import type { Projection } from './projection.ts'
import {
  type KnownRecord,
  PROJECTIONS,
  type ProjectionRecord,
  positionAt,
  readRecords,
  throughOf,
} from './projection-record.ts'
import { shardOf } from './shard.ts'

/** Tries to find the shard between two of its commits. Each is short, since only what is new is folded. */
const ATTEMPTS_MAX = 50

/** Which stream. */
export interface StreamPlace {
  readonly stream: string
  readonly tenant: string
}

/** Where the events are. */
export interface StreamRebuildSource {
  readonly database: Database
  readonly upcasters: Upcasters | undefined
}

/**
 * Makes the document of one stream again. It must hold the events up to where the shard stands, no more and no less, so
 * it is written on condition that the shard stands there still; if not, the events that came are folded too.
 */
export async function rebuildStream(
  projection: AnyProjection,
  place: StreamPlace,
  source: StreamRebuildSource,
): Promise<void> {
  const { name } = projection
  if (projection.kind !== 'projection') {
    throw millraceError('PROJECTION_NOT_REBUILDABLE', {
      projection: name,
      reason: 'it makes no documents of streams',
    })
  }
  assertOfStreams(projection)
  const fold = new StreamDocument(projection, place, source)
  for (let attempt = 1; ; attempt += 1) {
    const known = await servedRecord(projection, source.database)
    const shard = shardOf(place.stream, known.record.shards)
    const [positions] = await source.database.read([{ kind: 'positions', processor: name }])
    const through = throughOf(positions, known.record.slot, shard)
    await fold.foldThrough(through)
    const position = positionAt(known.record.slot, shard, through)
    try {
      await source.database.commit([
        { kind: 'expect', collection: PROJECTIONS, id: name, revision: known.revision },
        { kind: 'position', processor: name, position, expectedOffset: position.offset },
        fold.write(),
        forgetStreamLetters(known.record, place),
      ])
      return
    } catch (error) {
      const isOvertaken =
        isMillraceError(error, 'POSITION_CONFLICT') || isMillraceError(error, 'DOCUMENT_CONFLICT')
      if (!isOvertaken || attempt >= ATTEMPTS_MAX) throw error
    }
  }
}

async function servedRecord(projection: Projection, database: Database): Promise<KnownRecord> {
  const [known] = await readRecords(database, [projection.name])
  if (known?.record.version === versionOf(projection)) return known
  const reason = 'its documents are of another version of it, or there are none yet'
  throw millraceError('PROJECTION_NOT_REBUILDABLE', { projection: projection.name, reason })
}

/** The document of a stream up to some position, which only grows. */
class StreamDocument {
  readonly #projection: Projection
  readonly #place: StreamPlace
  readonly #source: StreamRebuildSource
  readonly #fold: LiveFold<Identified>
  #version = 0

  constructor(projection: Projection, place: StreamPlace, source: StreamRebuildSource) {
    this.#projection = projection
    this.#place = place
    this.#source = source
    this.#fold = new LiveFold(projection)
  }

  async foldThrough(position: number): Promise<void> {
    const { stream, tenant } = this.#place
    const fromVersion = this.#version + 1
    for await (const event of readStream(this.#source, stream, { tenant, fromVersion })) {
      if (event.position > position) return
      this.#add(event)
      this.#version = event.version
    }
  }

  #add(event: RecordedEvent): void {
    try {
      this.#fold.add(event)
    } catch (error) {
      throw typedError(this.#projection.name, event, error)
    }
  }

  /** Whatever there was: what the shard remembers of it is found out of date by its revision. */
  write(): WriteOperation {
    const { collection } = this.#projection
    const { stream: id } = this.#place
    const document = this.#fold.documents.get(id)
    const place = { collection: collection.name, id, tenant: tenantOf(collection, this.#place) }
    return document === undefined
      ? { kind: 'delete', ...place }
      : { kind: 'store', ...place, text: textOf(collection, document) }
  }
}

/** The events that had been left out are part of the document now. */
function forgetStreamLetters(
  { id, slot }: ProjectionRecord,
  { stream, tenant }: StreamPlace,
): WriteOperation {
  const filters = Object.entries({ projection: id, slot, stream, tenant }).map(
    ([property, value]): Filter => ({ kind: 'compare', path: [property], operator: 'eq', value }),
  )
  return { kind: 'delete-where', collection: DEAD_LETTERS.name, hard: true, where: { kind: 'and', filters } }
}
