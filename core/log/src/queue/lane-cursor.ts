import type { TableEntry } from '../table/table.ts'
import { type Range, RangeSet } from './range-set.ts'

/** What is known of an item that came back, or that is to come back later. */
export interface Trial {
  readonly deliveries: number
  /** By the wall clock; 0 if it need not wait. */
  readonly notBeforeMs: number
}

/**
 * How far one consumer is in one lane, as its table knows it. In the table are facts, each under a key of its own, so
 * that an acknowledgement changes one or two of them, however many there are:
 *
 *   cursor/CONSUMER/LANE          every offset before this one is done
 *   done/CONSUMER/LANE/FROM       offsets from FROM up to, not including, this one are done, too
 *   taken/CONSUMER/LANE/FROM      those up to this one have been handed out once, unless they are done or tried
 *   tried/CONSUMER/LANE/OFFSET    [deliveries, not before] of one item
 */
export class LaneCursor {
  readonly consumer: string
  readonly lane: string
  doneBefore = 0
  readonly done = new RangeSet()
  readonly taken = new RangeSet()
  readonly tried = new Map<number, Trial>()

  constructor(consumer: string, lane: string) {
    this.consumer = consumer
    this.lane = lane
  }

  isDone(offset: number): boolean {
    return offset < this.doneBefore || this.done.has(offset)
  }

  trialOf(offset: number): Trial {
    return this.tried.get(offset) ?? { deliveries: this.taken.has(offset) ? 1 : 0, notBeforeMs: 0 }
  }

  key(fact: 'cursor' | 'done' | 'taken' | 'tried', offset?: number): string {
    const key = `${fact}/${this.consumer}/${this.lane}`
    return offset === undefined ? key : `${key}/${offset}`
  }

  /** Every key that the table has of it. */
  *keys(): Generator<string> {
    yield this.key('cursor')
    for (const { from } of this.done.all) yield this.key('done', from)
    for (const { from } of this.taken.all) yield this.key('taken', from)
    for (const offset of this.tried.keys()) yield this.key('tried', offset)
  }
}

const encoder = new TextEncoder()

/** A value of the table. */
export function fact(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value))
}

/**
 * Changes of cursors that are to become durable together. They are in memory at once, in the table when `entries` are
 * put, and taken back by `undo` if that fails; so they must be made one after another.
 */
export class CursorChange {
  readonly #entries = new Map<string, Uint8Array | undefined>()
  readonly #undo: (() => void)[] = []

  get entries(): readonly TableEntry[] {
    return [...this.#entries].map(([key, value]) => (value === undefined ? { key } : { key, value }))
  }

  undo(): void {
    for (const step of this.#undo.reverse()) step()
  }

  set(key: string, value: unknown): void {
    this.#entries.set(key, fact(value))
  }

  remove(key: string): void {
    this.#entries.set(key, undefined)
  }

  /** These offsets are done, and what was known of them is not needed any more. */
  done(cursor: LaneCursor, { from, to }: Range): void {
    const start = Math.max(from, cursor.doneBefore)
    if (start >= to) return
    const merge = cursor.done.add({ from: start, to })
    this.#undo.push(() => cursor.done.undo(merge))
    for (const range of merge.removed) this.remove(cursor.key('done', range.from))
    if (merge.added.from <= cursor.doneBefore) this.#advance(cursor, merge.added)
    else this.set(cursor.key('done', merge.added.from), merge.added.to)
    this.#forget(cursor, { from: start, to })
  }

  /** These offsets are handed out for the first time. */
  taken(cursor: LaneCursor, range: Range): void {
    const merge = cursor.taken.add(range)
    this.#undo.push(() => cursor.taken.undo(merge))
    for (const { from } of merge.removed) this.remove(cursor.key('taken', from))
    this.set(cursor.key('taken', merge.added.from), merge.added.to)
  }

  tried(cursor: LaneCursor, offset: number, trial: Trial): void {
    const before = cursor.tried.get(offset)
    cursor.tried.set(offset, trial)
    this.#undo.push(() => setOrDelete(cursor.tried, offset, before))
    this.set(cursor.key('tried', offset), [trial.deliveries, trial.notBeforeMs])
  }

  /** Nothing is known any more but where it goes on. */
  reset(cursor: LaneCursor, doneBefore: number): void {
    for (const key of cursor.keys()) this.remove(key)
    for (const range of [...cursor.done.all]) this.#removeRange(cursor.done, range)
    for (const range of [...cursor.taken.all]) this.#removeRange(cursor.taken, range)
    for (const offset of [...cursor.tried.keys()]) this.#removeTrial(cursor, offset)
    this.#moveTo(cursor, doneBefore)
  }

  #advance(cursor: LaneCursor, reached: Range): void {
    this.#removeRange(cursor.done, reached)
    this.#moveTo(cursor, reached.to)
  }

  #moveTo(cursor: LaneCursor, offset: number): void {
    const before = cursor.doneBefore
    cursor.doneBefore = offset
    this.#undo.push(() => {
      cursor.doneBefore = before
    })
    this.set(cursor.key('cursor'), offset)
  }

  #forget(cursor: LaneCursor, { from, to }: Range): void {
    const isShort = to - from <= cursor.tried.size
    const offsets = isShort ? numbers(from, to) : [...cursor.tried.keys()]
    for (const offset of offsets) {
      if (offset < from || offset >= to || !cursor.tried.has(offset)) continue
      this.#removeTrial(cursor, offset)
      this.remove(cursor.key('tried', offset))
    }
    for (const range of cursor.taken.overlapping({ from, to })) {
      const rest = { from: Math.max(range.from, cursor.doneBefore), to: range.to }
      if (!cursor.done.covers(rest)) continue
      this.#removeRange(cursor.taken, range)
      this.remove(cursor.key('taken', range.from))
    }
  }

  #removeRange(ranges: RangeSet, range: Range): void {
    ranges.remove(range)
    this.#undo.push(() => void ranges.add(range))
  }

  #removeTrial(cursor: LaneCursor, offset: number): void {
    const before = cursor.tried.get(offset)
    cursor.tried.delete(offset)
    this.#undo.push(() => setOrDelete(cursor.tried, offset, before))
  }
}

function setOrDelete<Value>(map: Map<number, Value>, key: number, value: Value | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}

function numbers(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}
