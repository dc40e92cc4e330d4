const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Base64 with padding. Source: RFC 4648, section 4. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = ''
  for (let index = 0; index < bytes.length; index += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(index, index + 3)
    const word = (a << 16) | (b << 8) | c
    const left = bytes.length - index
    text += ALPHABET[word >> 18]
    text += ALPHABET[(word >> 12) & 63]
    text += left > 1 ? ALPHABET[(word >> 6) & 63] : '='
    text += left > 2 ? ALPHABET[word & 63] : '='
  }
  return text
}

/** The bytes of a padded base64 text, or undefined if it is none. */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (!BASE64.test(text)) return undefined
  const bytes = new Uint8Array((text.length / 4) * 3 - (text.match(/=/g)?.length ?? 0))
  let position = 0
  for (let index = 0; index < text.length; index += 4) {
    let word = 0
    for (let digit = 0; digit < 4; digit += 1) word = (word << 6) | Math.max(0, ALPHABET.indexOf(text[index + digit] ?? '='))
    for (const shift of [16, 8, 0]) {
      if (position < bytes.length) bytes[position++] = (word >> shift) & 255
    }
  }
  return bytes
}
