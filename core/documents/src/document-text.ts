import { millraceError } from '@millrace/kernel'
import { documentLimits } from './document-limits.ts'

/**
 * The JSON text of a document's body. Every engine stores this text, so that all of them keep and refuse the same.
 *
 * @throws DOCUMENT_INVALID (something that JSON or an engine cannot hold, or too deep), DOCUMENT_TOO_LARGE
 */
export function documentText(collection: string, id: string, body: unknown): string {
  const issue = isPlainObject(body) ? findKindIssue(body, 1)?.message : 'a document is an object'
  if (issue !== undefined) throw millraceError('DOCUMENT_INVALID', { collection, issues: issue })
  return plainText(collection, id, body as object)
}

/**
 * The same for a body that is known to be JSON but for its texts. JSON writes zero characters and halves of surrogate
 * pairs as escapes, so that a text without escapes has none, and need not be looked through.
 */
function plainText(collection: string, id: string, body: object): string {
  const text = JSON.stringify(body)
  const issue = text.includes('\\u') ? findTextIssue(body)?.message : undefined
  if (issue !== undefined) throw millraceError('DOCUMENT_INVALID', { collection, issues: issue })
  checkDocumentLength(collection, id, text.length)
  return text
}

/** As {@link documentText}, but undefined for a body that has something in it that JSON does not know. */
export function documentTextIfPlain(collection: string, id: string, body: object): string | undefined {
  if (!isPlainObject(body) || findKindIssue(body, 1) !== undefined) return undefined
  return plainText(collection, id, body)
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
  return findKindIssue(value, level)?.message ?? findTextIssue(value)?.message
}

/** Something that is wrong, and where: the path is put together on the way back, for only few documents need one. */
class JsonIssue {
  readonly #what: string
  readonly #isOfWhole: boolean
  #path = ''

  constructor(what: string, isOfWhole = false) {
    this.#what = what
    this.#isOfWhole = isOfWhole
  }

  get message(): string {
    return this.#isOfWhole ? this.#what : `${this.#path}: ${this.#what}`
  }

  /** The issue is in this property or element. */
  inside(step: string): JsonIssue {
    const isJoined = this.#path === '' || this.#path.startsWith('[')
    this.#path = isJoined ? `${step}${this.#path}` : `${step}.${this.#path}`
    return this
  }
}

/** Values that JSON does not have, or has not so deep. */
function findKindIssue(value: unknown, level: number): JsonIssue | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined
    case 'number':
      return Number.isFinite(value) ? undefined : new JsonIssue(`${value} is not a number that JSON can hold`)
    case 'object':
      return value === null ? undefined : findKindIssueInside(value, level)
    default:
      return new JsonIssue(`a ${typeof value} is not JSON`)
  }
}

function findKindIssueInside(value: object, level: number): JsonIssue | undefined {
  const limit = documentLimits.documentLevelsMax
  if (level > limit)
    return new JsonIssue(`it is nested deeper than ${limit} levels, or contains itself`, true)
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const issue = findKindIssue(value[index], level + 1)
      if (issue !== undefined) return issue.inside(`[${index}]`)
    }
    return undefined
  }
  if (!isPlainObject(value)) {
    const name = value.constructor?.name ?? 'special object'
    return new JsonIssue(`a ${name} is not JSON; store a text or a number`)
  }
  for (const key of Object.keys(value)) {
    const property = value[key]
    if (property === undefined) continue
    const issue = findKindIssue(property, level + 1)
    if (issue !== undefined) return issue.inside(key)
  }
  return undefined
}

/**
 * Texts that some engine cannot store, in a value that is JSON otherwise. SQLite takes a zero character for the end of a
 * name, so that the path "a" would find "a\0" as well; PostgreSQL stores neither it nor half of a surrogate pair.
 */
function findTextIssue(value: unknown): JsonIssue | undefined {
  if (typeof value === 'string') return issueOfText(value, 'a text')
  if (typeof value !== 'object' || value === null) return undefined
  const isArray = Array.isArray(value)
  for (const [key, each] of Object.entries(value)) {
    if (each === undefined) continue
    const issue = isArray ? undefined : issueOfText(key, 'a property name')
    if (issue !== undefined) return issue
    const inside = findTextIssue(each)
    if (inside !== undefined) return inside.inside(isArray ? `[${key}]` : key)
  }
  return undefined
}

function issueOfText(text: string, what: string): JsonIssue | undefined {
  if (text.includes('\0')) return new JsonIssue(`${what} has a zero character`)
  return text.isWellFormed() ? undefined : new JsonIssue(`${what} has half of a surrogate pair`)
}

/** True for `{}` and what JSON has parsed, not for objects of a class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // Also true for plain objects of another realm, whose Object.prototype is not ours.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
