import type { AnyCollection, Identified } from './collection.ts'
import type { WhichDocuments } from './conditions.ts'
import type { Property } from './property-path.ts'
import type { Serializer } from './serializer.ts'
import type { ColumnType } from './store-schema.ts'

/** What a collection may declare beside its name and schema. */
export interface CollectionOptions<Document extends Identified> {
  /**
   * How documents without an id get one when they are stored: a UUID of version 7, whose order is that of time, or what
   * a function makes of the document. Default: 'uuidv7'.
   */
  readonly id?: 'uuidv7' | ((document: Omit<Document, 'id'>) => Document['id'])
  /** Deletes mark documents, so that they can be taken back. Default: false. */
  readonly softDelete?: boolean
  readonly indexes?: readonly IndexOptions<Document>[]
  readonly references?: readonly ReferenceOptions<Document>[]
  /** Properties whose texts `search` looks into; also arrays of texts. Default: none, and no search. */
  readonly fullText?: readonly Property<Document>[]
  /**
   * `column`: documents belong to tenants, and only sessions that name one may touch them. `none`: they belong to nobody
   * in particular, whatever tenant a session has. Default: 'none'.
   */
  readonly tenancy?: 'none' | 'column'
  /** How documents become JSON. Default: `jsonSerializer()`. */
  readonly serializer?: Serializer
  /**
   * Gives a document that was stored in an older shape its present one, whenever it is read whole. What is stored stays
   * as it is, and so filters, orders and selected parts see the old shape; `store.transform` changes it for good.
   */
  readonly upcast?: (stored: unknown) => unknown
}

/** An index; what the kinds are good for stands at `IndexSchema`. Names come from the properties unless given. */
export type IndexOptions<Document extends Identified> =
  | {
      readonly kind: 'property'
      readonly name?: string
      readonly properties: readonly Property<Document>[]
      /** No two documents of a tenant are equal in all these properties. Default: false. */
      readonly unique?: boolean
      /** Only documents that match are in the index. Default: all. */
      readonly where?: WhichDocuments<Document>
    }
  | {
      readonly kind: 'column'
      readonly name?: string
      readonly property: Property<Document>
      readonly type: ColumnType
      readonly unique?: boolean
    }
  | { readonly kind: 'containment'; readonly name?: string }

/** The property holds the id of a document of the other collection, or null; `ReferenceSchema` says what is kept. */
export interface ReferenceOptions<Document extends Identified> {
  readonly property: Property<Document>
  /** The collection, or the name of the one that is being declared. */
  readonly to: AnyCollection | string
}
