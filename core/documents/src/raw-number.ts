/**
 * A number of JSON as it is written, digit by digit, where JavaScript's number would not be the same. `JSON.stringify`
 * writes it as it is. Source: ECMAScript proposal "JSON.parse source text access", which Node has had since version 21.
 */
export interface RawNumber {
  readonly rawJSON: string
}

interface JsonWithSources {
  rawJSON(text: string): RawNumber
  isRawJSON(value: unknown): boolean
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown
}

const json = JSON as unknown as JsonWithSources

/** `text` must be a number of JSON. */
export function rawNumber(text: string): RawNumber {
  return json.rawJSON(text)
}

export function isRawNumber(value: unknown): value is RawNumber {
  return json.isRawJSON(value)
}

/** Parses JSON; a number that a JavaScript number cannot hold exactly, or would write otherwise, is a raw one. */
export function parseKeepingNumbers(text: string): unknown {
  return json.parse(text, (_, value, { source }) =>
    typeof value === 'number' && source !== undefined && source !== String(value) ? rawNumber(source) : value,
  )
}

/**
 * A copy of what {@link parseKeepingNumbers} has parsed. `structuredClone` would make an object with a text of a raw
 * number.
 */
export function copyJson<Json>(value: Json): Json {
  if (typeof value !== 'object' || value === null || isRawNumber(value)) return value
  if (Array.isArray(value)) return value.map(copyJson) as Json
  const properties = Object.entries(value).map(([name, each]) => [name, copyJson(each)])
  return Object.fromEntries(properties) as Json
}

/** The value, or the number in the place of a raw one. */
export function roundedNumber<Json>(value: Json): Json | number {
  return isRawNumber(value) ? Number(value.rawJSON) : value
}
