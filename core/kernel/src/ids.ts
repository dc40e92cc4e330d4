import type { Clock } from './clock.ts'
import type { Random } from './random.ts'

/** What a new id is made from. */
export interface IdSource {
  readonly clock: Clock
  readonly random: Random
}

/**
 * A new UUID, ordered by time to the millisecond.
 *
 * Source: RFC 9562, section 5.7 (version 7).
 */
export function newId(source: IdSource): string {
  const bytes = source.random.bytes(16)
  const timeMs = source.clock.now()
  bytes[0] = Math.floor(timeMs / 2 ** 40)
  bytes[1] = Math.floor(timeMs / 2 ** 32)
  bytes[2] = timeMs >>> 24
  bytes[3] = timeMs >>> 16
  bytes[4] = timeMs >>> 8
  bytes[5] = timeMs
  return formatUuid(bytes, 7)
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** The first 16 bytes as a UUID of that version, which is written into them. Source: RFC 9562, section 4. */
export function formatUuid(bytes: Uint8Array, version: number): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | (version << 4)
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  let text = ''
  for (let index = 0; index < 16; index += 1) {
    if (index === 4 || index === 6 || index === 8 || index === 10) text += '-'
    text += HEX[bytes[index] ?? 0]
  }
  return text
}
