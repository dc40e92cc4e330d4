import { millraceError } from '@millrace/kernel'
import { documentLimits } from './document-limits.ts'

/**
 * The JSON text of a document's body. Every engine stores this text, so that all of them keep and refuse the same.
 *
 * @throws DOCUMENT_INVALID (something that JSON or an engine cannot hold, or too deep), DOCUMENT_TOO_LARGE
 */
export function documentText(collection: string, id: string, body: unknown): string {
  const issue = isPlainObject(body) ? findJsonIssue(body, 1) : 'a document is an object'
  if (issue !== undefined) throw millraceError('DOCUMENT_INVALID', { collection, issues: issue })
  const text = JSON.stringify(body)
  checkDocumentLength(collection, id, text.length)
  return text
}

/** Throws `DOCUMENT_TOO_LARGE` for a document whose JSON has too many characters. */
export function checkDocumentLength(collection: string, id: string, characters: number): void {
  const limit = documentLimits.documentCharactersMax
  if (characters <= limit) return
  throw millraceError('DOCUMENT_TOO_LARGE', { collection, id, seen: characters, limit })
}

/**
 * Checks a text that should be what `documentText` makes, as far as it costs next to nothing. Whether it is JSON
 * throughout is found out by the engines, when they store it.
 *
 * @throws DOCUMENT_INVALID, DOCUMENT_TOO_LARGE
 */
export function checkDocumentText(collection: string, id: string, text: unknown): string {
  const refuse = (issues: string) => millraceError('DOCUMENT_INVALID', { collection, issues })
  if (typeof text !== 'string' || !text.startsWith('{') || !text.endsWith('}')) {
    throw refuse('its text is not the JSON of an object')
  }
  checkDocumentLength(collection, id, text.length)
  if (text.isWellFormed() && !SUSPICIOUS.test(text) && !hasManyBrackets(text)) return text
  const body = parsed(text)
  const issue = body === undefined ? 'its text is not JSON' : findJsonIssue(body, 1)
  if (issue !== undefined) throw refuse(issue)
  return text
}

/** A zero character, or an escape that may stand for one or for half of a surrogate pair. */
const SUSPICIOUS = /\0|\\u(?:0000|[dD][89a-fA-F])/

/** Whether JSON has so many brackets that it may be nested too deep: looking for them costs less than reading it. */
function hasManyBrackets(text: string): boolean {
  let left = documentLimits.documentLevelsMax
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at >= 0 && left >= 0; at = text.indexOf(bracket, at + 1)) left -= 1
  }
  return left < 0
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What keeps `value` from being the same after a round trip through any engine; undefined if nothing does. */
export function findJsonIssue(value: unknown, level: number): string | undefined {
  return findIssue(value, '', level)
}

function findIssue(value: unknown, path: string, level: number): string | undefined {
  switch (typeof value) {
    case 'string':
      return findIssueInText(value, `${path}: a text`)
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

/**
 * SQLite takes a zero character for the end of a name, so that the path "a" would find "a\0" as well; PostgreSQL stores
 * neither it nor half of a surrogate pair.
 */
function findIssueInText(text: string, what: string): string | undefined {
  if (text.includes('\0')) return `${what} has a zero character`
  return text.isWellFormed() ? undefined : `${what} has half of a surrogate pair`
}

function findIssueInside(value: object, path: string, level: number): string | undefined {
  if (level > documentLimits.documentLevelsMax) {
    return `it is nested deeper than ${documentLimits.documentLevelsMax} levels, or contains itself`
  }
  if (Array.isArray(value)) return findIssueInArray(value, path, level)
  if (!isPlainObject(value))
    return `${path}: a ${value.constructor?.name ?? 'special object'} is not JSON; store a text or a number`
  for (const key of Object.keys(value)) {
    const property = value[key]
    if (property === undefined) continue
    const issue =
      findIssueInText(key, `${path}: a property name`) ??
      findIssue(property, path === '' ? key : `${path}.${key}`, level + 1)
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

/** True for `{}` and what JSON has parsed, not for objects of a class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // Also true for plain objects of another realm, whose Object.prototype is not ours.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
