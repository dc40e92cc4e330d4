import type { LogGap } from './log.ts'

/** The damage of a log: ranges of offsets that cannot be read, in order, never overlapping. */
export class GapList {
  #gaps: readonly LogGap[] = []

  get all(): readonly LogGap[] {
    return this.#gaps
  }

  /** Adds a gap, without the parts that are known already. An empty one is nothing. */
  add(gap: LogGap): void {
    let { from } = gap
    const fresh: LogGap[] = []
    for (const known of this.#gaps) {
      if (known.to <= from || known.from >= gap.to) continue
      if (known.from > from) fresh.push({ ...gap, from, to: known.from })
      from = Math.max(from, known.to)
    }
    if (from < gap.to) fresh.push({ ...gap, from })
    this.#gaps = [...this.#gaps, ...fresh].sort((left, right) => left.from - right.from)
  }

  /** The first offset at or behind `offset` that is in no gap. */
  skip(offset: number): number {
    let next = offset
    for (const gap of this.#gaps) if (gap.from <= next && next < gap.to) next = gap.to
    return next
  }

  /** Forgets what retention has removed. */
  dropBelow(offset: number): void {
    if (this.#gaps.some((gap) => gap.to <= offset)) this.#gaps = this.#gaps.filter((gap) => gap.to > offset)
  }
}
