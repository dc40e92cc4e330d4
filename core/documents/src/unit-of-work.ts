import { millraceError } from '@millrace/kernel'
import { refuseQuery } from './checked-text.ts'
import type { AnyCollection, Collection, CollectionTrait, Identified } from './collection.ts'
import type { WhichDocuments } from './conditions.ts'
import type { WriteOperation } from './database.ts'
import type { Attempt } from './document-conflict.ts'
import { writeDocument } from './document-form.ts'
import { idText } from './document-id.ts'
import type { Filter } from './filter.ts'
import { filterOf } from './filter-builder.ts'
import { PatchBuilder } from './patch-builder.ts'
import { type PendingChange, PendingUnit } from './pending-unit.ts'
import { saveUnit } from './saved-unit.ts'
import type { ChangedDocuments, Session, WriteOptions } from './session.ts'
import { type EventCalls, sessionEvents } from './session-events.ts'
import type { SessionMeans } from './session-means.ts'
import { SessionMemory } from './session-memory.ts'
import { StoreReader } from './store-reader.ts'
import type { TypedPatch } from './typed-patch.ts'

/** Begins a session. */
export function openSession(means: SessionMeans, hasIdentityMap: boolean): Session {
  return new UnitOfWork(means, new SessionMemory(hasIdentityMap))
}

class UnitOfWork extends StoreReader implements Session {
  readonly events: EventCalls
  readonly #means: SessionMeans
  readonly #memory: SessionMemory
  #unit = new PendingUnit()

  constructor(means: SessionMeans, memory: SessionMemory) {
    super({
      database: means.database,
      tenantOf: means.tenantOf,
      documentOf: (collection, stored) => memory.documentOf(collection, stored),
      onMissing: (collection, id) => memory.note(collection, id, 0),
    })
    this.#means = means
    this.#memory = memory
    this.events = sessionEvents(means, (change) => this.#unit.add(change))
  }

  revisionOf<Document extends Identified>(collection: Collection<Document>, id: Document['id']) {
    return this.#memory.revisionOf(collection, idText(collection.name, id))
  }

  store<Document extends Identified, Draft>(
    collection: Collection<Document, Draft>,
    draft: Draft | Document,
    { expectedRevision }: WriteOptions = {},
  ): Document {
    const tenant = this.#tenantOf(collection)
    const { id, text, document } = writeDocument(collection, draft, this.#means.runtime)
    this.#unit.add({
      one: { collection, id, attempt: { kind: 'store', document }, isWhole: true, expectedRevision },
      operation: (condition) => ({
        kind: 'store',
        collection: collection.name,
        id,
        text,
        ...condition,
        ...tenant,
      }),
      done: ({ revision = 0 }) => this.#memory.noteSaved(collection, id, revision, draft, document),
    })
    return document
  }

  insert<Document extends Identified, Draft>(
    collection: Collection<Document, Draft>,
    draft: Draft | Document,
  ): Document {
    return this.store(collection, draft, { expectedRevision: 0 })
  }

  update<Document extends Identified, Draft>(
    collection: Collection<Document, Draft>,
    draft: (Draft | Document) & Pick<Document, 'id'>,
    options: WriteOptions = {},
  ): Document {
    const id = idText(collection.name, draft.id)
    if (this.#unit.has(collection, id)) return this.store(collection, draft, options)
    const expectedRevision = options.expectedRevision ?? this.#memory.revisionOf(collection, id) ?? 0
    if (expectedRevision === 0) {
      throw millraceError('DOCUMENT_REVISION_UNKNOWN', { collection: collection.name, id })
    }
    return this.store(collection, draft, { expectedRevision })
  }

  delete<Document extends Identified>(
    collection: Collection<Document>,
    id: Document['id'],
    { expectedRevision }: WriteOptions = {},
  ): void {
    const tenant = this.#tenantOf(collection)
    const text = idText(collection.name, id)
    this.#unit.add({
      one: { collection, id: text, attempt: { kind: 'delete' }, isWhole: true, expectedRevision },
      operation: (condition) => ({
        kind: 'delete',
        collection: collection.name,
        id: text,
        ...condition,
        ...tenant,
      }),
      done: () => this.#memory.note(collection, text, 0),
    })
  }

  hardDelete<Document extends Identified>(
    collection: Collection<Document>,
    id: Document['id'],
    options: WriteOptions = {},
  ): void {
    this.#addOne(collection, id, { kind: 'delete' }, options, (target) => ({
      operation: (condition) => ({ kind: 'delete', hard: true, ...target, ...condition }),
      done: () => this.#memory.note(collection, target.id, 0),
    }))
  }

  expect<Document extends Identified>(
    collection: Collection<Document>,
    id: Document['id'],
    revision: number,
  ): void {
    this.#addOne(collection, id, { kind: 'expect' }, { expectedRevision: revision }, (target) => ({
      operation: () => ({ kind: 'expect', revision, ...target }),
    }))
  }

  deleteWhere<Document extends Identified, Trait extends CollectionTrait>(
    collection: Collection<Document, never, Trait>,
    which: WhichDocuments<Document, Trait>,
  ): ChangedDocuments {
    return this.#addMany(collection, which, (target) => ({ kind: 'delete-where', ...target }))
  }

  hardDeleteWhere<Document extends Identified, Trait extends CollectionTrait>(
    collection: Collection<Document, never, Trait>,
    which: WhichDocuments<Document, Trait>,
  ): ChangedDocuments {
    return this.#addMany(collection, which, (target) => ({ kind: 'delete-where', hard: true, ...target }))
  }

  undoDelete<Document extends Identified>(
    collection: Collection<Document>,
    id: Document['id'],
  ): ChangedDocuments {
    return this.undoDeleteWhere(collection, (each) => each.whereId('eq', id))
  }

  undoDeleteWhere<Document extends Identified, Trait extends CollectionTrait>(
    collection: Collection<Document, never, Trait>,
    which: WhichDocuments<Document, Trait>,
  ): ChangedDocuments {
    if (!collection.declared.softDelete) {
      refuseQuery(collection.name)('a delete to be taken back', 'a collection with softDelete')
    }
    return this.#addMany(collection, which, (target) => ({ kind: 'restore-where', ...target }))
  }

  patch<Document extends Identified, Trait extends CollectionTrait>(
    collection: Collection<Document, never, Trait>,
    which: Document['id'] | WhichDocuments<Document, Trait>,
    options: WriteOptions = {},
  ): TypedPatch<Document> {
    const builder = new PatchBuilder(collection)
    const patch = builder as unknown as TypedPatch<Document>
    if (typeof which !== 'function') {
      this.#addPatchOfOne(collection, which, options, builder)
      return patch
    }
    const target = this.#targetOf(collection, which)
    this.#unit.add({
      ...builder.change((patches) => ({ kind: 'patch-where', patches, ...target })),
      many: collection,
      done: ({ count }) => {
        builder.count = count
        this.#memory.forgetAll(collection)
      },
    })
    return patch
  }

  async saveChanges(): Promise<void> {
    const { changes } = this.#unit
    this.#unit = new PendingUnit()
    try {
      await saveUnit(this.#means, changes, this)
    } catch (error) {
      for (const change of changes) change.refused?.()
      this.#unit = new PendingUnit([...changes, ...this.#unit.changes])
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unit = new PendingUnit()
  }

  #addOne<Document extends Identified>(
    collection: Collection<Document>,
    id: Document['id'],
    attempt: Attempt,
    { expectedRevision }: WriteOptions,
    make: (target: OneTarget) => PendingChange,
  ): void {
    const text = idText(collection.name, id)
    const target = { collection: collection.name, id: text, ...this.#tenantOf(collection) }
    this.#unit.add({
      ...make(target),
      one: { collection, id: text, attempt, isWhole: false, expectedRevision },
    })
  }

  #addPatchOfOne<Document extends Identified>(
    collection: Collection<Document>,
    id: Document['id'],
    options: WriteOptions,
    builder: PatchBuilder,
  ): void {
    const attempt = { kind: 'patch', patches: builder.patches } as const
    this.#addOne(collection, id, attempt, options, (target) => ({
      ...builder.change((patches, condition) => ({ kind: 'patch', patches, ...target, ...condition })),
      done: ({ count = 0, revision = 0 }) => {
        builder.count = count
        this.#memory.note(collection, target.id, revision)
      },
    }))
  }

  #addMany<Document extends Identified, Trait extends CollectionTrait>(
    collection: Collection<Document, never, Trait>,
    which: WhichDocuments<Document, Trait>,
    make: (target: ManyTarget) => WriteOperation,
  ): ChangedDocuments {
    const changed: { count: number | undefined } = { count: undefined }
    const operation = make(this.#targetOf(collection, which))
    this.#unit.add({
      operation: () => operation,
      many: collection,
      done: ({ count }) => {
        changed.count = count
        this.#memory.forgetAll(collection)
      },
    })
    return changed
  }

  /** Conditions that say nothing mean all documents. */
  #targetOf<Document extends Identified, Trait extends CollectionTrait>(
    collection: Collection<Document, never, Trait>,
    which: WhichDocuments<Document, Trait>,
  ): ManyTarget {
    const where = filterOf(which as WhichDocuments<Document>, collection)
    return { collection: collection.name, where, ...this.#tenantOf(collection) }
  }

  /** The tenant of an operation, where it is not that of the unit. */
  #tenantOf(collection: AnyCollection): { readonly tenant?: string } {
    const tenant = this.#means.tenantOf(collection) ?? ''
    return tenant === (this.#means.unit.tenant ?? '') ? {} : { tenant }
  }
}

interface OneTarget {
  readonly collection: string
  readonly id: string
  readonly tenant?: string
}

interface ManyTarget {
  readonly collection: string
  readonly where: Filter
  readonly tenant?: string
}
