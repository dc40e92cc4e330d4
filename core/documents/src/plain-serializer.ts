import { documentText } from './document-text.ts'
import type { Patch } from './patch.ts'
import type { Serializer } from './serializer.ts'

/**
 * JSON and nothing else: a date, a bigint, an object of a class is refused, and nothing is ever noted in a document. For
 * collections whose documents other programs write, too, or that patches change most of the time.
 */
export const plainSerializer: Serializer = {
  write: (document, { collection, id }) => documentText(collection, id, document),
  read: (text) => JSON.parse(text),
  filterValue: (value) => {
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined
  },
  // The database refuses a value that is not JSON.
  patches: (patch) => [patch as Patch],
  parts: (wanted) => wanted,
  readParts: (text, wanted) => {
    const parts: Readonly<Record<string, unknown>> = JSON.parse(text)
    return Object.fromEntries(Object.keys(wanted).map((name) => [name, parts[name] ?? null]))
  },
}
