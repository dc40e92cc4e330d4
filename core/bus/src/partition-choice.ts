/**
 * The partition of a key, the same for ever: changing this breaks the order per key of every topic with several
 * partitions. FNV-1a over the UTF-16 code units, low byte first.
 *
 * Source: draft-eastlake-fnv, section 2 (32-bit FNV-1a).
 */
export function partitionOfKey(key: string, partitions: number): number {
  if (partitions === 1) return 0
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index += 1) {
    const unit = key.charCodeAt(index)
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193)
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193)
  }
  return (hash >>> 0) % partitions
}
