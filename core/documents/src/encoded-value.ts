import { documentLimits } from './document-limits.ts'
import { isPlainObject } from './document-text.ts'
import { rawNumber } from './raw-number.ts'
import { everyElement, mergeTrees, namedTree, type TypeTree, type ValueTypes } from './type-tree.ts'
import type { ValueType } from './value-type.ts'

/** A value as JSON, and which parts of it stand for something else. */
export interface EncodedValue {
  /** What no type knows is still in it, and so are circles: whoever writes it finds them out. */
  readonly json: unknown
  readonly tree: TypeTree | undefined
}

/** Puts JSON in the place of every value that one of the types knows. The value itself is left as it is. */
export function encodeValue(value: unknown, types: ValueTypes, level = 1): EncodedValue {
  if (typeof value === 'bigint') return encodeSingle(value, types)
  if (typeof value !== 'object' || value === null || level > documentLimits.documentLevelsMax) {
    return { json: value, tree: undefined }
  }
  if (Array.isArray(value)) return encodeArray(value, types, level)
  return isPlainObject(value) ? encodeObject(value, types, level) : encodeSingle(value, types)
}

function encodeSingle(value: unknown, types: ValueTypes): EncodedValue {
  const type = types.of(value)
  return type === undefined
    ? { json: value, tree: undefined }
    : { json: jsonOf(type, value), tree: namedTree(type.name) }
}

/** Source: RFC 8259, section 6. */
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

function jsonOf(type: ValueType, value: unknown): unknown {
  const text = type.encode(value)
  if (type.json === 'text') return text
  // A decimal that is not a number, say, is refused as JavaScript's own would be.
  return JSON_NUMBER.test(text) ? rawNumber(text) : Number.NaN
}

function encodeObject(
  value: Readonly<Record<string, unknown>>,
  types: ValueTypes,
  level: number,
): EncodedValue {
  const properties: [string, unknown][] = []
  const steps: [string, TypeTree][] = []
  for (const [name, property] of Object.entries(value)) {
    const { json, tree } = encodeValue(property, types, level + 1)
    properties.push([name, json])
    if (tree !== undefined) steps.push([name, tree])
  }
  const tree = steps.length === 0 ? undefined : Object.fromEntries(steps)
  return { json: Object.fromEntries(properties), tree }
}

/** One tree for all elements, if it says the same of each as its own; else a tree for each. */
function encodeArray(value: readonly unknown[], types: ValueTypes, level: number): EncodedValue {
  const encoded = value.map((element) => encodeValue(element, types, level + 1))
  const json = encoded.map((each) => each.json)
  const trees = encoded.map(({ tree }) => tree).filter((tree) => tree !== undefined)
  if (trees.length === 0) return { json, tree: undefined }
  const common = trees.reduce<TypeTree | undefined>(
    (merged, tree) => merged && mergeTrees(merged, tree),
    trees[0],
  )
  const isExact = common !== undefined && encoded.every((each) => types.agree(each.json, each.tree, common))
  if (isExact) return { json, tree: everyElement(common) }
  const single = encoded.flatMap(({ tree }, index) =>
    tree === undefined ? [] : [[String(index), tree] as const],
  )
  return { json, tree: Object.fromEntries(single) }
}
