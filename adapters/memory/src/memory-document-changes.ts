import {
  applyPatches,
  checkDocumentLength,
  compareTexts,
  documentLimits,
  type Filter,
  matches,
  type OperationResult,
  type PreparedDocumentOperation,
  parseKeepingNumbers,
} from '@millrace/documents'
import { millraceError, unreachable } from '@millrace/kernel'
import type { MemoryCollection, MemoryDocument } from './memory-collection.ts'
import type { MemoryDocuments } from './memory-documents.ts'
import type { MemoryReferences } from './memory-references.ts'
import { type MemoryUnit, marksOf } from './memory-unit.ts'

type Of<Kind extends PreparedDocumentOperation['kind']> = { readonly tenant: string } & Extract<
  PreparedDocumentOperation,
  { readonly kind: Kind }
>

/** One unit at work on documents. Whoever has given it all operations calls `check`. */
export class MemoryDocumentChanges {
  readonly #documents: MemoryDocuments
  readonly #unit: MemoryUnit
  readonly #references: MemoryReferences

  constructor(documents: MemoryDocuments, unit: MemoryUnit) {
    this.#documents = documents
    this.#unit = unit
    this.#references = documents.references()
  }

  /** Throws `DOCUMENT_REFERENCE_BROKEN` if what the unit leaves does not hold together. */
  check(): void {
    this.#references.check()
  }

  apply(operation: { readonly tenant: string } & PreparedDocumentOperation): OperationResult {
    const collection = this.#documents.collection(operation.collection)
    switch (operation.kind) {
      case 'store':
        return this.#store(collection, operation)
      case 'patch':
        return this.#patch(collection, operation)
      case 'patch-where':
        return this.#patchWhere(collection, operation)
      case 'delete':
        return this.#delete(collection, operation)
      case 'delete-where':
        return this.#deleteWhere(collection, operation)
      case 'restore-where':
        return this.#restoreWhere(collection, operation)
      case 'replace-all':
        return this.#replaceAll(collection, operation)
      case 'expect':
        checkRevision(collection, operation, operation.revision)
        return {}
      default:
        return unreachable(operation)
    }
  }

  /** A new content for a document that is there, or was there and is marked, or has never been. */
  write(
    collection: MemoryCollection,
    { tenant, id }: { readonly tenant: string; readonly id: string },
    text: string,
  ): MemoryDocument {
    const before = collection.get(tenant, id)
    const { atMs } = this.#unit
    const after = {
      tenant,
      id,
      text,
      body: bodyIn(collection.schema.name, text),
      revision: (before?.revision ?? 0) + 1,
      createdAtMs: before?.createdAtMs ?? atMs,
      changedAtMs: atMs,
      ...marksOf(this.#unit),
    }
    this.put(collection, before, after)
    return after
  }

  /** A new content for a document that is there, marked or not; it stays what it is. */
  rewrite(collection: MemoryCollection, before: MemoryDocument, text: string): MemoryDocument {
    const after = { ...this.#renewed(before), text, body: bodyIn(collection.schema.name, text) }
    this.put(collection, before, after)
    return after
  }

  /** Puts a document in the place of another one, or of none, or takes it away for good. */
  put(
    collection: MemoryCollection,
    before: MemoryDocument | undefined,
    after: MemoryDocument | undefined,
  ): void {
    const document = after ?? before
    if (document === undefined) return
    collection.put(this.#unit.changes, before, after)
    this.#references.touch(collection, document)
  }

  #store(collection: MemoryCollection, operation: Of<'store'>): OperationResult {
    checkRevision(collection, operation, operation.expectedRevision)
    const after = this.write(collection, operation, operation.text)
    collection.checkUnique([after])
    return { revision: after.revision }
  }

  #patch(collection: MemoryCollection, operation: Of<'patch'>): OperationResult {
    checkRevision(collection, operation, operation.expectedRevision)
    const document = liveIn(collection, operation)
    if (document === undefined) return { count: 0 }
    const after = this.#patched(collection, document, operation)
    collection.checkUnique([after])
    return { revision: after.revision, count: 1 }
  }

  #patchWhere(collection: MemoryCollection, operation: Of<'patch-where'>): OperationResult {
    const found = findIn(collection, operation, isLive)
    const changed = found.map((document) => this.#patched(collection, document, operation))
    collection.checkUnique(changed)
    return answer(changed, operation)
  }

  #patched(
    collection: MemoryCollection,
    document: MemoryDocument,
    { patches }: Of<'patch' | 'patch-where'>,
  ): MemoryDocument {
    const { name } = collection.schema
    const { id } = document
    const body = parseKeepingNumbers(document.text) as MemoryDocument['body']
    const text = JSON.stringify(applyPatches({ collection: name, id, body }, patches))
    checkDocumentLength(name, id, text.length)
    return this.write(collection, document, text)
  }

  #delete(collection: MemoryCollection, operation: Of<'delete'>): OperationResult {
    checkRevision(collection, operation, operation.expectedRevision)
    const document = collection.get(operation.tenant, operation.id)
    if (document === undefined || !(operation.hard || isLive(document))) return { count: 0 }
    this.#deleteOne(collection, document, operation.hard)
    return { count: 1 }
  }

  #deleteWhere(collection: MemoryCollection, operation: Of<'delete-where'>): OperationResult {
    const found = findIn(collection, operation, (each) => operation.hard || isLive(each))
    const gone = found.map((document) => this.#deleteOne(collection, document, operation.hard))
    return answer(gone, operation)
  }

  /** The document as it is marked, or as it was before it was taken away. */
  #deleteOne(collection: MemoryCollection, document: MemoryDocument, isHard: boolean): MemoryDocument {
    const marked = { ...this.#renewed(document), deletedAtMs: this.#unit.atMs }
    this.put(collection, document, isHard ? undefined : marked)
    return isHard ? document : marked
  }

  #restoreWhere(collection: MemoryCollection, operation: Of<'restore-where'>): OperationResult {
    const found = findIn(collection, operation, (each) => !isLive(each))
    const restored = found.map((document) => {
      const { deletedAtMs: _, ...after } = this.#renewed(document)
      this.put(collection, document, after)
      return after
    })
    collection.checkUnique(restored)
    return { count: restored.length }
  }

  #renewed({ correlationId: _, causationId: __, ...document }: MemoryDocument): MemoryDocument {
    const { atMs } = this.#unit
    return { ...document, revision: document.revision + 1, changedAtMs: atMs, ...marksOf(this.#unit) }
  }

  #replaceAll(collection: MemoryCollection, { from }: Of<'replace-all'>): OperationResult {
    for (const document of collection.all()) this.put(collection, document, undefined)
    if (from === undefined) return {}
    const source = this.#documents.collection(from)
    for (const document of source.all()) {
      this.put(source, document, undefined)
      this.put(collection, undefined, document)
    }
    return {}
  }
}

function isLive({ deletedAtMs }: MemoryDocument): boolean {
  return deletedAtMs === undefined
}

function liveIn(
  collection: MemoryCollection,
  { tenant, id }: { readonly tenant: string; readonly id: string },
): MemoryDocument | undefined {
  const document = collection.get(tenant, id)
  return document !== undefined && isLive(document) ? document : undefined
}

function checkRevision(
  collection: MemoryCollection,
  document: { readonly tenant: string; readonly id: string },
  expected: number | undefined,
): void {
  const seen = liveIn(collection, document)?.revision ?? 0
  if (expected === undefined || expected === seen) return
  throw millraceError('DOCUMENT_CONFLICT', {
    collection: collection.schema.name,
    id: document.id,
    seen,
    expected,
  })
}

/** Those that match, by id. */
function findIn(
  collection: MemoryCollection,
  { tenant, where }: { readonly tenant: string; readonly where: Filter | undefined },
  isMeant: (document: MemoryDocument) => boolean,
): MemoryDocument[] {
  const { fullText } = collection.schema
  return collection
    .ofTenant(tenant)
    .filter((each) => isMeant(each) && (where === undefined || matches(where, each, fullText)))
    .sort((left, right) => compareTexts(left.id, right.id))
}

function answer(
  documents: readonly MemoryDocument[],
  { withChanges }: { readonly withChanges: boolean },
): OperationResult {
  const count = documents.length
  if (!withChanges) return { count }
  const limit = documentLimits.changesMax
  if (count > limit)
    throw millraceError('COMMIT_TOO_LARGE', { seen: `${count} changes to answer with`, limit })
  return { count, changes: documents.map(({ id, revision }) => ({ id, revision })) }
}

/** The engine finds out whether a text is JSON. */
function bodyIn(collection: string, text: string): MemoryDocument['body'] {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw millraceError('DOCUMENT_INVALID', { collection, issues: 'its text is not JSON' }, { cause: error })
  }
}
