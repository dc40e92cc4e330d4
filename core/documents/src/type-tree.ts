import { isRawNumber, type RawNumber } from './raw-number.ts'
import type { ValueType } from './value-type.ts'

/**
 * Which parts of a JSON value stand for something else. Under `$` is the name of the type of the value itself; under
 * every other step the tree of a property of the object, of an element of the array by its index, or of all elements of
 * the array, under `[]`.
 *
 * A name counts only where a value of that type can be: where a text is named a bigint, it is a text. So a tree may say
 * more than there is, and patches that take something away can leave it alone.
 */
export interface TypeTree {
  readonly [step: string]: TypeTree | string
}

/** Where the tree of types stands in a document that needs one. */
export const TYPES = '$types'

const NAME = '$'
const EVERY = '[]'

/** The tree of a value that is of the type called `name`. */
export function namedTree(name: string): TypeTree {
  return { [NAME]: name }
}

/** The tree of an array whose elements have the tree `each`. */
export function everyElement(each: TypeTree): TypeTree {
  return { [EVERY]: each }
}

/** Where names stand in a tree, below `prefix`. */
export function namesIn(
  tree: TypeTree,
  prefix: readonly string[],
): { path: readonly string[]; name: string }[] {
  return Object.entries(tree).flatMap(([step, below]) => {
    const path = [...prefix, step]
    return typeof below === 'string' ? [{ path, name: below }] : namesIn(below, path)
  })
}

/** Both trees as one; undefined if they say different things of one place. */
export function mergeTrees(left: TypeTree, right: TypeTree): TypeTree | undefined {
  const merged = new Map(Object.entries(left))
  for (const [step, below] of Object.entries(right)) {
    const other = merged.get(step)
    const both =
      typeof other === 'object' && typeof below === 'object' ? mergeTrees(other, below) : (other ?? below)
    if (both === undefined || typeof both !== typeof below || (typeof both === 'string' && both !== below)) {
      return undefined
    }
    merged.set(step, both)
  }
  return Object.fromEntries(merged)
}

/** The tree at a path of properties. Trees that are read come from the database, and may be anything. */
export function treeAt(tree: unknown, path: readonly string[]): unknown {
  let current = tree
  for (const name of path) current = stepOf(current, name)
  return current
}

/** Value types by their names, and what trees mean with them. */
export class ValueTypes {
  readonly #types: ReadonlyMap<string, ValueType>

  constructor(types: readonly ValueType[]) {
    this.#types = new Map(types.map((type) => [type.name, type]))
  }

  /** The type of a value; undefined if it is none of these. */
  of(value: unknown): ValueType | undefined {
    for (const type of this.#types.values()) if (type.is(value)) return type
    return undefined
  }

  /** True if some name in the tree is a type of numbers, whose digits must be seen before they become a number. */
  hasNumbers(tree: unknown): boolean {
    if (typeof tree === 'string') return this.#types.get(tree)?.json === 'number'
    if (typeof tree !== 'object' || tree === null) return false
    return Object.values(tree).some((below) => this.hasNumbers(below))
  }

  /**
   * The value with everything in its place that the tree names; changes objects and arrays in place. Without
   * `hasRawNumbers` nothing else is looked at.
   */
  revive(json: unknown, tree: unknown, hasRawNumbers: boolean): unknown {
    if (isSingle(json)) return this.#decoded(json, nameOf(tree)) ?? plainOf(json)
    if (typeof json !== 'object' || json === null || (tree === undefined && !hasRawNumbers)) return json
    if (Array.isArray(json)) {
      for (let index = 0; index < json.length; index += 1) {
        json[index] = this.revive(json[index], elementOf(tree, index), hasRawNumbers)
      }
      return json
    }
    const properties = json as Record<string, unknown>
    const names = hasRawNumbers ? properties : tree
    for (const name of Object.keys(names ?? {})) {
      if (!Object.hasOwn(properties, name)) continue
      properties[name] = this.revive(properties[name], stepOf(tree, name), hasRawNumbers)
    }
    return json
  }

  /** True if `revive` makes the same of an encoded value with `tree` as with `own`, which is its exact tree. */
  agree(json: unknown, own: unknown, tree: unknown): boolean {
    if (isSingle(json)) {
      if (nameOf(own) === nameOf(tree)) return true
      return nameOf(own) === undefined && this.#decoded(json, nameOf(tree)) === undefined
    }
    if (Array.isArray(json)) {
      return json.every((each, index) => this.agree(each, elementOf(own, index), elementOf(tree, index)))
    }
    if (typeof json !== 'object' || json === null) return true
    return Object.entries(json).every(([name, each]) =>
      this.agree(each, stepOf(own, name), stepOf(tree, name)),
    )
  }

  /** True if some type would take a part of the value for its own, if a tree named it there. */
  mayBeTaken(json: unknown): boolean {
    if (isSingle(json)) return [...this.#types.keys()].some((name) => this.#decoded(json, name) !== undefined)
    return (
      typeof json === 'object' && json !== null && Object.values(json).some((each) => this.mayBeTaken(each))
    )
  }

  #decoded(json: string | number | RawNumber, name: string | undefined): unknown {
    const type = name === undefined ? undefined : this.#types.get(name)
    if (type === undefined || type.json !== (typeof json === 'string' ? 'text' : 'number')) return undefined
    return type.decode(typeof json === 'object' ? json.rawJSON : String(json))
  }
}

function nameOf(tree: unknown): string | undefined {
  const name = typeof tree === 'object' && tree !== null ? (tree as TypeTree)[NAME] : undefined
  return typeof name === 'string' ? name : undefined
}

function stepOf(tree: unknown, step: string): unknown {
  if (typeof tree !== 'object' || tree === null || !Object.hasOwn(tree, step)) return undefined
  const below = (tree as TypeTree)[step]
  return typeof below === 'object' ? below : undefined
}

function elementOf(tree: unknown, index: number): unknown {
  return stepOf(tree, String(index)) ?? stepOf(tree, EVERY)
}

function isSingle(json: unknown): json is string | number | RawNumber {
  return typeof json === 'string' || typeof json === 'number' || isRawNumber(json)
}

function plainOf(json: string | number | RawNumber): string | number {
  return typeof json === 'object' ? Number(json.rawJSON) : json
}
