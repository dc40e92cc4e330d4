import { millraceError, unreachable } from '@millrace/kernel'
import { documentLimits } from './document-limits.ts'
import { checkDocumentLength, findJsonIssue } from './document-text.ts'
import { equalJson } from './json-equality.ts'
import type { JsonValue, Patch } from './patch.ts'
import { copyJson, isRawNumber, roundedNumber } from './raw-number.ts'

/** A document that is patched, as messages name it. */
export interface PatchedDocument {
  readonly collection: string
  readonly id: string
  readonly body: Readonly<Record<string, JsonValue>>
}

/**
 * What patches of the Database port do, in plain code: the definition that engines are compared with. Gives a new body;
 * the old one stays as it is. Numbers that were parsed by `parseKeepingNumbers` stay as they were written.
 *
 * @throws PATCH_REFUSED, DOCUMENT_TOO_LARGE
 */
export function applyPatches(
  { collection, id, body }: PatchedDocument,
  patches: readonly Patch[],
): Readonly<Record<string, JsonValue>> {
  const copy = copyJson(body) as Body
  for (const patch of patches) new Patching(copy, patch, { collection, id }).apply()
  return copy
}

type Body = Record<string, JsonValue>

/** A property of an object, there or not. */
interface Place {
  readonly parent: Body
  readonly name: string
}

/** One patch on its way through one body. */
class Patching {
  readonly #body: Body
  readonly #patch: Patch
  readonly #document: { readonly collection: string; readonly id: string }

  constructor(body: Body, patch: Patch, document: { readonly collection: string; readonly id: string }) {
    this.#body = body
    this.#patch = patch
    this.#document = document
  }

  apply(): void {
    const patch = this.#patch
    switch (patch.kind) {
      case 'set':
        put(this.#make(patch.path), patch.value)
        break
      case 'increment':
        this.#increment(this.#make(patch.path), patch.by)
        break
      case 'append':
      case 'append-if-missing':
      case 'insert-at':
        this.#insert(this.#make(patch.path), patch)
        break
      case 'remove':
        this.#remove(this.#find(patch.path), patch)
        break
      case 'rename':
        this.#rename(this.#find(patch.path), patch.to)
        break
      case 'duplicate':
        // What it is now: a target may lie inside of it.
        this.#duplicate(copyJson(valueIn(this.#find(patch.path)) ?? null), patch.to)
        break
      case 'delete': {
        const place = this.#find(patch.path)
        if (place !== undefined) delete place.parent[place.name]
        break
      }
      default:
        unreachable(patch)
    }
  }

  #increment(place: Place, by: number): void {
    const value = roundedNumber(valueIn(place) ?? 0)
    if (typeof value !== 'number') this.#refuse(kindOf(value), 'a number')
    const sum = value + by
    if (!Number.isFinite(sum)) this.#refuse('a sum that is not finite', 'a finite sum')
    put(place, sum)
  }

  #insert(place: Place, patch: Extract<Patch, { kind: 'append' | 'append-if-missing' | 'insert-at' }>): void {
    const items = valueIn(place) ?? []
    if (!Array.isArray(items)) this.#refuse(kindOf(items), 'an array')
    const isThere = patch.kind === 'append-if-missing' && items.some((item) => equalJson(item, patch.value))
    const index = patch.kind === 'insert-at' ? patch.index : items.length
    const added = isThere ? [] : [patch.value]
    put(place, [...items.slice(0, index), ...added, ...items.slice(index)])
  }

  #remove(place: Place | undefined, { value, which }: Extract<Patch, { kind: 'remove' }>): void {
    const items = valueIn(place)
    if (place === undefined || items === undefined) return
    if (!Array.isArray(items)) this.#refuse(kindOf(items), 'an array')
    const first = items.findIndex((item) => equalJson(item, value))
    put(
      place,
      items.filter((item, index) => (which === 'first' ? index !== first : !equalJson(item, value))),
    )
  }

  #rename(place: Place | undefined, to: string): void {
    const value = valueIn(place)
    if (place === undefined || value === undefined) return
    delete place.parent[place.name]
    put({ parent: place.parent, name: to }, value)
  }

  /** Copies of copies would double a document with each patch, long before anybody looks at its length. */
  #duplicate(value: JsonValue, targets: readonly (readonly string[])[]): void {
    const { collection, id } = this.#document
    checkDocumentLength(collection, id, JSON.stringify(value).length * targets.length)
    for (const target of targets) {
      if (findJsonIssue(value, target.length + 1) !== undefined) {
        this.#refuse('a copy nested too deep', `at most ${documentLimits.documentLevelsMax} levels`, target)
      }
      put(this.#make(target), value)
    }
  }

  /** Where a path leads, with objects made that are missing or null on the way. */
  #make(path: readonly string[]): Place {
    let parent = this.#body
    for (const [index, name] of path.slice(0, -1).entries()) {
      const next = valueIn({ parent, name }) ?? null
      if (next === null) put({ parent, name }, {})
      else if (!isObject(next)) this.#refuse(kindOf(next), 'an object', path.slice(0, index + 1))
      parent = valueIn({ parent, name }) as Body
    }
    return { parent, name: path.at(-1) ?? '' }
  }

  /** Where a path leads; undefined if it is missing or null on the way. */
  #find(path: readonly string[]): Place | undefined {
    let parent = this.#body
    for (const [index, name] of path.slice(0, -1).entries()) {
      const next = valueIn({ parent, name }) ?? null
      if (next === null) return undefined
      if (!isObject(next)) return this.#refuse(kindOf(next), 'an object', path.slice(0, index + 1))
      parent = next
    }
    return { parent, name: path.at(-1) ?? '' }
  }

  #refuse(seen: string, expected: string, path: readonly string[] = this.#patch.path): never {
    const { kind: patch } = this.#patch
    throw millraceError('PATCH_REFUSED', {
      ...this.#document,
      patch,
      seen,
      expected,
      path: pathText(path),
    })
  }
}

/** A path as messages show it. The same on every engine. */
function pathText(path: readonly string[]): string {
  return path.join('.')
}

/** The kind of a JSON value as messages show it. The same on every engine. */
function kindOf(value: JsonValue): string {
  if (value === null) return 'null'
  if (isRawNumber(value)) return 'a number'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return 'an object'
  return typeof value === 'string' ? 'a text' : `a ${typeof value}`
}

function isObject(value: JsonValue): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value)
}

function valueIn(place: Place | undefined): JsonValue | undefined {
  if (place === undefined || !Object.hasOwn(place.parent, place.name)) return undefined
  return place.parent[place.name]
}

/** Defines the property, whatever its name: an assignment to `__proto__` would change what the object inherits. */
function put({ parent, name }: Place, value: JsonValue): void {
  Object.defineProperty(parent, name, {
    value: copyJson(value),
    configurable: true,
    enumerable: true,
    writable: true,
  })
}
