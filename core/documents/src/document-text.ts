import { millraceError } from '@millrace/kernel'
import { documentLimits } from './document-limits.ts'

/**
 * The JSON text of a document's body. Every engine stores this text, so that all of them keep and refuse the same.
 *
 * @throws DOCUMENT_INVALID (something that JSON cannot hold, or too deep), DOCUMENT_TOO_LARGE
 */
export function documentText(collection: string, id: string, body: unknown): string {
  const issue = isPlainObject(body) ? findIssue(body, '', 1) : 'a document is an object'
  if (issue !== undefined) throw millraceError('DOCUMENT_INVALID', { collection, issues: issue })
  const text = JSON.stringify(body)
  const limit = documentLimits.documentCharactersMax
  if (text.length > limit)
    throw millraceError('DOCUMENT_TOO_LARGE', { collection, id, seen: text.length, limit })
  return text
}

/** What keeps `value` from being the same after a round trip through JSON; undefined if nothing does. */
function findIssue(value: unknown, path: string, level: number): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined
    case 'number':
      return Number.isFinite(value) ? undefined : `${path}: ${value} is not a number that JSON can hold`
    case 'object':
      return value === null ? undefined : findIssueInside(value, path, level)
    default:
      return `${path}: a ${typeof value} is not JSON`
  }
}

function findIssueInside(value: object, path: string, level: number): string | undefined {
  if (level > documentLimits.documentLevelsMax) {
    return `it is nested deeper than ${documentLimits.documentLevelsMax} levels, or contains itself`
  }
  if (Array.isArray(value)) return findIssueInArray(value, path, level)
  if (!isPlainObject(value))
    return `${path}: a ${value.constructor?.name ?? 'special object'} is not JSON; store a text or a number`
  for (const key of Object.keys(value)) {
    // SQLite takes a zero character for the end of a name, so that the path "a" would find "a\0" as well.
    if (key.includes('\0')) return `${path}: a property name has a zero character`
    const property = value[key]
    if (property === undefined) continue
    const issue = findIssue(property, path === '' ? key : `${path}.${key}`, level + 1)
    if (issue !== undefined) return issue
  }
  return undefined
}

function findIssueInArray(items: readonly unknown[], path: string, level: number): string | undefined {
  for (let index = 0; index < items.length; index += 1) {
    const issue = findIssue(items[index], `${path}[${index}]`, level + 1)
    if (issue !== undefined) return issue
  }
  return undefined
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // Also true for plain objects of another realm, whose Object.prototype is not ours.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
