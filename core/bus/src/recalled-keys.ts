import type { KeyScan } from './bus-stores.ts'
import type { Partition } from './partition.ts'
import type { RecalledKey, Topic } from './topic.ts'

/** Messages of one step backwards in one partition. */
const STEP_COUNT = 2_048
const NOTHING: KeyScan = { keys: [], oldestMs: undefined }

/** How far one partition has been scanned, from its end backwards. */
interface Scan {
  readonly partition: Partition
  from: number
  /** Nothing before `from` is newer than this. */
  oldestMs: number
}

/**
 * Fills the topic's window with the keys of its newest `countMax` messages. Goes backwards in all partitions, always in
 * the one that is least far back in time, so that it reads little more than it keeps, however many partitions there are.
 * Answers the partitions that could be read; one that could not fails by itself.
 */
export async function recallKeys(
  topic: Topic,
  partitions: readonly Partition[],
  countMax: number,
): Promise<readonly Partition[]> {
  const failed = new Set<Partition>()
  const scans: Scan[] = partitions.map((partition) => ({
    partition,
    from: partition.endOffset,
    oldestMs: Number.POSITIVE_INFINITY,
  }))
  const found: RecalledKey[] = []
  // What was read in a partition's last step may be older than what another has not read: a step each is to spare.
  let left = countMax === 0 ? 0 : countMax + STEP_COUNT * partitions.length
  for (let scan = newest(scans); scan !== undefined && left > 0; scan = newest(scans)) {
    const { partition } = scan
    const from = Math.max(partition.startOffset, scan.from - STEP_COUNT)
    const { keys, oldestMs } = await partition.store.scanKeys(from, scan.from).catch((error: unknown) => {
      partition.fail(error)
      failed.add(partition)
      scan.from = partition.startOffset
      return NOTHING
    })
    for (const key of keys) found.push({ ...key, partition: partition.index })
    left -= Math.max(0, scan.from - from)
    scan.from = Math.min(scan.from, from)
    scan.oldestMs = oldestMs ?? scan.oldestMs
  }
  found.sort((a, b) => a.timestampMs - b.timestampMs || a.offset - b.offset)
  topic.remember(found)
  return partitions.filter((partition) => !failed.has(partition))
}

function newest(scans: readonly Scan[]): Scan | undefined {
  let best: Scan | undefined
  for (const scan of scans) {
    if (scan.from > scan.partition.startOffset && (best === undefined || scan.oldestMs > best.oldestMs))
      best = scan
  }
  return best
}
