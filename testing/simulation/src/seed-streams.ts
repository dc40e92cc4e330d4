import { crc32c, type Random, seededRandom } from '@millrace/kernel'

const encoder = new TextEncoder()

/** A stream of chance of its own for each purpose, so that one more draw in one place changes nothing elsewhere. */
export function seedStream(seed: number, purpose: string): Random {
  return seededRandom(crc32c(encoder.encode(`${seed}/${purpose}`)))
}

/** True with the given probability, from 0 to 1. */
export function chance(random: Random, share: number): boolean {
  return random.next() < share
}

/** A number at or above `low` and below `high`. */
export function between(random: Random, low: number, high: number): number {
  return low + random.next() * (high - low)
}

/** One of `choices`, each as likely as the others. */
export function oneOf<Choice>(random: Random, choices: readonly [Choice, ...Choice[]]): Choice {
  return choices[Math.floor(random.next() * choices.length)] ?? choices[0]
}
