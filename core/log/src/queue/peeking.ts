import type { ReadLimits } from '../log.ts'
import type { LaneProgress } from './lane-progress.ts'
import type { OpenState } from './open-items.ts'
import type { PeekedItem } from './queue.ts'

const COUNT_MAX_DEFAULT = 100
const BYTES_MAX_DEFAULT = 1024 * 1024

const SHOWN: Readonly<Record<OpenState, PeekedItem['state']>> = {
  blocked: 'blocked',
  delayed: 'delayed',
  ready: 'waiting',
  taking: 'leased',
  leased: 'leased',
  settling: 'leased',
}

/** What is not done, from the oldest of each lane on. What has not been looked at yet is said to be waiting. */
export async function peekLanes(
  lanes: readonly LaneProgress[],
  consumer: string,
  options: ReadLimits & { readonly lanes?: readonly string[] },
): Promise<readonly PeekedItem[]> {
  const { countMax = COUNT_MAX_DEFAULT, bytesMax = BYTES_MAX_DEFAULT } = options
  const found: PeekedItem[] = []
  let bytes = 0
  for (const progress of lanes) {
    const { lane, cursor, items } = progress
    if (options.lanes?.includes(lane.name) === false) continue
    for await (const page of lane.pages(progress.doneBefore, { countMax: 1_000, bytesMax })) {
      for (const { offset, key, value, putAtMs, expiresAtMs, notBeforeMs, only } of page) {
        if (progress.isDone(offset) || (only !== undefined && only !== consumer)) continue
        bytes += value.length
        if (found.length > 0 && (found.length >= countMax || bytes > bytesMax)) return found
        const open = items.get(offset)
        const { deliveries } = open ?? cursor.trialOf(offset)
        const state = open === undefined ? 'waiting' : SHOWN[open.state]
        found.push({
          lane: lane.name,
          offset,
          key,
          value,
          putAtMs,
          expiresAtMs,
          notBeforeMs,
          deliveries,
          state,
        })
      }
    }
  }
  return found
}
