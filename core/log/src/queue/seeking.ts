import { millraceError } from '@millrace/kernel'
import type { ConsumerOptions } from './consumer.ts'
import type { LaneProgress } from './lane-progress.ts'
import type { SeekTarget } from './queue.ts'
import { checkLanes } from './queue-checks.ts'

interface Move {
  readonly progress: LaneProgress
  readonly offset: number
}

/**
 * Moves the cursor of a consumer. What it skips is recorded first; then the new place is made durable, in all lanes
 * together. While that goes on nobody looks at the lanes, and afterwards they are looked at from the new place.
 */
export async function seekLanes(
  target: SeekTarget,
  options: ConsumerOptions,
  forget: (progress: LaneProgress) => void,
): Promise<void> {
  const moves = await movesTo(target, options.lanes)
  for (const { progress } of moves) {
    progress.isMoving = true
    forget(progress)
  }
  try {
    await recordSkipped(moves, options)
    await options.writer.write((change) => {
      for (const { progress, offset } of moves) change.reset(progress.cursor, offset)
    })
  } finally {
    for (const { progress } of moves) {
      const mark = await progress.lane.markAt(progress.doneBefore).catch(() => progress.mark)
      progress.restart(mark)
      progress.isMoving = false
    }
  }
}

async function movesTo(target: SeekTarget, lanes: readonly LaneProgress[]): Promise<readonly Move[]> {
  const moves: Move[] = []
  const names = lanes.map(({ lane }) => lane.name)
  if ('offsets' in target) checkLanes(Object.keys(target.offsets), names)
  for (const progress of lanes) {
    const { lane } = progress
    const wanted = 'offsets' in target ? target.offsets[lane.name] : await lane.log.offsetAt(target.timeMs)
    if (wanted === undefined) continue
    if (!Number.isInteger(wanted))
      throw millraceError('QUEUE_OPTION_INVALID', {
        option: 'offsets',
        seen: wanted,
        expected: 'whole numbers',
      })
    const first = Math.max(lane.log.startOffset, lane.floor.offset)
    moves.push({ progress, offset: Math.min(Math.max(wanted, first), lane.log.endOffset) })
  }
  return moves
}

async function recordSkipped(moves: readonly Move[], { name, drops }: ConsumerOptions): Promise<void> {
  for (const { progress, offset: to } of moves) {
    const from = progress.doneBefore
    if (to <= from) continue
    const skipped = { count: 0, bytes: 0 }
    for await (const page of progress.lane.pages(from, { countMax: 1_000 })) {
      for (const item of page) {
        if (item.offset >= to || progress.isDone(item.offset)) continue
        skipped.count += 1
        skipped.bytes += item.bytes
      }
      if ((page.at(-1)?.offset ?? 0) >= to) break
    }
    const drop = { why: 'skipped' as const, lane: progress.lane.name, consumer: name, from, to }
    if (skipped.count > 0) await drops.record([{ ...drop, ...skipped }])
  }
}
