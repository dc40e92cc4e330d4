import { valueAt } from '@millrace/documents'
import { millraceError } from '@millrace/kernel'
import type { MemoryCollection, MemoryDocument } from './memory-collection.ts'

type Collections = ReadonlyMap<string, MemoryCollection>

/** The documents that a unit has changed, to be looked at when all of it is done. */
export class MemoryReferences {
  readonly #collections: Collections
  readonly #touched = new Map<MemoryCollection, Map<string, MemoryDocument>>()

  constructor(collections: Collections) {
    this.#collections = collections
  }

  touch(collection: MemoryCollection, document: MemoryDocument): void {
    const touched = this.#touched.get(collection) ?? new Map<string, MemoryDocument>()
    touched.set(JSON.stringify([document.tenant, document.id]), document)
    this.#touched.set(collection, touched)
  }

  /** Throws `DOCUMENT_REFERENCE_BROKEN` if one of them refers to nothing, or is gone and referred to. */
  check(): void {
    for (const [collection, touched] of this.#touched) {
      const gone: MemoryDocument[] = []
      for (const { tenant, id } of touched.values()) {
        const document = collection.get(tenant, id)
        if (document !== undefined) this.checkTargets(collection, document)
        else gone.push({ ...(touched.get(JSON.stringify([tenant, id])) as MemoryDocument) })
      }
      if (gone.length > 0) this.#checkReferrers(collection, gone)
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

  #checkReferrers({ schema: { name: target } }: MemoryCollection, gone: readonly MemoryDocument[]): void {
    const goneKeys = new Set(gone.map(({ tenant, id }) => JSON.stringify([tenant, id])))
    for (const { schema, all } of this.#referrersOf(target)) {
      const paths = schema.references.filter((each) => each.collection === target).map(({ path }) => path)
      const isBroken = all.some(({ tenant, body }) =>
        paths.some((path) => goneKeys.has(JSON.stringify([tenant, valueAt(body, path)]))),
      )
      if (isBroken) throw millraceError('DOCUMENT_REFERENCE_BROKEN', { collection: schema.name, target })
    }
  }

  #referrersOf(target: string) {
    return [...this.#collections.values()]
      .filter(({ schema }) => schema.references.some((each) => each.collection === target))
      .map((collection) => ({ schema: collection.schema, all: collection.all() }))
  }
}
