import { millraceError } from '@millrace/kernel'
import { documentLimits } from './document-limits.ts'

/**
 * The text under which a document is stored: its id, or the shortest decimal form of a number (`7`, `0.5`, `1e+21`).
 * Every number has one form, and gives that number back. The number 7 and the text "7" are the same id, and ids are in
 * the order of these texts.
 *
 * @throws DOCUMENT_ID_INVALID for what is no text or finite number
 */
export function idText(collection: string, id: unknown): string {
  if (typeof id === 'string') return id
  if (typeof id === 'number' && Number.isFinite(id)) return String(id)
  const seen = typeof id === 'number' ? String(id) : `a value of type ${typeof id}`
  throw millraceError('DOCUMENT_ID_INVALID', { collection, id: seen, limit: documentLimits.idCharactersMax })
}
