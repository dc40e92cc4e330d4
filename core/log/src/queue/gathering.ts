import { decodeItem } from './item-codec.ts'
import type { LaneProgress } from './lane-progress.ts'
import type { OpenItem, OpenItems } from './open-items.ts'
import { type JudgeOptions, judge, type Refusal } from './refusals.ts'
import type { Taker } from './take-line.ts'

/** What was found for one taker. Picked items are reserved, and so are refused ones. */
export interface Gathered {
  readonly picked: OpenItem[]
  readonly refused: Refusal[]
  /** The first lane that could not be read; the others were. */
  failure: unknown
}

/** What gathering goes by. */
export interface GatheringOptions extends JudgeOptions {
  readonly open: OpenItems
  readonly openItemsMax: number
}

/** Ends of the process that an ordinary item may be part of before it is handed out alone. */
const SUSPECT_DELIVERIES_MIN = 2

/** Refusals of one call, so that one record of drops does not grow without bound. */
const REFUSED_COUNT_MAX = 1_000

/** Picks what a taker may have, the most urgent lane first, looking at lanes no further than it must. */
export async function gather(
  taker: Pick<Taker, 'countMax' | 'bytesMax' | 'lanes'>,
  lanes: readonly LaneProgress[],
  options: GatheringOptions,
): Promise<Gathered> {
  const gathered: Gathered = { picked: [], refused: [], failure: undefined }
  const budget = { count: taker.countMax, bytes: taker.bytesMax }
  for (const progress of lanes) {
    if (taker.lanes?.includes(progress.lane.name) === false || progress.isMoving) continue
    try {
      const isFull = await gatherFrom(progress, budget, gathered, options)
      if (isFull) break
    } catch (error) {
      gathered.failure ??= error
    }
  }
  return gathered
}

/** True when the taker has enough. */
async function gatherFrom(
  progress: LaneProgress,
  budget: { count: number; bytes: number },
  { picked, refused }: Gathered,
  options: GatheringOptions,
): Promise<boolean> {
  const { open } = options
  for (;;) {
    if (picked.length >= budget.count || refused.length >= REFUSED_COUNT_MAX) return true
    const item = open.candidate(progress)
    if (item === undefined) {
      if (await lookFurther(progress, options)) continue
      return false
    }
    const refusal = judge(item, options)
    if (refusal !== undefined) {
      open.reserve(item, 'settling')
      refused.push(refusal)
      continue
    }
    if (picked.length > 0 && (item.isSuspect || item.bytes > budget.bytes)) return true
    open.reserve(item, 'taking')
    picked.push(item)
    budget.bytes -= item.bytes
    if (item.isSuspect) return true
  }
}

/** Opens the next item of a lane, if there is one and the limit allows it. */
async function lookFurther(
  progress: LaneProgress,
  { open, openItemsMax, deliveriesMax }: GatheringOptions,
): Promise<boolean> {
  if (progress.items.size >= openItemsMax) return false
  const item = await progress.look()
  // A seek may have begun meanwhile; it will look at everything anew.
  if (item === undefined || progress.isMoving) return false
  item.isSuspect = item.deliveries >= Math.max(1, Math.min(SUSPECT_DELIVERIES_MIN, deliveriesMax - 1))
  open.add(item)
  return true
}

/** Reads the values of reserved items that are not in memory; answers those that are not on the disk either. */
export async function fetchValues(items: readonly OpenItem[]): Promise<readonly OpenItem[]> {
  const missing = items.filter(({ value }) => value === undefined)
  for (const item of missing.toSorted((left, right) => left.offset - right.offset)) {
    const record = await item.progress.recall(item.offset)
    if (record !== undefined) item.value = decodeItem(record)?.value ?? record.value
  }
  return missing.filter(({ value }) => value === undefined)
}
