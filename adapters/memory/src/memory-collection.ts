import type { CheckedCollection, JsonValue, StoredDocument } from '@millrace/documents'
import type { MemoryChanges } from './memory-changes.ts'
import { MemoryUniqueIndex } from './memory-unique-index.ts'
import { tenantKey } from './memory-unit.ts'

/** A document in memory. `body` is for filters and patches and never leaves; readers get `text`. */
export interface MemoryDocument extends StoredDocument {
  readonly tenant: string
  readonly body: Readonly<Record<string, JsonValue>>
}

/** The documents of a collection with its unique indexes. */
export class MemoryCollection {
  readonly #documents = new Map<string, MemoryDocument>()
  #schema: CheckedCollection
  #indexes: readonly MemoryUniqueIndex[] = []

  constructor(schema: CheckedCollection) {
    this.#schema = schema
    this.#indexes = indexesOf(schema, [])
  }

  get schema(): CheckedCollection {
    return this.#schema
  }

  /** Declares it anew. @throws DOCUMENT_NOT_UNIQUE, and then it is as it was */
  declare(schema: CheckedCollection): void {
    const documents = [...this.#documents.values()]
    const indexes = indexesOf(schema, documents)
    for (const index of indexes) for (const document of documents) index.check(document)
    this.#schema = schema
    this.#indexes = indexes
  }

  get(tenant: string, id: string): MemoryDocument | undefined {
    return this.#documents.get(tenantKey(tenant, id))
  }

  /** Those of all tenants. */
  all(): readonly MemoryDocument[] {
    return [...this.#documents.values()]
  }

  /** Those of one tenant, marked ones too. */
  ofTenant(tenant: string): readonly MemoryDocument[] {
    return this.all().filter((each) => each.tenant === tenant)
  }

  /** Puts a document in the place of another one, or of none, or takes it away. */
  put(changes: MemoryChanges, before: MemoryDocument | undefined, after: MemoryDocument | undefined): void {
    const { tenant, id } = (after ?? before) as MemoryDocument
    changes.put(this.#documents, tenantKey(tenant, id), after)
    for (const index of this.#indexes) {
      changes.note(() => index.move(after, before))
      index.move(before, after)
    }
  }

  /** @throws DOCUMENT_NOT_UNIQUE */
  checkUnique(documents: readonly MemoryDocument[]): void {
    for (const document of documents) for (const index of this.#indexes) index.check(document)
  }
}

function indexesOf(schema: CheckedCollection, documents: readonly MemoryDocument[]): MemoryUniqueIndex[] {
  const indexes = schema.indexes.flatMap((index) => {
    if (index.kind === 'containment' || index.unique !== true) return []
    return new MemoryUniqueIndex(schema, index)
  })
  for (const index of indexes) for (const document of documents) index.move(undefined, document)
  return indexes
}
