import type { FilterValue } from '@millrace/documents'

/**
 * Code points of a text that a sort key holds. An entry of an index has at most 2,704 bytes, and there may be ten keys
 * and a tenant in one; what is longer is compared in full beside the key.
 */
export const KEY_TEXT_CHARACTERS = 64

/** First characters of keys: null and missing, false, true, numbers, texts, objects and arrays. */
export const KEY_RANK = { null: '0', false: '1', true: '2', number: '3', text: '4', other: '5' } as const

/**
 * The sort key of a value, as the function `sort_key` of the store makes it of a value in a document: texts whose order
 * by bytes is the order across types of the port. A number is its 64 bits in hexadecimal, with the sign turned so that
 * the order is that of the numbers.
 */
export function sortKey(value: FilterValue): string {
  if (value === null) return KEY_RANK.null
  if (typeof value === 'boolean') return value ? KEY_RANK.true : KEY_RANK.false
  if (typeof value === 'number') return `${KEY_RANK.number}${numberKey(value)}`
  return `${KEY_RANK.text}${[...value.slice(0, 2 * KEY_TEXT_CHARACTERS)].slice(0, KEY_TEXT_CHARACTERS).join('')}`
}

/** Whether two values with this key are equal for sure: its text, if it is one, stands in the key as a whole. */
export function isWholeInKey(value: FilterValue): boolean {
  return (
    typeof value !== 'string' || [...value.slice(0, 2 * KEY_TEXT_CHARACTERS)].length < KEY_TEXT_CHARACTERS
  )
}

function numberKey(value: number): string {
  const bytes = Buffer.alloc(8)
  // Plus zero makes a negative zero a plain one.
  bytes.writeDoubleBE(value + 0)
  const digits = bytes.toString('hex')
  return value >= 0
    ? `1${digits}`
    : `0${digits.replace(/./g, (digit) => (15 - Number.parseInt(digit, 16)).toString(16))}`
}

/** The first text behind all that begin with `prefix`; undefined if there is none. */
export function behindPrefix(prefix: string): string | undefined {
  const points = [...prefix].map((point) => point.codePointAt(0) as number)
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10_ffff) continue
    // The halves of surrogate pairs are no characters.
    const next = last === 0xd7ff ? 0xe000 : last + 1
    return String.fromCodePoint(...points, next)
  }
  return undefined
}
