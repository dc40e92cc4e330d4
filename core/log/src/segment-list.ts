import { assert } from '@millrace/kernel'
import type { Segment } from './segment.ts'

/** The segments of a log in the order of their offsets; the last one is written to. */
export class SegmentList {
  readonly #segments: Segment[] = []
  #revision = 0

  /** Goes up when other segments than the last one have changed: removed, or replaced. */
  get revision(): number {
    return this.#revision
  }

  get all(): readonly Segment[] {
    return this.#segments
  }

  get first(): Segment | undefined {
    return this.#segments[0]
  }

  get last(): Segment | undefined {
    return this.#segments.at(-1)
  }

  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.fileBytes, 0)
  }

  /** Adds the newest segment; it takes the place of one that has the same name, which then holds no record. */
  push(segment: Segment): void {
    const { last } = this
    if (last !== undefined && last.baseOffset === segment.baseOffset) {
      assert(last.endOffset === last.baseOffset, 'only an empty segment is replaced')
      this.#segments.pop()
    }
    this.#segments.push(segment)
  }

  /** Puts one segment in the place of adjacent ones. */
  replace(replaced: readonly Segment[], segment: Segment): void {
    const [first] = replaced
    assert(first !== undefined && this.#segments.includes(first), 'what is replaced is in the list')
    this.#segments.splice(this.#segments.indexOf(first), replaced.length, segment)
    this.#revision += 1
  }

  /** Takes over what somebody else has found. */
  replaceAll(segments: readonly Segment[]): void {
    this.#segments.splice(0, this.#segments.length, ...segments)
  }

  removeFirst(): void {
    this.#segments.shift()
    this.#revision += 1
  }

  /** The segment that holds `offset`, or else the next one behind it. */
  holding(offset: number): Segment | undefined {
    let low = 0
    let high = this.#segments.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#segments[middle]?.endOffset ?? 0) > offset) high = middle
      else low = middle + 1
    }
    return this.#segments[low]
  }
}
