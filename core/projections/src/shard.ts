/** One of the parts into which a projection's keys are divided; each is worked on alone. */
export interface Shard {
  /** From 0 on. */
  readonly index: number
  readonly count: number
}

/** Most shards of one projection: each has a lease, a position and a fetcher. */
export const SHARDS_MAX = 64

/**
 * The shard that a key belongs to: FNV-1a (32 bits) over its UTF-16 units, modulo the count. It must never change, since
 * a key that moves to another shard would meet another position.
 *
 * Source: G. Fowler, L. C. Noll, K.-P. Vo, "The FNV Non-Cryptographic Hash Algorithm", draft-eastlake-fnv.
 */
export function shardOf(key: string, count: number): number {
  if (count === 1) return 0
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index += 1) {
    const unit = key.charCodeAt(index)
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193)
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193)
  }
  return (hash >>> 0) % count
}

/** True if the shard is the one that `key` belongs to. */
export function owns({ index, count }: Shard, key: string): boolean {
  return shardOf(key, count) === index
}
