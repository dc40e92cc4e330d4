import { isMillraceError, millraceError } from '@millrace/kernel'
import { checkTenant, checkText, checkWhole, refuseOperation } from './checked-text.ts'
import type { TransformStep } from './database.ts'
import { documentLimits as limits } from './document-limits.ts'
import { documentText } from './document-text.ts'
import { equalJson } from './json-equality.ts'
import type { KnownSchema } from './known-schema.ts'
import type { JsonValue } from './patch.ts'

/** A piece of a transformation that has been checked, with its defaults filled in. */
export interface CheckedTransform {
  readonly collection: string
  readonly tenant: string
  readonly source: string
  /** The empty text is below every id. */
  readonly after: string
  readonly limit: number
}

/** Checks a piece of a transformation. @throws COLLECTION_UNKNOWN, OPERATION_INVALID */
export function checkTransform(step: TransformStep, known: KnownSchema): CheckedTransform {
  const { name } = known.collection(step.collection)
  const refuse = refuseOperation('transform', `the collection "${name}"`)
  const { transformSourceCharactersMax, idCharactersMax, transformDocumentsMax } = limits
  const bounds = { charactersMax: idCharactersMax, mayBeEmpty: true }
  const limit = checkWhole('limit', step.limit, transformDocumentsMax, refuse)
  if (limit === 0) refuse('the limit 0', `1 to ${transformDocumentsMax}`)
  return {
    collection: name,
    tenant: checkTenant(step.tenant, refuse),
    source: checkText('source', step.source, { charactersMax: transformSourceCharactersMax }, refuse),
    after: step.after === undefined ? '' : checkText('id to begin behind', step.after, bounds, refuse),
    limit,
  }
}

/** A document that is being transformed. */
export interface TransformedDocument {
  readonly collection: string
  readonly id: string
  readonly body: Readonly<Record<string, unknown>>
}

/**
 * What a transformation makes of a document, from what its function returned for it: the new text, null if it deletes
 * it, undefined if it leaves it as it is.
 *
 * @throws TRANSFORM_FAILED (no document: not the JSON of an object, or one with another `id`), DOCUMENT_TOO_LARGE
 */
export function transformedText(document: TransformedDocument, result: unknown): string | null | undefined {
  if (result === undefined || result === null) return result
  const { collection, id, body } = document
  const text = textOf(document, result)
  const before = (body.id ?? null) as JsonValue
  const after = ((result as typeof body).id ?? null) as JsonValue
  if (equalJson(before, after)) return text
  throw millraceError('TRANSFORM_FAILED', { collection, id, reason: 'it changed "id"' })
}

function textOf({ collection, id }: TransformedDocument, result: unknown): string {
  try {
    return documentText(collection, id, result)
  } catch (error) {
    if (!isMillraceError(error, 'DOCUMENT_INVALID')) throw error
    const reason = `it returned no document: ${error.parameters.issues}`
    throw millraceError('TRANSFORM_FAILED', { collection, id, reason }, { cause: error })
  }
}
