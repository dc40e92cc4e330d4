/** Chance. Core code never draws a random number of its own. */
export interface Random {
  /** A number at or above 0 and below 1. */
  next(): number
  /** `count` random bytes. A production implementation draws them from a cryptographic source. */
  bytes(count: number): Uint8Array
}

/**
 * The same numbers for the same seed, for simulation and tests; never for secrets.
 *
 * Source: xoshiro128** 1.1, D. Blackman and S. Vigna, 2018, seeded by splitmix32.
 */
export function seededRandom(seed: number): Random {
  const state = Uint32Array.from(splitmix32(seed, 4))
  const nextUint32 = () => xoshiro128StarStar(state)
  return {
    next: () => nextUint32() / 0x1_0000_0000,
    bytes: (count) => Uint8Array.from({ length: count }, () => nextUint32() >>> 24),
  }
}

function splitmix32(seed: number, count: number): number[] {
  let state = seed | 0
  return Array.from({ length: count }, () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  })
}

function xoshiro128StarStar(state: Uint32Array): number {
  const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = state
  const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0
  const shifted = s1 << 9
  const t2 = s2 ^ s0
  const t3 = s3 ^ s1
  state[1] = s1 ^ t2
  state[0] = s0 ^ t3
  state[2] = t2 ^ shifted
  state[3] = rotateLeft(t3, 11)
  return result
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

/** An integer at or above `low` and below `high`. */
export function randomInteger(random: Random, low: number, high: number): number {
  return low + Math.floor(random.next() * (high - low))
}
