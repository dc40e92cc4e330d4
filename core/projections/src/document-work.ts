import type { Database, Identified, StoredEvent } from '@millrace/documents'
import type { Upcasters } from '@millrace/event-store'
import { type DocumentTask, type FoldChecks, foldTask } from './document-fold.ts'
import { checkKey, tenantOf } from './document-slots.ts'
import { EventReading } from './event-reading.ts'
import { type Fault, faultOf } from './fault.ts'
import type { Judge, PageWork, PreparedUnit } from './page-work.ts'
import { keysOf, type Projection, type ProjectionCase } from './projection.ts'
import { owns, type Shard } from './shard.ts'
import { type DocumentUnit, UnitDocuments } from './unit-documents.ts'
import { UnitProgress } from './unit-progress.ts'

/** Documents kept from one unit to the next. */
const RECENT_LIMITS = { documentsMax: 20_000, charactersMax: 32 * 1024 * 1024 } as const

/** How a projection of documents works. */
export interface DocumentWorkOptions {
  readonly database: Database
  /** Where the documents are kept: the projection's own collection, or the one that a rebuild fills. */
  readonly target: string
  readonly shard: Shard
  readonly upcasters?: Upcasters | undefined
  readonly checks: Exclude<FoldChecks, 'text'>
}

/**
 * Events into documents: reads the events, loads their documents at once, folds in order, and writes each changed
 * document once.
 */
export class DocumentWork<Document extends Identified> implements PageWork {
  readonly #projection: Projection<Document>
  readonly #options: DocumentWorkOptions
  readonly #reading: EventReading<ProjectionCase<Document>>
  readonly #documents: UnitDocuments<Document>

  constructor(projection: Projection<Document>, options: DocumentWorkOptions) {
    this.#projection = projection
    this.#options = options
    this.#reading = new EventReading(projection.cases, options.upcasters)
    const { database, target } = options
    const { collection } = projection
    this.#documents = new UnitDocuments({ database, collection, target, recent: RECENT_LIMITS })
  }

  get storedTypes(): readonly string[] {
    return this.#reading.storedTypes
  }

  /** Where deletes only mark a document, the revision of one that comes back cannot be foreseen. */
  get looksAhead(): boolean {
    return !this.#projection.collection.declared.softDelete
  }

  async prepare(events: readonly StoredEvent[], judge: Judge): Promise<PreparedUnit> {
    const progress = new UnitProgress(events.length, judge)
    const tasks = this.#tasksOf(events, progress)
    const documents = await this.#documents.load(tasks)
    const { checks } = this.#options
    try {
      return this.#unit({ events, tasks, documents }, progress.copy(), checks)
    } catch {
      // Some document cannot be stored as it is in the end. Which event made it so is found by looking at every one.
      documents.reset()
      return this.#unit({ events, tasks, documents }, progress, 'text')
    }
  }

  forget(): void {
    this.#documents.forget()
  }

  #tasksOf(events: readonly StoredEvent[], progress: UnitProgress): DocumentTask<Document>[] {
    const tasks: DocumentTask<Document>[] = []
    for (let index = 0; index < progress.taken; index += 1) {
      const stored = events[index]!
      if (!this.#mayOwn(stored)) continue
      const task = this.#taskOf(index, stored)
      if ('error' in task) {
        if (this.#ownsFault(stored)) progress.note(index, task)
      } else if (task.keys.length > 0) {
        tasks.push(task)
      }
    }
    return tasks
  }

  #taskOf(index: number, stored: StoredEvent): DocumentTask<Document> | Fault {
    const { name, collection, options } = this.#projection
    const tenant = tenantOf(collection, stored)
    let kind: Fault['kind'] = 'event'
    try {
      const { event, cases } = this.#reading.read(stored)
      if (cases.length === 0) return { index, tenant, event, keys: [], cases, slots: [] }
      kind = 'apply'
      const all = keysOf(options, event)
      kind = 'document'
      for (const key of all) checkKey(collection.name, key)
      const { shard } = this.#options
      const keys = shard.count === 1 ? all : all.filter((key) => owns(shard, key))
      return { index, tenant, event, keys, cases, slots: [] }
    } catch (error) {
      return faultOf(kind, name, stored, error)
    }
  }

  /** False for an event that is certainly another shard's, found without reading it. */
  #mayOwn({ stream }: StoredEvent): boolean {
    const { shard } = this.#options
    if (shard.count === 1 || stream === undefined || this.#projection.options.keyOf !== undefined) return true
    return owns(shard, stream)
  }

  /** One shard answers for an event that has no key. */
  #ownsFault({ stream, id }: StoredEvent): boolean {
    return owns(this.#options.shard, stream ?? id)
  }

  #unit(
    { events, tasks, documents }: Material<Document>,
    progress: UnitProgress,
    checks: FoldChecks,
  ): PreparedUnit {
    const { name, collection } = this.#projection
    let applied = 0
    for (const task of tasks) {
      if (task.index >= progress.taken) break
      const failure = foldTask(collection, task, checks)
      if (failure === undefined) applied += 1
      else progress.note(task.index, faultOf(failure.kind, name, events[task.index]!, failure.error))
    }
    const operations = documents.write(checks)
    const { taken, fault, skipped } = progress
    return {
      operations,
      taken,
      applied,
      skipped,
      fault,
      assume: () => documents.assume(),
      confirm: (results) => documents.confirm(results),
    }
  }
}

/** What a unit is made of. */
interface Material<Document extends Identified> {
  readonly events: readonly StoredEvent[]
  readonly tasks: readonly DocumentTask<Document>[]
  readonly documents: DocumentUnit<Document>
}
