import type { FoundEvent } from './store-report.ts'

/** The chain of no events. */
export const CHAIN_START = '0'

/** A short text that depends on every event before and on their order: 53 bits by FNV-1a, in two halves. */
export function chained(chain: string, unit: string, index: number): string {
  let low = 0x811c9dc5
  let high = 0xcbf29ce4
  for (const character of `${chain}/${unit}/${index}`) {
    const code = character.charCodeAt(0)
    low = Math.imul(low ^ code, 0x01000193) >>> 0
    high = Math.imul(high ^ code, 0x01000197) >>> 0
  }
  return `${low.toString(36)}${high.toString(36)}`
}

/** The chains behind each of the events; the first is that of none. */
export function chainsOf(events: readonly FoundEvent[]): string[] {
  const chains = [CHAIN_START]
  for (const [unit, index] of events) chains.push(chained(chains.at(-1) ?? CHAIN_START, unit, index))
  return chains
}
