import { checkSchema, errorText, formatIssues, type IdSource, millraceError, newId } from '@millrace/kernel'
import type { Collection, Identified } from './collection.ts'
import { idText } from './document-id.ts'
import type { StoredDocument } from './document-operation.ts'

/** A document that is ready to be stored. */
export interface WrittenDocument<Document extends Identified> {
  /** The text under which it is stored. */
  readonly id: string
  /** Its JSON. */
  readonly text: string
  /** As its schema has given it back. */
  readonly document: Document
}

/**
 * Gives a draft its id if it has none, checks it, and writes it.
 *
 * @throws DOCUMENT_INVALID, DOCUMENT_ID_INVALID, DOCUMENT_TOO_LARGE
 */
export function writeDocument<Document extends Identified, Draft>(
  collection: Collection<Document, Draft>,
  draft: Draft | Document,
  ids: IdSource,
): WrittenDocument<Document> {
  const document = checkDocument(collection, withId(collection, draft, ids))
  const { name, serializer } = collection
  const id = idText(name, document.id)
  return { id, text: serializer.write(document, { collection: name, id }), document }
}

/** The document that was stored, in its present shape. @throws DOCUMENT_NOT_UPCAST */
export function readDocument<Document extends Identified>(
  collection: Collection<Document>,
  { id, text }: Pick<StoredDocument, 'id' | 'text'>,
): Document {
  const { serializer, upcast, name } = collection
  const stored = serializer.read(text)
  if (upcast === undefined) return stored as Document
  try {
    return upcast(stored) as Document
  } catch (error) {
    throw millraceError(
      'DOCUMENT_NOT_UPCAST',
      { collection: name, id, reason: errorText(error) },
      { cause: error },
    )
  }
}

/** The document as the collection's schema gives it back (defaults filled in); throws `DOCUMENT_INVALID`. */
export function checkDocument<Document extends Identified>(
  { name, schema }: Collection<Document>,
  document: unknown,
): Document {
  const result = checkSchema(schema, document)
  if (result.ok) return result.value
  throw millraceError('DOCUMENT_INVALID', { collection: name, issues: formatIssues(result.issues) })
}

function withId<Document extends Identified, Draft>(
  { name, makeId }: Collection<Document, Draft>,
  draft: unknown,
  ids: IdSource,
): unknown {
  // What is no object is the schema's to refuse.
  if (typeof draft !== 'object' || draft === null || (draft as Partial<Identified>).id !== undefined)
    return draft
  if (makeId === 'uuidv7') return { ...draft, id: newId(ids) }
  const id: unknown = makeId(draft as never)
  idText(name, id)
  return { ...draft, id }
}
