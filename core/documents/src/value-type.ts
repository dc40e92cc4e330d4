import { decodeBase64, encodeBase64 } from '@millrace/kernel'

/**
 * A kind of value that JSON has no word for, and how it stands in JSON: as a text, or as a number of any size and
 * precision (filters compare numbers as 64-bit floating point).
 *
 * @example
 * const decimal: ValueType<Big> = {
 *   name: 'decimal',
 *   json: 'number',
 *   is: (value): value is Big => value instanceof Big,
 *   encode: (value) => value.toFixed(),
 *   decode: (text) => new Big(text),
 * }
 */
export interface ValueType<Value = unknown> {
  /** Kept with the documents; never change it. */
  readonly name: string
  readonly json: 'text' | 'number'
  is(value: unknown): value is Value
  /** The text, or the number as JSON writes it. Texts should have the order of the values. */
  encode(value: Value): string
  /** The value; undefined for a text or number that `encode` never makes. */
  decode(text: string): Value | undefined
}

/** As a whole number. */
export const bigintType: ValueType<bigint> = {
  name: 'bigint',
  json: 'number',
  is: (value): value is bigint => typeof value === 'bigint',
  encode: (value) => value.toString(),
  decode: (text) => {
    const digits = /^-?\d+$/.test(text) ? text : wholeDigits(text)
    return digits === undefined ? undefined : BigInt(digits)
  },
}

/** The digits of a whole number that JavaScript has written with an exponent, as it does from 1e21 on. */
function wholeDigits(text: string): string | undefined {
  const [, whole, fraction = '', power] = /^(-?\d)(?:\.(\d+))?e\+(\d{1,3})$/.exec(text) ?? []
  const zeros = Number(power) - fraction.length
  return whole === undefined || zeros < 0 ? undefined : `${whole}${fraction}${'0'.repeat(zeros)}`
}

/** As base64. */
export const bytesType: ValueType<Uint8Array> = {
  name: 'bytes',
  json: 'text',
  is: (value): value is Uint8Array => tagOf(value) === 'Uint8Array',
  encode: encodeBase64,
  decode: (text) => {
    const bytes = decodeBase64(text)
    return bytes !== undefined && encodeBase64(bytes) === text ? bytes : undefined
  },
}

/** The class of a built-in object, also of another realm's. */
export function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1)
}
