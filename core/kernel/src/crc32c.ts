/** The reflected Castagnoli polynomial. */
const POLYNOMIAL = 0x82f63b78
const TABLES = makeTables()

/**
 * CRC-32C of `bytes`; pass an earlier result as `seed` to go on with a further piece. Slicing by eight.
 *
 * Source: RFC 3720, appendix B.4 (polynomial and test vectors); M. Kounavis and F. Berry, "A Systematic Approach
 * to Building High Performance, Software-based, CRC Generators", 2005.
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed
  let index = 0
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES
  const wholeEnd = bytes.length - 7
  for (; index < wholeEnd; index += 8) {
    const low = crc ^ word(bytes, index)
    const high = word(bytes, index + 4)
    crc =
      t7[low & 255]! ^
      t6[(low >>> 8) & 255]! ^
      t5[(low >>> 16) & 255]! ^
      t4[low >>> 24]! ^
      t3[high & 255]! ^
      t2[(high >>> 8) & 255]! ^
      t1[(high >>> 16) & 255]! ^
      t0[high >>> 24]!
  }
  for (; index < bytes.length; index += 1) crc = (crc >>> 8) ^ t0[(crc ^ bytes[index]!) & 255]!
  return ~crc >>> 0
}

function word(bytes: Uint8Array, index: number): number {
  return bytes[index]! | (bytes[index + 1]! << 8) | (bytes[index + 2]! << 16) | (bytes[index + 3]! << 24)
}

type Table = Int32Array
type Tables = readonly [Table, Table, Table, Table, Table, Table, Table, Table]

function makeTables(): Tables {
  const tables = Array.from({ length: 8 }, () => new Int32Array(256))
  const [first = new Int32Array(256)] = tables
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    first[byte] = crc
  }
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = first[byte] ?? 0
    for (const table of tables) {
      table[byte] = crc
      crc = (crc >>> 8) ^ (first[crc & 255] ?? 0)
    }
  }
  return tables as unknown as Tables
}
