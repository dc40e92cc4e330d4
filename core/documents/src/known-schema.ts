import { millraceError } from '@millrace/kernel'
import { type CheckedCollection, checkCollection, checkTable } from './checked-schema.ts'
import type { StoreSchema, TableSchema } from './store-schema.ts'

/** A schema's declarations, checked and copied. */
export interface CheckedSchema {
  readonly collections: readonly CheckedCollection[]
  readonly tables: readonly TableSchema[]
}

/** What has been declared to one database: every engine has one, checks input against it, and adds to it. */
export class KnownSchema {
  readonly #collections = new Map<string, CheckedCollection>()
  readonly #tables = new Map<string, TableSchema>()

  /**
   * The declarations of `schema`, to be made and then given to {@link add}; nothing is known by this yet.
   *
   * @throws SCHEMA_INVALID, COLLECTION_NAME_INVALID
   */
  check(schema: StoreSchema): CheckedSchema {
    const collections = listOf(schema.collections).map((each) => checkCollection(each))
    const tables = listOf(schema.tables ?? []).map((each) => checkTable(each))
    checkOnce('collection', collections)
    checkOnce('table', tables)
    const declared = new Set(collections.map(({ name }) => name))
    for (const { name, references } of collections) {
      const missing = references.find((each) => !declared.has(each.collection) && !this.has(each.collection))
      if (missing !== undefined) {
        const seen = `a reference to "${missing.collection}", which is not declared`
        throw millraceError('SCHEMA_INVALID', { name, seen, expected: 'a collection of the same store' })
      }
    }
    return { collections, tables }
  }

  /** Makes declarations known. What is declared again is as it is declared now. */
  add({ collections, tables }: CheckedSchema): void {
    for (const each of collections) this.#collections.set(each.name, each)
    for (const each of tables) this.#tables.set(each.name, each)
  }

  /** All that is known. */
  get schema(): CheckedSchema {
    return { collections: [...this.#collections.values()], tables: [...this.#tables.values()] }
  }

  has(collection: string): boolean {
    return this.#collections.has(collection)
  }

  /** @throws COLLECTION_UNKNOWN */
  collection(name: string): CheckedCollection {
    const known = this.#collections.get(name)
    if (known === undefined) throw millraceError('COLLECTION_UNKNOWN', { collection: String(name) })
    return known
  }

  /** @throws TABLE_UNKNOWN */
  table(name: string): TableSchema {
    const known = this.#tables.get(name)
    if (known !== undefined) return known
    throw millraceError('TABLE_UNKNOWN', { table: String(name), reason: 'there is no such table' })
  }
}

function listOf<Item>(items: readonly Item[]): readonly Item[] {
  if (Array.isArray(items)) return items
  throw millraceError('SCHEMA_INVALID', {
    name: 'schema',
    seen: 'no list',
    expected: 'lists of declarations',
  })
}

function checkOnce(what: string, declared: readonly { readonly name: string }[]): void {
  const names = new Set<string>()
  for (const { name } of declared) {
    const seen = `a second ${what} of this name`
    if (names.has(name)) throw millraceError('SCHEMA_INVALID', { name, seen, expected: 'one a name' })
    names.add(name)
  }
}
