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

/** Where the documents of units are. */
export interface UnitDocumentsOptions<Document extends Identified> {
  readonly database: Pick<Database, 'read'>
  readonly collection: Collection<Document>
  /** The name of the collection that holds them: the collection's own, or that of its shadow. */
  readonly target: string
  /** What is kept from one unit to the next. */
  readonly recent: RecentLimits
}

/** Loads the documents of one unit after the other, and remembers some of them. */
export class UnitDocuments<Document extends Identified> {
  readonly #options: UnitDocumentsOptions<Document>
  readonly #recent: RecentDocuments<Document>

  constructor(options: UnitDocumentsOptions<Document>) {
    this.#options = options
    this.#recent = new RecentDocuments(options.recent)
  }

  /**
   * Gives the tasks their documents: those remembered, and the others as they are in the database, in one question.
   * Throws what the database throws.
   */
  async load(tasks: readonly DocumentTask<Document>[]): Promise<DocumentUnit<Document>> {
    const slots = new Map<string, Slot<Document>>()
    const missing = new Map<string, string[]>()
    for (const { tenant, keys, slots: own } of tasks) {
      for (const key of keys) own.push(this.#slot(slots, tenant, key, missing))
    }
    if (missing.size > 0) await this.#fill(slots, missing)
    return new DocumentUnit(slots, this.#options, this.#recent)
  }

  /** What is remembered may be out of date. */
  forget(): void {
    this.#recent.clear()
  }

  /** The slot of a document; one of which nothing is known is noted as missing. */
  #slot(
    slots: Map<string, Slot<Document>>,
    tenant: string,
    key: string,
    missing: Map<string, string[]>,
  ): Slot<Document> {
    const id = slotIdOf(tenant, key)
    const present = slots.get(id)
    if (present !== undefined) return present
    const known = this.#recent.get(id)
    const { revision = 0, document, characters = 0 } = known ?? {}
    const slot = { tenant, key, revision, loaded: document, document, isChanged: false, characters }
    slots.set(id, slot)
    if (known !== undefined) return slot
    const others = missing.get(tenant)
    if (others === undefined) missing.set(tenant, [key])
    else others.push(key)
    return slot
  }

  async #fill(
    slots: ReadonlyMap<string, Slot<Document>>,
    missing: ReadonlyMap<string, readonly string[]>,
  ): Promise<void> {
    const { target: collection, database } = this.#options
    const { loadIdsMax, readsMax } = documentLimits
    const reads: LoadRead[] = []
    for (const [tenant, ids] of missing) {
      for (let start = 0; start < ids.length; start += loadIdsMax) {
        reads.push({ kind: 'load', collection, tenant, ids: ids.slice(start, start + loadIdsMax) })
      }
    }
    for (let start = 0; start < reads.length; start += readsMax) {
      const questions = reads.slice(start, start + readsMax)
      const answers = await database.read(questions)
      answers.forEach((documents, index) => {
        const tenant = questions[index]?.tenant ?? ''
        for (const each of documents) this.#found(slots.get(slotIdOf(tenant, each.id)), each)
      })
    }
  }

  #found(slot: Slot<Document> | undefined, stored: StoredDocument): void {
    if (slot === undefined) return
    slot.revision = stored.revision
    slot.loaded = Object.freeze(readDocument(this.#options.collection, stored))
    slot.document = slot.loaded
    slot.characters = stored.text.length
  }
}

/** The documents of one unit. In turn: fold into the slots, write, and, when it is committed, confirm. */
export class DocumentUnit<Document extends Identified> {
  readonly #slots: ReadonlyMap<string, Slot<Document>>
  readonly #options: UnitDocumentsOptions<Document>
  readonly #recent: RecentDocuments<Document>
  /** The slots of the operations, in their order. */
  #written: readonly Slot<Document>[] = []
  #isAssumed = false

  constructor(
    slots: ReadonlyMap<string, Slot<Document>>,
    options: UnitDocumentsOptions<Document>,
    recent: RecentDocuments<Document>,
  ) {
    this.#slots = slots
    this.#options = options
    this.#recent = recent
  }

  /** As if nothing had been folded. */
  reset(): void {
    for (const slot of this.#slots.values()) {
      slot.document = slot.loaded
      slot.isChanged = false
    }
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

  /** Remembers the documents as they will be when the unit is committed: each revision grows by 1. */
  assume(): void {
    this.#isAssumed = true
    this.#remember(this.#written.map(({ revision }) => revision + 1))
  }

  /** The unit is committed, with these results of its operations. */
  confirm(results: readonly OperationResult[]): void {
    const revisions = this.#written.map((_, index) => results[index]?.revision ?? 0)
    if (!this.#isAssumed) {
      this.#remember(revisions)
      return
    }
    const isAsAssumed = this.#written.every(({ document, revision }, index) => {
      return document === undefined || revision === revisions[index]
    })
    if (!isAsAssumed) this.#recent.clear()
  }

  #remember(revisions: readonly number[]): void {
    this.#written.forEach((slot, index) => {
      slot.revision = slot.document === undefined ? 0 : (revisions[index] ?? 0)
    })
    for (const [id, { revision, document, characters }] of this.#slots) {
      this.#recent.set(id, { revision, document, characters })
    }
  }
}
