import { type Message, messageToEvent } from '@millrace/bus'
import { checkDocument, type Database, type Identified, type WriteOperation } from '@millrace/documents'
import { type Event, errorText, millraceError, throwIfAborted } from '@millrace/kernel'
import { type BatchStep, describeMessage, type StepContext } from '@millrace/processing'
import { Checkpoint } from './checkpoint.ts'
import type { Apply, Projection } from './projection.ts'

/** How far documents may lag behind for the sake of larger commits, in milliseconds. */
const LINGER_MS = 20

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
      await this.#database.commit([...this.#writes(slots), ...moved.operations])
      moved.done()
    } catch (error) {
      this.#checkpoint.forget()
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
    if (keys.length === 0) return new Map()
    const stored = await this.#database.load(this.#projection.collection.name, keys)
    const found = new Map(stored.map((each) => [each.id, each]))
    return new Map(
      keys.map((key) => {
        const { revision = 0, body } = found.get(key) ?? {}
        return [key, { revision, document: body as Document | undefined, isChanged: false }]
      }),
    )
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

  #writes(slots: Slots<Document>): WriteOperation[] {
    const collection = this.#projection.collection.name
    return [...slots].flatMap(
      ([id, { revision: expectedRevision, document, isChanged }]): WriteOperation[] => {
        if (!isChanged) return []
        if (document !== undefined) {
          const body = document as unknown as Readonly<Record<string, unknown>>
          return [{ kind: 'store', collection, id, body, expectedRevision }]
        }
        return expectedRevision === 0 ? [] : [{ kind: 'delete', collection, id, expectedRevision }]
      },
    )
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
