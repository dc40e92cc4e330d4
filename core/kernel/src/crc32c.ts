/** The reflected Castagnoli polynomial. */
const POLYNOMIAL = 0x82f63b78
/** Sixteen tables of 256 entries in one array, so that the compiler sees that no index leaves it. */
const TABLE = makeTable()
/** From here on a view of words pays. */
const WORDS_BYTES_MIN = 256
const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1

/**
 * CRC-32C of `bytes`; pass an earlier result as `seed` to go on with a further piece. Slicing by sixteen where there is
 * enough to slice.
 *
 * Source: RFC 3720, appendix B.4 (polynomial and test vectors); M. Kounavis and F. Berry, "A Systematic Approach
 * to Building High Performance, Software-based, CRC Generators", 2005.
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  const { length } = bytes
  if (length < WORDS_BYTES_MIN || !IS_LITTLE_ENDIAN) return ~addBytes(~seed, bytes, 0, length) >>> 0
  const start = -bytes.byteOffset & 3
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + start, ((length - start) >>> 4) * 4)
  const crc = addWords(addBytes(~seed, bytes, 0, start), words)
  return ~addBytes(crc, bytes, start + words.byteLength, length) >>> 0
}

/** `words.length` is a multiple of four. */
function addWords(seed: number, words: Int32Array): number {
  let crc = seed
  for (let index = 0; index < words.length - 3; index += 4) {
    const first = words[index]! ^ crc
    const second = words[index + 1]!
    const third = words[index + 2]!
    const fourth = words[index + 3]!
    crc =
      TABLE[3840 + (first & 255)]! ^
      TABLE[3584 + ((first >>> 8) & 255)]! ^
      TABLE[3328 + ((first >>> 16) & 255)]! ^
      TABLE[3072 + (first >>> 24)]! ^
      TABLE[2816 + (second & 255)]! ^
      TABLE[2560 + ((second >>> 8) & 255)]! ^
      TABLE[2304 + ((second >>> 16) & 255)]! ^
      TABLE[2048 + (second >>> 24)]! ^
      TABLE[1792 + (third & 255)]! ^
      TABLE[1536 + ((third >>> 8) & 255)]! ^
      TABLE[1280 + ((third >>> 16) & 255)]! ^
      TABLE[1024 + (third >>> 24)]! ^
      TABLE[768 + (fourth & 255)]! ^
      TABLE[512 + ((fourth >>> 8) & 255)]! ^
      TABLE[256 + ((fourth >>> 16) & 255)]! ^
      TABLE[fourth >>> 24]!
  }
  return crc
}

/** The bytes from `start` to `end`, by eight while there are so many. */
function addBytes(seed: number, bytes: Uint8Array, start: number, end: number): number {
  let crc = seed
  let index = start
  for (; index < end - 7; index += 8) {
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
  for (; index < end; index += 1) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[index]!) & 255]!
  return crc
}

function makeTable(): Int32Array {
  const table = new Int32Array(16 * 256)
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
