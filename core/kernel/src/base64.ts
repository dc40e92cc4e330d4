const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const PADDING = '='.charCodeAt(0)
const INVALID = 255
/** The value of each ASCII digit; a table, because a regular expression overflows its stack at some megabytes. */
const VALUES = new Uint8Array(128).fill(INVALID)
for (let value = 0; value < 64; value += 1) VALUES[ALPHABET.charCodeAt(value)] = value

/** Base64 with padding. Source: RFC 4648, section 4. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = ''
  for (let index = 0; index < bytes.length; index += 3) {
    const left = bytes.length - index
    const word = (bytes[index]! << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0)
    text += ALPHABET[word >> 18]! + ALPHABET[(word >> 12) & 63]!
    text += left > 1 ? ALPHABET[(word >> 6) & 63]! : '='
    text += left > 2 ? ALPHABET[word & 63]! : '='
  }
  return text
}

/** The bytes of a padded base64 text, or undefined if it is none. */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined
  const digits = text.length - paddingOf(text)
  const bytes = new Uint8Array(Math.floor((digits * 3) / 4))
  let word = 0
  let bits = 0
  let position = 0
  for (let index = 0; index < digits; index += 1) {
    const value = VALUES[text.charCodeAt(index)] ?? INVALID
    if (value === INVALID) return undefined
    word = ((word << 6) | value) & 0xffff
    bits += 6
    if (bits < 8) continue
    bits -= 8
    bytes[position] = word >> bits
    position += 1
  }
  return bytes
}

function paddingOf(text: string): number {
  if (text.charCodeAt(text.length - 1) !== PADDING) return 0
  return text.charCodeAt(text.length - 2) === PADDING ? 2 : 1
}
