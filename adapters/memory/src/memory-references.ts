import { valueAt } from '@millrace/documents'
import { millraceError } from '@millrace/kernel'
import type { MemoryCollection, MemoryDocument } from './memory-collection.ts'
import { tenantKey } from './memory-unit.ts'

type Collections = ReadonlyMap<string, MemoryCollection>

/** The documents that a unit has changed, to be looked at when all of it is done. */
export class MemoryReferences {
  readonly #collections: Collections
  /** By collection, then by tenant and id; as they were at some time in the unit. */
  readonly #touched = new Map<MemoryCollection, Map<string, MemoryDocument>>()

  constructor(collections: Collections) {
    this.#collections = collections
  }

  touch(collection: MemoryCollection, document: MemoryDocument): void {
    const touched = this.#touched.get(collection) ?? new Map<string, MemoryDocument>()
    touched.set(tenantKey(document.tenant, document.id), document)
    this.#touched.set(collection, touched)
  }

  /** Throws `DOCUMENT_REFERENCE_BROKEN` if one of them refers to nothing, or is gone and referred to. */
  check(): void {
    for (const [collection, touched] of this.#touched) {
      const gone = new Set<string>()
      for (const [key, { tenant, id }] of touched) {
        const document = collection.get(tenant, id)
        if (document === undefined) gone.add(key)
        else this.checkTargets(collection, document)
      }
      if (gone.size > 0) this.#checkReferrers(collection, gone)
    }
  }

  /** Throws `DOCUMENT_REFERENCE_BROKEN` if the document refers to one that does not exist. */
  checkTargets({ schema }: MemoryCollection, { tenant, body }: MemoryDocument): void {
    for (const { path, collection: target } of schema.references) {
      const id = valueAt(body, path)
      if (typeof id !== 'string' || this.#collections.get(target)?.get(tenant, id) !== undefined) continue
      throw millraceError('DOCUMENT_REFERENCE_BROKEN', { collection: schema.name, target })
    }
  }

  #checkReferrers({ schema: { name: target } }: MemoryCollection, gone: ReadonlySet<string>): void {
    for (const referrer of this.#collections.values()) {
      const { name: collection, references } = referrer.schema
      const paths = references.filter((each) => each.collection === target).map(({ path }) => path)
      if (paths.length === 0) continue
      const refersToGone = ({ tenant, body }: MemoryDocument) =>
        paths.some((path) => {
          const id = valueAt(body, path)
          return typeof id === 'string' && gone.has(tenantKey(tenant, id))
        })
      if (!referrer.all().some(refersToGone)) continue
      throw millraceError('DOCUMENT_REFERENCE_BROKEN', { collection, target })
    }
  }
}
