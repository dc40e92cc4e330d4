import type { Filter } from './filter.ts'

/** Everything that a database has to hold for an application. */
export interface StoreSchema {
  readonly collections: readonly CollectionSchema[]
  readonly tables?: readonly TableSchema[]
}

/** What an engine has to know about a collection. */
export interface CollectionSchema {
  readonly name: string
  /** Deletes mark documents. Default: false. */
  readonly softDelete?: boolean
  readonly indexes?: readonly IndexSchema[]
  readonly references?: readonly ReferenceSchema[]
  /** Properties whose texts (also texts in arrays of texts) `search` looks into. Default: none, and no search. */
  readonly fullText?: readonly (readonly string[])[]
}

/**
 * An index over documents. Names are unique in the collection.
 *
 * - `property`: over the values at paths, in the order across types; for filters and orders on them.
 * - `column`: the value at one path also stands in a column of its own, with a type, which people's SQL and foreign keys
 *   can use; indexed. A value of another type is null there.
 * - `containment`: one index over the whole document (GIN) on engines that have such a thing, nothing on others.
 *
 * A unique index refuses two documents of one tenant that are equal at all its paths (DOCUMENT_NOT_UNIQUE). Documents
 * where one of them is null or missing, or an object or array, and those marked as deleted, are not compared; nor those
 * that `where` does not match. It is kept after each operation, not only at the end of a unit; an operation that changes
 * many documents may be refused for a moment in between.
 *
 * A `where` of an index is made of `compare`, `in`, `exists`, `starts-with`, `contains`, `and`, `or` and `not`. Declared
 * paths and the texts of such a `where` have no quotes, backslashes or control characters: engines write them into the
 * index.
 */
export type IndexSchema =
  | {
      readonly kind: 'property'
      readonly name: string
      readonly paths: readonly (readonly string[])[]
      readonly unique?: boolean
      readonly where?: Filter
    }
  | {
      readonly kind: 'column'
      readonly name: string
      readonly path: readonly string[]
      readonly type: ColumnType
      readonly unique?: boolean
    }
  | { readonly kind: 'containment'; readonly name: string }

export type ColumnType = 'text' | 'number' | 'boolean'

/**
 * The text at a path is the id of a document of another collection (or the same), which must exist when the unit is
 * committed and cannot be deleted for good before (DOCUMENT_REFERENCE_BROKEN). Null and missing refer to nothing. A
 * soft delete of the other one is no concern.
 */
export interface ReferenceSchema {
  readonly path: readonly string[]
  readonly collection: string
}

/** A table for rows that projections write and people query. Its name and those of its columns are the same in SQL. */
export interface TableSchema {
  readonly name: string
  readonly columns: Readonly<Record<string, ColumnType>>
  /** Its columns hold texts and numbers, and are never null. */
  readonly key: readonly string[]
}

/** The steps from what there is to what a schema declares. */
export interface SchemaPlan {
  readonly steps: readonly SchemaStep[]
}

export interface SchemaStep {
  /** What for, in words: `index benches.by-zone`. */
  readonly what: string
  /** Statements of the engine, complete with semicolons; may be kept in a file. */
  readonly sql: string
  /** `destructive`: something that is there would be lost. */
  readonly hazard: 'none' | 'destructive'
}
