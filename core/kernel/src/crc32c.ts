/** The reflected Castagnoli polynomial. */
const POLYNOMIAL = 0x82f63b78
/** Eight tables of 256 entries in one array, so that the compiler sees that no index leaves it. */
const TABLE = makeTable()

/**
 * CRC-32C of `bytes`; pass an earlier result as `seed` to go on with a further piece. Slicing by eight.
 *
 * Source: RFC 3720, appendix B.4 (polynomial and test vectors); M. Kounavis and F. Berry, "A Systematic Approach
 * to Building High Performance, Software-based, CRC Generators", 2005.
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed
  let index = 0
  const wholeEnd = bytes.length - 7
  for (; index < wholeEnd; index += 8) {
    crc =
      TABLE[1792 + ((crc ^ bytes[index]!) & 255)]! ^
      TABLE[1536 + (((crc >>> 8) ^ bytes[index + 1]!) & 255)]! ^
      TABLE[1280 + (((crc >>> 16) ^ bytes[index + 2]!) & 255)]! ^
      TABLE[1024 + ((crc >>> 24) ^ bytes[index + 3]!)]! ^
      TABLE[768 + bytes[index + 4]!]! ^
      TABLE[512 + bytes[index + 5]!]! ^
      TABLE[256 + bytes[index + 6]!]! ^
      TABLE[bytes[index + 7]!]!
  }
  for (; index < bytes.length; index += 1) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[index]!) & 255]!
  return ~crc >>> 0
}

function makeTable(): Int32Array {
  const table = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    table[byte] = crc
  }
  // Each further table is the one before it, a zero byte later.
  for (let index = 256; index < table.length; index += 1) {
    const crc = table[index - 256]!
    table[index] = (crc >>> 8) ^ table[crc & 255]!
  }
  return table
}
