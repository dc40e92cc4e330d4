import type { AnyCollection, Collection, Identified } from './collection.ts'
import type { Database } from './database.ts'
import type { StoredDocument } from './document-operation.ts'

/** What readers and queries read from. Plain: copies of it read from elsewhere. */
export interface ReadSource {
  readonly database: Pick<Database, 'read' | 'explain'>
  /**
   * The tenant whose documents of a collection are read; undefined: nobody's.
   *
   * @throws COLLECTION_UNKNOWN, TENANT_MISSING
   */
  readonly tenantOf: (collection: AnyCollection) => string | undefined
  /** The object that stands for a stored document. */
  readonly documentOf: <Document extends Identified>(
    collection: Collection<Document>,
    stored: StoredDocument,
  ) => Document
  /** Called when a document was looked for and is not there. */
  readonly onMissing?: (collection: AnyCollection, id: string) => void
}
