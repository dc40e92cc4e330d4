import { formatUuid } from '@millrace/kernel'
import { sha256 } from '@noble/hashes/sha2.js'

const encoder = new TextEncoder()

/**
 * The id of what `processor` made of the event `causeId` as its output number `index`. The same three give
 * the same id for ever, so a repeated delivery makes repeated ids, which the bus recognises.
 *
 * SHA-256 of the length-prefixed parts, cut to a UUID. Source: RFC 9562, section 5.8 (version 8).
 */
export function derivedId(causeId: string, processor: string, index: number): string {
  const parts = `${causeId.length}:${causeId}${processor.length}:${processor}${index}`
  return formatUuid(sha256(encoder.encode(parts)).slice(0, 16), 8)
}
