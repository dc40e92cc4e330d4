/** Whole numbers from `from` up to, not including, `to`. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** What {@link RangeSet.add} did: one range took the place of others. */
export interface Merge {
  readonly added: Range
  readonly removed: readonly Range[]
}

/** A set of whole numbers, as sorted ranges that do not touch. */
export class RangeSet {
  #ranges: Range[] = []
  #total = 0

  get all(): readonly Range[] {
    return this.#ranges
  }

  get size(): number {
    return this.#ranges.length
  }

  /** How many numbers are in it. */
  get total(): number {
    return this.#total
  }

  has(number: number): boolean {
    return this.rangeAt(number) !== undefined
  }

  /** The range that holds `number`. */
  rangeAt(number: number): Range | undefined {
    const range = this.#ranges[this.#firstEndingAfter(number)]
    return range !== undefined && range.from <= number ? range : undefined
  }

  covers({ from, to }: Range): boolean {
    return from >= to || (this.rangeAt(from)?.to ?? from) >= to
  }

  /** Ranges that share a number with `range`. */
  overlapping({ from, to }: Range): readonly Range[] {
    const first = this.#firstEndingAfter(from)
    let end = first
    while ((this.#ranges[end]?.from ?? Number.POSITIVE_INFINITY) < to) end += 1
    return this.#ranges.slice(first, end)
  }

  /** Adds a range; those that it overlaps or touches become one with it. */
  add({ from, to }: Range): Merge {
    const first = this.#firstEndingAfter(from - 1)
    let end = first
    while ((this.#ranges[end]?.from ?? Number.POSITIVE_INFINITY) <= to) end += 1
    const removed = this.#ranges.slice(first, end)
    const added = {
      from: Math.min(from, removed[0]?.from ?? from),
      to: Math.max(to, removed.at(-1)?.to ?? to),
    }
    this.#replace(first, removed, [added])
    return { added, removed }
  }

  /** Takes a whole range out, as `add` made it. */
  remove(range: Range): void {
    const index = this.#firstEndingAfter(range.from)
    if (this.#ranges[index]?.from === range.from) this.#replace(index, [range], [])
  }

  /** Takes an `add` back, if nothing has changed since. */
  undo({ added, removed }: Merge): void {
    this.#replace(this.#firstEndingAfter(added.from), [added], removed)
  }

  #replace(index: number, old: readonly Range[], next: readonly Range[]): void {
    this.#ranges.splice(index, old.length, ...next)
    for (const { from, to } of old) this.#total -= to - from
    for (const { from, to } of next) this.#total += to - from
  }

  #firstEndingAfter(number: number): number {
    let low = 0
    let high = this.#ranges.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#ranges[middle]?.to ?? 0) > number) high = middle
      else low = middle + 1
    }
    return low
  }
}
