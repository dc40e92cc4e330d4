/** What happened in a run, in order. The hash is over everything; only the tail is kept. */
export interface History {
  /** How many notes there are. */
  readonly length: number
  /** 16 hex digits; equal for runs in which the same happened at the same time. */
  readonly hash: string
  note(what: string): void
  /** The newest notes, oldest first. */
  tail(): readonly string[]
}

/** FNV-1a, 32 bits, twice with different starts. Source: draft-eastlake-fnv, section 2. */
const FNV_PRIME = 0x01000193
const FNV_START = 0x811c9dc5
const FNV_OTHER_START = 0x1b873593

/** `stamp` gives what stands before each note; `tailMax` is the number of notes kept. */
export function openHistory(stamp: () => string, tailMax: number): History {
  let first = FNV_START
  let second = FNV_OTHER_START
  let length = 0
  const kept: string[] = []
  return {
    get length() {
      return length
    },
    get hash() {
      return (first >>> 0).toString(16).padStart(8, '0') + (second >>> 0).toString(16).padStart(8, '0')
    },
    note(what) {
      const line = `${stamp()} ${what}`
      for (let index = 0; index < line.length; index += 1) {
        const unit = line.charCodeAt(index)
        first = Math.imul(first ^ unit, FNV_PRIME)
        second = Math.imul(second ^ unit ^ index, FNV_PRIME)
      }
      kept[length % tailMax] = line
      length += 1
    },
    tail() {
      if (length <= tailMax) return kept.slice()
      const start = length % tailMax
      return [...kept.slice(start), ...kept.slice(0, start)]
    },
  }
}
