import type { StoredDocument } from './document-operation.ts'

/** What the store knows of a document beside its content. */
export interface DocumentMetadata {
  /** 1 at first; grows by 1 with every change. */
  readonly revision: number
  readonly createdAtMs: number
  readonly changedAtMs: number
  /** Only of documents that are marked as deleted. */
  readonly deletedAtMs?: number
  /** Of the last unit that changed it. */
  readonly correlationId?: string
  readonly causationId?: string
}

/** The metadata of a stored document. */
export function metadataOf(stored: StoredDocument): DocumentMetadata {
  const { id: _, text: __, ...metadata } = stored
  return metadata
}

/**
 * The strong entity tag of this state of a document: different for every two states of it, also of one that was deleted
 * for good and stored again. Source: RFC 9110, section 8.8.3.
 */
export function etagOf({
  revision,
  createdAtMs,
}: Pick<DocumentMetadata, 'revision' | 'createdAtMs'>): string {
  return `"${revision}-${createdAtMs.toString(36)}"`
}

const ETAG = /^"([1-9]\d{0,15})-(-?[0-9a-z]{1,12})"$/

/**
 * The revision in an entity tag that {@link etagOf} made; undefined for any other, for weak ones and for lists: what an
 * `If-Match` names must match strongly (RFC 9110, section 13.1.1).
 */
export function revisionOfEtag(etag: string): number | undefined {
  const revision = Number(ETAG.exec(etag)?.[1])
  return Number.isSafeInteger(revision) ? revision : undefined
}
