import { type Message, messageToEvent } from '@millrace/bus'
import type { Database, Identified } from '@millrace/documents'
import { type Event, errorText, millraceError, throwIfAborted } from '@millrace/kernel'
import { type BatchStep, describeMessage, type StepContext } from '@millrace/processing'
import { Checkpoint } from './checkpoint.ts'
import { type DocumentTask, foldTask } from './document-fold.ts'
import { keysOf, type Projection, type ProjectionCase } from './projection.ts'
import { UnitDocuments } from './unit-documents.ts'

/** How far documents may lag behind for the sake of larger commits, in milliseconds. */
const LINGER_MS = 50
/** Documents kept from one batch to the next: as many as one batch may hold anyway. */
const RECENT_LIMITS = { documentsMax: 500, charactersMax: 32 * 1024 * 1024 } as const

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
  readonly #documents: UnitDocuments<Document>
  readonly #casesByType: ReadonlyMap<string, readonly ProjectionCase<Document>[]>

  constructor(projection: Projection<Document>, database: Database) {
    const { name, collection, cases } = projection
    this.#projection = projection
    this.#database = database
    this.#checkpoint = new Checkpoint(name, database)
    this.#documents = new UnitDocuments({
      database,
      collection,
      target: collection.name,
      recent: RECENT_LIMITS,
    })
    this.#casesByType = Map.groupBy(cases, ({ type }) => type.type)
  }

  async handle(messages: readonly Message[], { signal }: StepContext): Promise<void> {
    try {
      const fresh = await this.#checkpoint.fresh(messages)
      if (fresh.length === 0) return
      const tasks = fresh.map((message, index) => this.#taskOf(message, index))
      const documents = await this.#documents.load(tasks)
      for (const task of tasks) {
        const failure = foldTask(this.#projection.collection, task, 'event')
        if (failure !== undefined) throw failure.error
      }
      throwIfAborted(signal)
      const moved = this.#checkpoint.moved(fresh)
      const writes = documents.write('event')
      const { results } = await this.#database.commit([...writes, ...moved.operations])
      moved.done()
      documents.confirm(results)
    } catch (error) {
      this.#checkpoint.forget()
      this.#documents.forget()
      throw error
    }
  }

  #taskOf(message: Message, index: number): DocumentTask<Document> {
    const event = eventOf(message)
    const cases = this.#casesByType.get(event.type) ?? []
    const parsed = cases[0]?.type.parse(event) ?? event
    const keys = cases.length === 0 ? [] : keysOf(this.#projection.options, parsed)
    return { index, event: parsed, tenant: '', keys, cases, slots: [] }
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
