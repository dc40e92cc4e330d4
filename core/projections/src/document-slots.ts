import {
  type AnyCollection,
  type Collection,
  checkDocument,
  documentLimits,
  type Identified,
  idText,
} from '@millrace/documents'
import { millraceError } from '@millrace/kernel'

/** A document of the unit at hand. */
export interface Slot<Document extends Identified> {
  readonly tenant: string
  readonly key: string
  /** Of `loaded`; 0 if there was none. */
  revision: number
  /** As it is in the database. */
  loaded: Document | undefined
  document: Document | undefined
  isChanged: boolean
  /** Length of the JSON of `document`, of what has been loaded or is about to be stored. */
  characters: number
}

/** Tells documents of all tenants apart; two different pairs never give the same text. */
export function slotIdOf(tenant: string, key: string): string {
  return tenant === '' ? `/${key}` : `${tenant.length}/${tenant}/${key}`
}

/** Whose document an event belongs to: its tenant's, or nobody's if the collection does not tell tenants apart. */
export function tenantOf({ tenancy }: AnyCollection, event: { readonly tenant?: string }): string {
  return tenancy === 'column' ? (event.tenant ?? '') : ''
}

/** Throws `DOCUMENT_ID_INVALID` for a key that no document can have. */
export function checkKey(collection: string, key: string): void {
  const limit = documentLimits.idCharactersMax
  const isText = typeof key === 'string' && key.isWellFormed() && !key.includes('\0')
  if (isText && key !== '' && key.length <= limit) return
  throw millraceError('DOCUMENT_ID_INVALID', { collection, id: JSON.stringify(key) ?? 'undefined', limit })
}

/** The document as its collection's schema gives it back. Throws `DOCUMENT_INVALID` also for another id than the key. */
export function checkAtKey<Document extends Identified>(
  collection: Collection<Document>,
  key: string,
  next: Document,
): Document {
  const document = checkDocument(collection, next)
  if (idText(collection.name, document.id) === key) return document
  const issues = `id: expected ${JSON.stringify(key)}, the event's key, but saw ${JSON.stringify(document.id)}`
  throw millraceError('DOCUMENT_INVALID', { collection: collection.name, issues })
}

/** The text that is stored. @throws DOCUMENT_INVALID, DOCUMENT_TOO_LARGE */
export function textOf<Document extends Identified>(
  collection: Collection<Document>,
  document: Document,
): string {
  const { name, serializer } = collection
  return serializer.write(document, { collection: name, id: idText(name, document.id) })
}
