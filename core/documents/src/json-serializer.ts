import { assert, millraceError, unreachable } from '@millrace/kernel'
import { dateType } from './date-type.ts'
import { documentText, documentTextIfPlain, isPlainObject } from './document-text.ts'
import { encodeValue } from './encoded-value.ts'
import type { FilterValue } from './filter.ts'
import type { JsonValue, Patch } from './patch.ts'
import { isRawNumber, parseKeepingNumbers } from './raw-number.ts'
import type { DocumentPlace, Serializer, ValuePatch } from './serializer.ts'
import { everyElement, namesIn, TYPES, type TypeTree, treeAt, ValueTypes } from './type-tree.ts'
import { bigintType, bytesType, type ValueType } from './value-type.ts'

/** Choices of {@link jsonSerializer}. */
export interface JsonSerializerOptions {
  /** Further kinds of values, as decimals. */
  readonly types?: readonly ValueType[]
}

/**
 * The serializer of collections that name no other: JSON, in which dates, bigints, bytes and registered types come back
 * as what they were. Such a value stands in its place as a text or number that people's SQL can read; which ones they
 * are is noted in a property `$types` of the document, which applications do not see. A document without such values is
 * stored exactly as `JSON.stringify` makes it.
 *
 * Limits: a patch cannot hold a number that JavaScript's number cannot (a bigint beyond 2^53, a long decimal); store the
 * document instead. In an array that holds values of a type and also plain texts or numbers that look like them (`5n`
 * beside `5`), elements are told apart by their place, so do not patch such an array element by element. And do not
 * rename a plain look-alike onto a property that held a value of a type.
 */
export function jsonSerializer({ types = [] }: JsonSerializerOptions = {}): Serializer {
  const all: readonly ValueType[] = [dateType, bigintType, bytesType, ...types]
  assert(new Set(all.map(({ name }) => name)).size === all.length, 'value types have different names')
  return new JsonSerializer(new ValueTypes(all))
}

class JsonSerializer implements Serializer {
  readonly #types: ValueTypes

  constructor(types: ValueTypes) {
    this.#types = types
  }

  write(document: object, { collection, id }: DocumentPlace): string {
    if (Object.hasOwn(document, TYPES)) {
      const issues = `${TYPES}: the name is taken; the types of values are noted there`
      throw millraceError('DOCUMENT_INVALID', { collection, issues })
    }
    // Most documents are plain, and go the same way as without all this.
    const plain = documentTextIfPlain(collection, id, document)
    if (plain !== undefined) return plain
    const { json, tree } = encodeValue(document, this.#types)
    return documentText(collection, id, tree === undefined ? json : { ...(json as object), [TYPES]: tree })
  }

  read(text: string): object {
    const parsed: Noted = JSON.parse(text)
    if (!Object.hasOwn(parsed, TYPES)) return parsed
    const { hasRawNumbers, tree, rest } = this.#noted(parsed, text)
    return this.#types.revive(rest, tree, hasRawNumbers) as object
  }

  filterValue(value: unknown): FilterValue | undefined {
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
    if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
    const type = this.#types.of(value)
    const text = type?.encode(value)
    return type?.json === 'number' ? Number(text) : text
  }

  /** What is noted goes with what it is about: where there is no value, nothing is noted. */
  patches(patch: ValuePatch, collection: string): readonly Patch[] {
    const note = [TYPES, ...patch.path]
    switch (patch.kind) {
      case 'set': {
        const { value, tree } = this.#patchValue(patch.value, collection)
        if (tree !== undefined)
          return [
            { ...patch, value },
            { kind: 'set', path: note, value: tree },
          ]
        // What was noted before can stay where it would not count.
        const isHarmless = typeof value !== 'object' && !this.#types.mayBeTaken(value)
        return isHarmless
          ? [{ ...patch, value }]
          : [
              { ...patch, value },
              { kind: 'delete', path: note },
            ]
      }
      case 'append':
      case 'append-if-missing':
      case 'insert-at': {
        const { value, tree } = this.#patchValue(patch.value, collection)
        const names = tree === undefined ? [] : namesIn(everyElement(tree), note)
        const notes = names.map(({ path, name }) => ({ kind: 'set', path, value: name }) as const)
        return [{ ...patch, value }, ...notes]
      }
      case 'remove':
        return [{ ...patch, value: this.#patchValue(patch.value, collection).value }]
      case 'rename':
      case 'delete':
        return [patch, { ...patch, path: note }]
      case 'duplicate':
        return [patch, { ...patch, path: note, to: patch.to.map((path) => [TYPES, ...path]) }]
      case 'increment':
        return [patch]
      default:
        return unreachable(patch)
    }
  }

  parts(wanted: Readonly<Record<string, readonly string[]>>): Readonly<Record<string, readonly string[]>> {
    return { ...wanted, [TYPES]: [TYPES] }
  }

  readParts(
    text: string,
    wanted: Readonly<Record<string, readonly string[]>>,
  ): Readonly<Record<string, unknown>> {
    const { hasRawNumbers, tree, rest } = this.#noted(JSON.parse(text), text)
    const parts = Object.entries(wanted).map(([name, path]) => {
      return [name, this.#types.revive(rest[name] ?? null, treeAt(tree, path), hasRawNumbers)] as const
    })
    return Object.fromEntries(parts)
  }

  /** Takes the tree of types out; where it names types of numbers, these are raw. */
  #noted(parsed: Noted, text: string) {
    const hasRawNumbers = this.#types.hasNumbers(parsed[TYPES])
    const { [TYPES]: tree, ...rest } = hasRawNumbers ? (parseKeepingNumbers(text) as Noted) : parsed
    return { hasRawNumbers, tree, rest }
  }

  #patchValue(value: unknown, collection: string): { value: JsonValue; tree: TypeTree | undefined } {
    const { json, tree } = encodeValue(value, this.#types)
    return { value: exactNumbers(json, collection) as JsonValue, tree }
  }
}

/** What was parsed: a document, or parts of it. */
interface Noted {
  readonly [TYPES]?: unknown
  readonly [name: string]: unknown
}

/** The value with numbers of JavaScript in the place of raw ones. A number that would not be the same is refused. */
function exactNumbers(json: unknown, collection: string): unknown {
  if (isRawNumber(json)) {
    const number = Number(json.rawJSON)
    if (isSameNumber(number, json.rawJSON)) return number
    const seen = `the number ${json.rawJSON.slice(0, 100)} in a patch`
    const expected = 'one that a 64-bit floating point number can hold; store the whole document instead'
    throw millraceError('QUERY_INVALID', { collection, seen, expected })
  }
  if (Array.isArray(json)) return json.map((each) => exactNumbers(each, collection))
  if (!isPlainObject(json)) return json
  return Object.fromEntries(
    Object.entries(json).map(([name, each]) => [name, exactNumbers(each, collection)]),
  )
}

/** True if JSON writes the number as the same one; JavaScript writes no more digits than a double needs. */
function isSameNumber(number: number, text: string): boolean {
  return Number.isFinite(number) && digitsOf(String(number)) === digitsOf(text)
}

/** A number as `digits` times ten to the power of `exponent`, with no zeros at either end. */
function digitsOf(text: string): string {
  const [, sign = '', whole = '', fraction = '', power = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const trimmed = digits.replace(/0+$/, '')
  if (trimmed === '') return '0'
  const exponent = Number(power) - fraction.length + digits.length - trimmed.length
  return `${sign}${trimmed}e${exponent}`
}
