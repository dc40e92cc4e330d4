import { type Message, messageToEvent } from '@millrace/bus'
import {
  checkDocument,
  type Database,
  documentText,
  type Identified,
  type OperationResult,
  readOne,
  type WriteOperation,
} from '@millrace/documents'
import { type Event, errorText, millraceError, throwIfAborted } from '@millrace/kernel'
import { type BatchStep, describeMessage, type StepContext } from '@millrace/processing'
import { Checkpoint } from './checkpoint.ts'
import type { Apply, Projection } from './projection.ts'
import { RecentDocuments } from './recent-documents.ts'

/** How far documents may lag behind for the sake of larger commits, in milliseconds. */
const LINGER_MS = 50
/** Documents kept from one batch to the next: as many as one batch may hold anyway. */
const RECENT_DOCUMENTS_MAX = 500

/** One event on its way to the document of its key. */
interface Change<Document extends Identified> {
  readonly key: string
  readonly event: Event
  readonly apply: Apply<Document, unknown>
}

/** A document of the batch at hand. */
interface Slot<Document extends Identified> {
  /** As it was loaded; 0 if there was none. */
  readonly revision: number
  document: Document | undefined
  isChanged: boolean
}

type Slots<Document extends Identified> = Map<string, Slot<Document>>

/**
 * What a projection does with a batch: read the events, load their documents once, fold in order, and commit the
 * documents that changed together with the positions. Documents are written on condition of their revision, and
 * positions of their offset: a batch that somebody else has done meanwhile is refused, not done twice.
 */
export class ProjectionStep<Document extends Identified> implements BatchStep {
  readonly kind = 'batch'
  /** A commit costs a sync of the disk, whatever it holds. */
  readonly lingerMs = LINGER_MS
  readonly #projection: Projection<Document>
  readonly #database: Database
  readonly #checkpoint: Checkpoint
  readonly #recent = new RecentDocuments<Document>(RECENT_DOCUMENTS_MAX)

  constructor(projection: Projection<Document>, database: Database) {
    this.#projection = projection
    this.#database = database
    this.#checkpoint = new Checkpoint(projection.name, database)
  }

  async handle(messages: readonly Message[], { signal }: StepContext): Promise<void> {
    try {
      const fresh = await this.#checkpoint.fresh(messages)
      if (fresh.length === 0) return
      const changes = fresh.flatMap((message) => this.#changesOf(message))
      const slots = await this.#load(changes)
      for (const change of changes) this.#fold(change, slots)
      throwIfAborted(signal)
      const moved = this.#checkpoint.moved(fresh)
      const changed = [...slots].filter(([, slot]) => slot.isChanged)
      const writes = changed.map(([id, slot]) => this.#write(id, slot))
      const { results } = await this.#database.commit([...writes.flat(), ...moved.operations])
      moved.done()
      this.#remember(changed, results)
    } catch (error) {
      this.#checkpoint.forget()
      this.#recent.clear()
      throw error
    }
  }

  #changesOf(message: Message): Change<Document>[] {
    const event = eventOf(message)
    const { cases, options } = this.#projection
    return cases.flatMap(({ type, apply }) => {
      if (!type.is(event)) return []
      const parsed = type.parse(event)
      const key = options.keyOf === undefined ? parsed.subject : options.keyOf(parsed)
      return key === undefined ? [] : { key, event: parsed, apply }
    })
  }

  async #load(changes: readonly Change<Document>[]): Promise<Slots<Document>> {
    const keys = [...new Set(changes.map(({ key }) => key))]
    // Looked up before anything is remembered, which may push something else out.
    const known = new Map(keys.map((key) => [key, this.#recent.get(key)]))
    const missing = keys.filter((key) => known.get(key) === undefined)
    if (missing.length > 0) {
      const collection = this.#projection.collection.name
      const stored = await readOne(this.#database, { kind: 'load', collection, ids: missing })
      const found = new Map(stored.map((each) => [each.id, each]))
      for (const key of missing) {
        const { revision = 0, text } = found.get(key) ?? {}
        known.set(key, { revision, document: text === undefined ? undefined : JSON.parse(text) })
      }
    }
    const slots: Slots<Document> = new Map()
    for (const [key, each] of known) {
      if (each === undefined) continue
      this.#recent.set(key, each)
      slots.set(key, { ...each, isChanged: false })
    }
    return slots
  }

  #fold({ key, event, apply }: Change<Document>, slots: Slots<Document>): void {
    const slot = slots.get(key)
    const next = apply(slot?.document, event)
    if (slot === undefined || next === undefined || next === slot.document) return
    slot.document = next === null ? undefined : this.#check(key, next)
    slot.isChanged = true
  }

  /** Each result is checked, not only the last of a batch: what happens must not depend on how batches were cut. */
  #check(key: string, next: Document): Document {
    const { collection } = this.#projection
    const document = checkDocument(collection, next)
    if (document.id === key) return document
    const issues = `id: expected ${JSON.stringify(key)}, the event's key, but saw ${JSON.stringify(document.id)}`
    throw millraceError('DOCUMENT_INVALID', { collection: collection.name, issues })
  }

  /** One operation, or none for a document that has come and gone within the batch. */
  #write(id: string, { revision, document }: Slot<Document>): WriteOperation[] {
    const collection = this.#projection.collection.name
    if (document === undefined) {
      return revision === 0 ? [] : [{ kind: 'delete', collection, id, expectedRevision: revision }]
    }
    const text = documentText(collection, id, document)
    return [{ kind: 'store', collection, id, text, expectedRevision: revision }]
  }

  /** What was committed, with the revisions that it got. */
  #remember(
    changed: readonly (readonly [string, Slot<Document>])[],
    results: readonly OperationResult[],
  ): void {
    let operation = 0
    for (const [id, slot] of changed) {
      const count = this.#write(id, slot).length
      const revision = count === 0 ? 0 : (results[operation]?.revision ?? 0)
      operation += count
      this.#recent.set(id, { revision, document: slot.document })
    }
  }
}

function eventOf(message: Message): Event {
  try {
    return messageToEvent(message)
  } catch (error) {
    const reason = errorText(error)
    throw millraceError('MESSAGE_UNREADABLE', { message: describeMessage(message), reason }, { cause: error })
  }
}
