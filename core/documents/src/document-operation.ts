import type { Filter } from './filter.ts'
import type { Patch } from './patch.ts'

/**
 * What a unit does to documents. A document's `revision` is 1 at first and grows by 1 with every change, soft deletes
 * and restores included; one that was deleted for good and is stored again starts at 1.
 *
 * In a collection with soft deletes, `delete` marks the document: it is not found any more unless it is asked for, keeps
 * its revision line, and `store` brings it back. Expected revisions see a marked document as one that does not exist
 * (revision 0), so that it can be inserted again; its revision goes on from where it was.
 */
export type DocumentOperation =
  | {
      readonly kind: 'store'
      readonly collection: string
      readonly id: string
      /** JSON of an object, as `documentText` makes it; anything else is DOCUMENT_INVALID. */
      readonly text: string
      /** Only if the document has this revision; 0: only if it does not exist. Absent: whatever it has. */
      readonly expectedRevision?: number
    }
  | {
      readonly kind: 'patch'
      readonly collection: string
      readonly id: string
      readonly patches: readonly Patch[]
      readonly expectedRevision?: number
    }
  | {
      readonly kind: 'patch-where'
      readonly collection: string
      readonly where: Filter
      readonly patches: readonly Patch[]
      /** Answer with what was changed; at most `changesMax` documents, else COMMIT_TOO_LARGE. Default: false. */
      readonly withChanges?: boolean
    }
  | {
      readonly kind: 'delete'
      readonly collection: string
      readonly id: string
      readonly expectedRevision?: number
      /** For good, whatever the collection says. Default: false. */
      readonly hard?: boolean
    }
  | {
      readonly kind: 'delete-where'
      readonly collection: string
      /** Absent: all. */
      readonly where?: Filter
      /** For good; then it also takes documents that are marked as deleted. Default: false. */
      readonly hard?: boolean
      /** Answer with what was deleted (marked or gone: the last revision); as with `patch-where`. */
      readonly withChanges?: boolean
    }
  /** Takes back soft deletes. */
  | { readonly kind: 'restore-where'; readonly collection: string; readonly where: Filter }
  /**
   * Puts the documents of `from` in the place of those of `collection`, at once; `from` is empty then. Both are
   * declared alike. Without `from` nothing takes their place: the collection is empty, for good. For rebuilds side by
   * side. All tenants.
   */
  | { readonly kind: 'replace-all'; readonly collection: string; readonly from?: string }

/** A document that an operation over many has touched. */
export interface DocumentChange {
  readonly id: string
  readonly revision: number
}

/** A document as it is stored. */
export interface StoredDocument {
  readonly id: string
  readonly revision: number
  /**
   * JSON of the document. Of a query with `select`: of the parts. Engines may order properties as they like and write a
   * number in another notation, but lose none of its digits, also where JavaScript's numbers would; nor does a patch of
   * something else.
   */
  readonly text: string
  readonly createdAtMs: number
  readonly changedAtMs: number
  /** Only of documents that are marked as deleted. */
  readonly deletedAtMs?: number
  /** Of the last unit that changed it. */
  readonly correlationId?: string
  readonly causationId?: string
}
