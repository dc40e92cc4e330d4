import type { JsonValue } from './patch.ts'
import { roundedNumber } from './raw-number.ts'

/**
 * Whether two JSON values have the same type and contents; the order of properties does not matter, and numbers are
 * compared as 64-bit floating point.
 */
export function equalJson(one: JsonValue, other: JsonValue): boolean {
  const left = roundedNumber(one)
  const right = roundedNumber(other)
  if (typeof left !== 'object' || left === null || typeof right !== 'object' || right === null) {
    return left === right
  }
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false
    return left.every((item, index) => equalJson(item, right[index]))
  }
  return equalObjects(left as JsonObject, right as JsonObject)
}

type JsonObject = Readonly<Record<string, JsonValue>>

function equalObjects(left: JsonObject, right: JsonObject): boolean {
  const names = Object.keys(left)
  if (names.length !== Object.keys(right).length) return false
  return names.every(
    (name) => Object.hasOwn(right, name) && equalJson(left[name] ?? null, right[name] ?? null),
  )
}
