import type { Log } from '../log.ts'
import type { Table, TableEntry } from '../table/table.ts'
import { fact, LaneCursor, type Trial } from './lane-cursor.ts'
import { type Range, RangeSet } from './range-set.ts'

/** A cursor as the table has it, which may not fit its lane any more. */
interface RawCursor {
  readonly consumer: string
  readonly lane: string
  doneBefore: number
  readonly done: Range[]
  readonly taken: Range[]
  readonly tried: (readonly [offset: number, trial: Trial])[]
  /** Value by key, as text. */
  readonly facts: Map<string, string>
}

/** What the table of a queue says. */
export interface QueueState {
  /** Names of registered consumers. */
  readonly consumers: ReadonlySet<string>
  /** By consumer, then by lane. */
  readonly cursors: ReadonlyMap<string, ReadonlyMap<string, RawCursor>>
  /** By lane: everything before was dropped. */
  readonly floors: ReadonlyMap<string, number>
  /** By lane: what is known to be lost, because it was recorded. */
  readonly lost: ReadonlyMap<string, RangeSet>
}

const decoder = new TextDecoder()

/** Reads a whole table. What it does not know it leaves alone: a newer version may have written it. */
export async function loadState(table: Table): Promise<QueueState> {
  const consumers = new Set<string>()
  const floors = new Map<string, number>()
  const lost = new Map<string, RangeSet>()
  const cursors = new Map<string, Map<string, RawCursor>>()
  for await (const page of table.load()) {
    for (const { key, value } of page) {
      const [kind, name = '', lane = '', offset] = key.split('/')
      const text = decoder.decode(value)
      if (kind === 'consumer') consumers.add(name)
      else if (kind === 'floor') floors.set(name, JSON.parse(text) as number)
      else if (kind === 'lost')
        rangesIn(lost, name).add({ from: Number(lane), to: JSON.parse(text) as number })
      else addFact(cursorIn(cursors, name, lane), { kind, key, offset: Number(offset), text })
    }
  }
  return { consumers, cursors, floors, lost }
}

function rangesIn(byLane: Map<string, RangeSet>, lane: string): RangeSet {
  const ranges = byLane.get(lane) ?? new RangeSet()
  byLane.set(lane, ranges)
  return ranges
}

function cursorIn(cursors: Map<string, Map<string, RawCursor>>, consumer: string, lane: string): RawCursor {
  const ofConsumer = cursors.get(consumer) ?? new Map<string, RawCursor>()
  cursors.set(consumer, ofConsumer)
  const cursor = ofConsumer.get(lane) ?? {
    consumer,
    lane,
    doneBefore: 0,
    done: [],
    taken: [],
    tried: [],
    facts: new Map(),
  }
  ofConsumer.set(lane, cursor)
  return cursor
}

function addFact(
  cursor: RawCursor,
  { kind, key, offset, text }: { kind: string | undefined; key: string; offset: number; text: string },
): void {
  if (kind !== 'cursor' && kind !== 'done' && kind !== 'taken' && kind !== 'tried') return
  cursor.facts.set(key, text)
  const value = JSON.parse(text) as number | [number, number]
  if (kind === 'tried' && typeof value === 'object')
    cursor.tried.push([offset, { deliveries: value[0], notBeforeMs: value[1] }])
  else if (kind === 'cursor') cursor.doneBefore = value as number
  else if (kind === 'done' || kind === 'taken') cursor[kind].push({ from: offset, to: value as number })
}

/** A cursor that fits its lane, and what must be written so that the table agrees. */
export interface FittedCursor {
  readonly cursor: LaneCursor
  readonly entries: readonly TableEntry[]
  /** It knew of offsets that the lane does not have. They will be given again, so the entries must be durable first. */
  readonly wasBeyondEnd: boolean
}

/** Brings a cursor into what is there of its lane: what was lost at the end is not done, what is gone at the start is. */
export function fitCursor(raw: RawCursor, log: Log, floor: number): FittedCursor {
  const start = Math.max(log.startOffset, floor)
  const end = log.endOffset
  const cursor = new LaneCursor(raw.consumer, raw.lane)
  cursor.doneBefore = Math.min(Math.max(raw.doneBefore, start), end)
  const clip = ({ from, to }: Range) => ({ from: Math.max(from, cursor.doneBefore), to: Math.min(to, end) })
  for (const { from, to } of raw.done.map(clip)) if (from < to) cursor.done.add({ from, to })
  const reached = cursor.done.rangeAt(cursor.doneBefore)
  if (reached !== undefined) {
    cursor.done.remove(reached)
    cursor.doneBefore = reached.to
  }
  for (const range of raw.taken) {
    const clipped = clip(range)
    if (clipped.from < clipped.to && !cursor.done.covers(clipped))
      cursor.taken.add({ from: range.from, to: clipped.to })
  }
  for (const [offset, trial] of raw.tried)
    if (offset < end && !cursor.isDone(offset)) cursor.tried.set(offset, trial)
  const highest = Math.max(raw.doneBefore, ...[...raw.done, ...raw.taken].map(({ to }) => to))
  const wasBeyondEnd = highest > end || raw.tried.some(([offset]) => offset >= end)
  return { cursor, entries: differences(raw, cursor), wasBeyondEnd }
}

function differences(raw: RawCursor, cursor: LaneCursor): readonly TableEntry[] {
  const wanted = new Map<string, Uint8Array>([[cursor.key('cursor'), fact(cursor.doneBefore)]])
  for (const kind of ['done', 'taken'] as const)
    for (const { from, to } of cursor[kind].all) wanted.set(cursor.key(kind, from), fact(to))
  for (const [offset, { deliveries, notBeforeMs }] of cursor.tried)
    wanted.set(cursor.key('tried', offset), fact([deliveries, notBeforeMs]))
  const removed = [...raw.facts.keys()].filter((key) => !wanted.has(key)).map((key) => ({ key }))
  const changed = [...wanted].filter(([key, value]) => raw.facts.get(key) !== decoder.decode(value))
  return [...removed, ...changed.map(([key, value]) => ({ key, value }))]
}
