const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })
// Space, double quote, percent, and everything outside printable ASCII.
const UNSAFE = /[^\u0021\u0023\u0024\u0026-\u007e]+/g
const ENCODED = /(?:%[0-9A-Fa-f]{2})+/g

/** A text as a header value that may hold printable ASCII only. Source: CloudEvents 1.0.2, HTTP binding, 3.1.3.2. */
export function encodePercent(text: string): string {
  return text.replace(UNSAFE, (unsafe) => {
    let encoded = ''
    for (const byte of encoder.encode(unsafe))
      encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    return encoded
  })
}

/** Undoes {@link encodePercent}; what is not encoded, or not UTF-8, stays as it is. */
export function decodePercent(text: string): string {
  return text.replace(ENCODED, (encoded) => {
    const bytes = Uint8Array.from(encoded.slice(1).split('%'), (digits) => Number.parseInt(digits, 16))
    try {
      return decoder.decode(bytes)
    } catch {
      return encoded
    }
  })
}
