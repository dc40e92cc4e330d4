import {
  type Collection,
  type Database,
  documentLimits,
  type Identified,
  type LoadRead,
  type OperationResult,
  readDocument,
  type StoredDocument,
  type WriteOperation,
} from '@millrace/documents'
import { type DocumentTask, type FoldChecks, slotWrite } from './document-fold.ts'
import { type Slot, slotIdOf } from './document-slots.ts'
import { RecentDocuments, type RecentLimits } from './recent-documents.ts'

/** Where the documents of a unit are. */
export interface UnitDocumentsOptions<Document extends Identified> {
  readonly database: Pick<Database, 'read'>
  readonly collection: Collection<Document>
  /** The name of the collection that holds them: the collection's own, or that of its shadow. */
  readonly target: string
  /** What is kept from one unit to the next. */
  readonly recent: RecentLimits
}

type Slots<Document extends Identified> = Map<string, Slot<Document>>

/**
 * The documents of one unit at a time: those remembered, and the others loaded in one question; written on condition of
 * their revisions. In turn: load, write, then `committed` or `forget`.
 */
export class UnitDocuments<Document extends Identified> {
  readonly #options: UnitDocumentsOptions<Document>
  readonly #recent: RecentDocuments<Document>
  #slots: Slots<Document> = new Map()
  /** The slots of the unit's operations, in their order. */
  #written: readonly Slot<Document>[] = []

  constructor(options: UnitDocumentsOptions<Document>) {
    this.#options = options
    this.#recent = new RecentDocuments(options.recent)
  }

  /** Gives the tasks their documents, as they are in the database. Throws what the database throws. */
  async load(tasks: readonly DocumentTask<Document>[]): Promise<void> {
    this.#slots = new Map()
    const missing = new Map<string, string[]>()
    for (const { tenant, keys, slots } of tasks) {
      for (const key of keys) slots.push(this.#slot(tenant, key, missing))
    }
    const { target: collection, database } = this.#options
    const reads: LoadRead[] = []
    for (const [tenant, ids] of missing) {
      for (let start = 0; start < ids.length; start += documentLimits.loadIdsMax) {
        reads.push({
          kind: 'load',
          collection,
          tenant,
          ids: ids.slice(start, start + documentLimits.loadIdsMax),
        })
      }
    }
    for (let start = 0; start < reads.length; start += documentLimits.readsMax) {
      const questions = reads.slice(start, start + documentLimits.readsMax)
      const answers = await database.read(questions)
      answers.forEach((documents, index) => {
        for (const each of documents) this.#found(questions[index]?.tenant ?? '', each)
      })
    }
  }

  /** As if nothing had been folded since they were loaded. */
  reset(): void {
    for (const slot of this.#slots.values()) Object.assign(slot, { document: slot.loaded, isChanged: false })
  }

  /** One operation for each document that has changed. @throws DOCUMENT_INVALID, DOCUMENT_TOO_LARGE */
  write(checks: FoldChecks): WriteOperation[] {
    const { collection, target } = this.#options
    const operations: WriteOperation[] = []
    const written: Slot<Document>[] = []
    for (const slot of this.#slots.values()) {
      const operation = slot.isChanged ? slotWrite(collection, target, slot, checks) : undefined
      if (operation === undefined) continue
      operations.push(operation)
      written.push(slot)
    }
    this.#written = written
    return operations
  }

  /** The unit is committed, with these results of the operations that were given. */
  committed(results: readonly OperationResult[]): void {
    this.#written.forEach((slot, index) => {
      slot.revision = slot.document === undefined ? 0 : (results[index]?.revision ?? 0)
    })
    for (const [id, { revision, document, characters }] of this.#slots) {
      this.#recent.set(id, { revision, document, characters })
    }
    this.#slots = new Map()
    this.#written = []
  }

  /** What is remembered may be out of date. */
  forget(): void {
    this.#recent.clear()
    this.#slots = new Map()
    this.#written = []
  }

  /** The slot of a document; one of which nothing is known is noted as missing. */
  #slot(tenant: string, key: string, missing: Map<string, string[]>): Slot<Document> {
    const id = slotIdOf(tenant, key)
    const present = this.#slots.get(id)
    if (present !== undefined) return present
    const known = this.#recent.get(id)
    const { revision = 0, document, characters = 0 } = known ?? {}
    const slot = { tenant, key, revision, loaded: document, document, isChanged: false, characters }
    this.#slots.set(id, slot)
    if (known !== undefined) return slot
    const others = missing.get(tenant)
    if (others === undefined) missing.set(tenant, [key])
    else others.push(key)
    return slot
  }

  #found(tenant: string, stored: StoredDocument): void {
    const { id, revision, text } = stored
    const slot = this.#slots.get(slotIdOf(tenant, id))
    if (slot === undefined) return
    slot.revision = revision
    slot.loaded = Object.freeze(readDocument(this.#options.collection, stored))
    slot.document = slot.loaded
    slot.characters = text.length
  }
}
