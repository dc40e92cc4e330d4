import { type CheckedCollection, type IndexSchema, matches, valueAt } from '@millrace/documents'
import { millraceError } from '@millrace/kernel'
import type { MemoryDocument } from './memory-collection.ts'

/** Which documents have which values, to find those that have the same. */
export class MemoryUniqueIndex {
  readonly #collection: string
  readonly #index: Exclude<IndexSchema, { kind: 'containment' }>
  readonly #ids = new Map<string, Set<string>>()

  constructor({ name }: CheckedCollection, index: Exclude<IndexSchema, { kind: 'containment' }>) {
    this.#collection = name
    this.#index = index
  }

  move(before: MemoryDocument | undefined, after: MemoryDocument | undefined): void {
    this.#change(before, (ids, id) => ids.delete(id))
    this.#change(after, (ids, id) => ids.add(id))
  }

  /** Throws `DOCUMENT_NOT_UNIQUE` if another document has the same values. */
  check(document: MemoryDocument): void {
    const values = this.#valuesOf(document)
    const ids = values === undefined ? undefined : this.#ids.get(keyOf(document.tenant, values))
    if (values === undefined || (ids?.size ?? 0) <= 1) return
    throw millraceError('DOCUMENT_NOT_UNIQUE', {
      collection: this.#collection,
      index: this.#index.name,
      values: JSON.stringify(values),
    })
  }

  #change(document: MemoryDocument | undefined, change: (ids: Set<string>, id: string) => void): void {
    const values = document === undefined ? undefined : this.#valuesOf(document)
    if (document === undefined || values === undefined) return
    const key = keyOf(document.tenant, values)
    const ids = this.#ids.get(key) ?? new Set<string>()
    change(ids, document.id)
    if (ids.size === 0) this.#ids.delete(key)
    else this.#ids.set(key, ids)
  }

  /** Undefined for a document that is not compared. */
  #valuesOf(document: MemoryDocument): readonly unknown[] | undefined {
    const index = this.#index
    if (document.deletedAtMs !== undefined) return undefined
    if (index.kind === 'property' && index.where !== undefined && !matches(index.where, document)) {
      return undefined
    }
    const paths = index.kind === 'property' ? index.paths : [index.path]
    const values = paths.map((path) => valueAt(document.body, path))
    if (index.kind === 'column' && typeof values[0] !== JAVASCRIPT_TYPES[index.type]) return undefined
    return values.some((value) => typeof value === 'object') ? undefined : values
  }
}

const JAVASCRIPT_TYPES = { text: 'string', number: 'number', boolean: 'boolean' } as const

function keyOf(tenant: string, values: readonly unknown[]): string {
  return JSON.stringify([tenant, ...values])
}
