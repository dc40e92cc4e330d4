/** An entry of a {@link DueHeap}: earliest `dueMs` first, then lowest `sequence`. */
export interface HeapEntry {
  readonly dueMs: number
  readonly sequence: number
}

/** A binary min-heap by time and then by order of arrival. */
export class DueHeap<Entry extends HeapEntry> {
  readonly #entries: Entry[] = []

  get size(): number {
    return this.#entries.length
  }

  peek(): Entry | undefined {
    return this.#entries[0]
  }

  push(entry: Entry): void {
    this.#entries.push(entry)
    this.#siftUp(this.#entries.length - 1)
  }

  pop(): Entry | undefined {
    const first = this.#entries[0]
    const last = this.#entries.pop()
    if (first === undefined || last === undefined || this.#entries.length === 0) return first
    this.#entries[0] = last
    this.#siftDown(0)
    return first
  }

  #siftUp(start: number): void {
    let index = start
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!this.#isBefore(index, parent)) return
      this.#swap(index, parent)
      index = parent
    }
  }

  #siftDown(start: number): void {
    let index = start
    for (;;) {
      let smallest = index
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < this.#entries.length && this.#isBefore(child, smallest)) smallest = child
      }
      if (smallest === index) return
      this.#swap(index, smallest)
      index = smallest
    }
  }

  #isBefore(left: number, right: number): boolean {
    const a = this.#entries[left] as Entry
    const b = this.#entries[right] as Entry
    return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence)
  }

  #swap(left: number, right: number): void {
    const entry = this.#entries[left] as Entry
    this.#entries[left] = this.#entries[right] as Entry
    this.#entries[right] = entry
  }
}
