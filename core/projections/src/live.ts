import type { Identified } from '@millrace/documents'
import { readStream, type StreamReadOptions, type StreamSource } from '@millrace/event-store'
import { millraceError } from '@millrace/kernel'
import { foldTask } from './document-fold.ts'
import { checkKey, type Slot } from './document-slots.ts'
import { EventReading } from './event-reading.ts'
import { keysOf, type ProjectedEvent, type Projection, type ProjectionCase } from './projection.ts'

/** Folds events one by one into the documents of one tenant, which are nowhere but in memory. */
export class LiveFold<Document extends Identified> {
  readonly #projection: Projection<Document>
  readonly #reading: EventReading<ProjectionCase<Document>>
  readonly #slots = new Map<string, Slot<Document>>()

  constructor(projection: Projection<Document>) {
    this.#projection = projection
    this.#reading = new EventReading(projection.cases, undefined)
  }

  /** Documents by their ids. */
  get documents(): ReadonlyMap<string, Document> {
    const found = new Map<string, Document>()
    for (const [key, { document }] of this.#slots) if (document !== undefined) found.set(key, document)
    return found
  }

  /** @throws EVENT_SCHEMA_MISMATCH, DOCUMENT_INVALID, DOCUMENT_ID_INVALID, and what a function throws */
  add(event: ProjectedEvent): void {
    const { collection, options } = this.#projection
    const { event: parsed, cases } = this.#reading.match(event)
    if (cases.length === 0) return
    const keys = keysOf(options, parsed)
    const slots = keys.map((key) => this.#slot(key))
    const failure = foldTask(collection, { index: 0, event: parsed, tenant: '', keys, cases, slots }, 'event')
    if (failure !== undefined) throw failure.error
  }

  #slot(key: string): Slot<Document> {
    const present = this.#slots.get(key)
    if (present !== undefined) return present
    checkKey(this.#projection.collection.name, key)
    const slot: Slot<Document> = {
      tenant: '',
      key,
      revision: 0,
      loaded: undefined,
      document: undefined,
      isChanged: false,
      characters: 0,
    }
    this.#slots.set(key, slot)
    return slot
  }
}

/**
 * What a projection makes of these events, in their order: its documents by their ids.
 *
 * @throws EVENT_SCHEMA_MISMATCH, DOCUMENT_INVALID, DOCUMENT_ID_INVALID, and what a function throws
 */
export function foldEvents<Document extends Identified>(
  projection: Projection<Document>,
  events: Iterable<ProjectedEvent>,
): ReadonlyMap<string, Document> {
  const fold = new LiveFold(projection)
  for (const event of events) fold.add(event)
  return fold.documents
}

/**
 * A stream's document as its events make it, now or at a version or time, without storing it: a live projection. For
 * projections whose documents are those of streams, which is so unless they have a `keyOf`.
 *
 * @throws PROJECTION_NOT_REBUILDABLE (its documents are not those of streams), STREAM_ENDED (tombstoned),
 * STORED_EVENT_UNREADABLE, as {@link foldEvents}, and what the database throws
 */
export async function liveDocument<Document extends Identified>(
  source: StreamSource,
  projection: Projection<Document>,
  stream: string,
  options: Pick<StreamReadOptions, 'tenant' | 'toVersion' | 'atMs'> = {},
): Promise<Document | undefined> {
  assertOfStreams(projection)
  const fold = new LiveFold(projection)
  for await (const event of readStream(source, stream, options)) fold.add(event)
  return fold.documents.get(stream)
}

/** Throws PROJECTION_NOT_REBUILDABLE for a projection whose documents are not those of streams. */
export function assertOfStreams({ name, options }: Projection): void {
  if (options.keyOf === undefined) return
  const reason = 'its documents are made of many streams ("keyOf"), not of one'
  throw millraceError('PROJECTION_NOT_REBUILDABLE', { projection: name, reason })
}
