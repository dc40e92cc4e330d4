import type { CheckedCollection } from '@millrace/documents'
import { MemoryCollection } from './memory-collection.ts'
import { MemoryReferences } from './memory-references.ts'

/** All collections. */
export class MemoryDocuments {
  readonly #collections = new Map<string, MemoryCollection>()

  collection(name: string): MemoryCollection {
    return this.#collections.get(name) as MemoryCollection
  }

  /**
   * Makes collections as they are declared, or leaves all as it was.
   *
   * @throws DOCUMENT_NOT_UNIQUE, DOCUMENT_REFERENCE_BROKEN
   */
  declare(schemas: readonly CheckedCollection[]): void {
    const before = schemas.map(({ name }) => this.#collections.get(name)?.schema)
    try {
      for (const schema of schemas) this.#declareOne(schema)
      const references = this.references()
      for (const { name } of schemas) {
        for (const document of this.collection(name).all()) {
          references.checkTargets(this.collection(name), document)
        }
      }
    } catch (error) {
      schemas.forEach(({ name }, index) => {
        const schema = before[index]
        if (schema === undefined) this.#collections.delete(name)
        else this.#declareOne(schema)
      })
      throw error
    }
  }

  #declareOne(schema: CheckedCollection): void {
    const known = this.#collections.get(schema.name)
    if (known === undefined) this.#collections.set(schema.name, new MemoryCollection(schema))
    else known.declare(schema)
  }

  /** Watches over the references that a unit touches. */
  references(): MemoryReferences {
    return new MemoryReferences(this.#collections)
  }
}
