import type { LogRecord } from '../log.ts'
import { decodeItem } from './item-codec.ts'
import type { Lane, LaneMark } from './lane.ts'
import type { LaneCursor } from './lane-cursor.ts'
import type { OpenItem } from './open-items.ts'
import { OrderedSet } from './ordered-set.ts'

/** What is read ahead of what is handed out. */
const WINDOW_BYTES_MAX = 256 * 1024
const WINDOW_COUNT_MAX = 1_000

/** How far one consumer has looked at one lane. Volatile: rebuilt from the cursor and the lane. */
export class LaneProgress {
  readonly lane: Lane
  readonly cursor: LaneCursor
  readonly items = new Map<number, OpenItem>()
  readonly ready = new OrderedSet<OpenItem>()
  /** What the consumer needs of the lane begins here, as it is durable. */
  mark: LaneMark
  /** While true, nothing is looked at: the cursor is about to go elsewhere. */
  isMoving = false
  #next: number
  /** Unknown after a jump over what is done. */
  #nextAt: number | undefined
  #window: readonly LogRecord[] = []
  #windowIndex = 0
  /** Records that were read a second time, of items that could not go when they were looked at. */
  #recalled: readonly LogRecord[] = []
  #generation = 0

  constructor(lane: Lane, cursor: LaneCursor, mark: LaneMark) {
    this.lane = lane
    this.cursor = cursor
    this.mark = mark
    this.#next = this.doneBefore
    this.#nextAt = mark.at
  }

  /** Everything before it is done or dropped. */
  get doneBefore(): number {
    const { floor, log } = this.lane
    const before = Math.max(this.cursor.doneBefore, floor.offset, log.startOffset)
    return this.cursor.done.rangeAt(before)?.to ?? before
  }

  /** Items that are not done. */
  get outstanding(): number {
    const { doneBefore, lane, cursor } = this
    let count = lane.countBetween(doneBefore, lane.log.endOffset)
    const [first] = cursor.done.all
    if (first === undefined || first.from >= doneBefore) return Math.max(0, count - cursor.done.total)
    for (const { from, to } of cursor.done.all) if (from >= doneBefore) count -= to - from
    return Math.max(0, count)
  }

  isDone(offset: number): boolean {
    return offset < this.doneBefore || this.cursor.isDone(offset)
  }

  /** Looks at the lane from here on, as if nothing had been looked at. */
  restart(mark: LaneMark): void {
    this.#generation += 1
    this.mark = mark
    this.#next = this.doneBefore
    this.#nextAt = mark.offset === this.#next ? mark.at : undefined
    this.#window = []
    this.#windowIndex = 0
    this.#recalled = []
  }

  /** The record of an item that was looked at before. What is read for it is kept, since those behind it often come next. */
  async recall(offset: number): Promise<LogRecord | undefined> {
    const known = recordAt(this.#recalled, offset)
    if (known !== undefined) return known
    this.#recalled = await this.lane.read(offset, { bytesMax: WINDOW_BYTES_MAX, countMax: WINDOW_COUNT_MAX })
    return recordAt(this.#recalled, offset)
  }

  /**
   * Where the consumer's need begins, after its cursor has moved. Where the bytes before that are not known, because
   * nobody has looked there since the queue was opened, it is as before, or the lane's floor.
   */
  settle(): void {
    const { doneBefore } = this
    const { end, floor } = this.lane
    const at =
      this.items.get(doneBefore)?.at ??
      (doneBefore === this.#next ? this.#nextAt : undefined) ??
      (doneBefore >= end.offset ? end.at : undefined) ??
      (doneBefore === floor.offset ? floor.at : undefined)
    if (at !== undefined) this.mark = { offset: doneBefore, at }
    else if (floor.offset > this.mark.offset) this.mark = floor
  }

  /**
   * The next item that is not done, of which the caller makes an open one before it asks again; undefined at the end of
   * the lane.
   */
  async look(): Promise<OpenItem | undefined> {
    const record = await this.#record()
    return record === undefined ? undefined : (this.#holeBefore(record) ?? this.#take(record))
  }

  /** The record at or behind the next offset, from memory if possible. */
  async #record(): Promise<LogRecord | undefined> {
    for (;;) {
      this.#skipDone()
      const { lane } = this
      while ((this.#window[this.#windowIndex]?.offset ?? Number.POSITIVE_INFINITY) < this.#next)
        this.#windowIndex += 1
      const record = this.#window[this.#windowIndex]
      if (record !== undefined) return record
      this.#window = []
      this.#windowIndex = 0
      if (this.#next >= lane.log.endOffset) return undefined
      const generation = this.#generation
      const limits = { bytesMax: WINDOW_BYTES_MAX, countMax: WINDOW_COUNT_MAX }
      const window = await lane.read(this.#next, limits)
      if (generation !== this.#generation) continue
      if (window.length === 0) return undefined
      this.#window = window
    }
  }

  #skipDone(): void {
    const to = Math.max(this.doneBefore, this.cursor.done.rangeAt(this.#next)?.to ?? 0)
    if (to <= this.#next) return
    this.#next = to
    this.#nextAt = undefined
  }

  /** Offsets that nothing can be read of: damaged. They are open like an item until that is recorded. */
  #holeBefore(record: LogRecord): OpenItem | undefined {
    const offset = this.#next
    if (record.offset <= offset) return undefined
    const done = this.cursor.done.overlapping({ from: offset, to: record.offset })[0]
    const end = done?.from ?? record.offset
    const hole = this.lane.holes.rangeAt(offset)
    const known = hole ?? this.lane.holes.overlapping({ from: offset, to: end })[0]
    const to = Math.min(end, hole?.to ?? known?.from ?? end)
    this.#next = to
    const flaw = hole === undefined ? 'damaged' : 'hole'
    return { ...this.#blank(offset, to), at: this.#nextAt ?? this.mark.at, bytes: 0, flaw }
  }

  #take(record: LogRecord): OpenItem {
    const { offset, value } = record
    const item = decodeItem(record)
    const at = item?.at ?? this.#nextAt ?? this.mark.at
    const bytes = item?.bytes ?? value.length
    this.#windowIndex += 1
    this.#next = offset + 1
    this.#nextAt = at + bytes
    const blank = this.#blank(offset, offset + 1)
    if (item === undefined) return { ...blank, at, bytes, flaw: 'undecodable', value }
    const { key, putAtMs, expiresAtMs, only } = item
    const times = {
      putAtMs,
      expiresAtMs,
      putNotBeforeMs: item.notBeforeMs,
      notBeforeMs: Math.max(blank.notBeforeMs, item.notBeforeMs ?? 0),
    }
    return { ...blank, ...times, at, bytes, key, only, value: item.value }
  }

  #blank(offset: number, to: number): OpenItem {
    const { deliveries, notBeforeMs } = this.cursor.trialOf(offset)
    return {
      progress: this,
      offset,
      to,
      at: 0,
      bytes: 0,
      key: undefined,
      putAtMs: 0,
      expiresAtMs: undefined,
      putNotBeforeMs: undefined,
      only: undefined,
      flaw: undefined,
      deliveries,
      isSuspect: false,
      notBeforeMs,
      state: 'blocked',
      lease: 0,
      leaseEndsMs: 0,
      value: undefined,
      isDropped: false,
      previous: undefined,
      next: undefined,
    }
  }
}

function recordAt(records: readonly LogRecord[], offset: number): LogRecord | undefined {
  let low = 0
  let high = records.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((records[middle]?.offset ?? 0) < offset) low = middle + 1
    else high = middle
  }
  return records[low]?.offset === offset ? records[low] : undefined
}
