import type { Lie } from '../log/lie.ts'
import { type LanesOptions, type LanesOutcome, tortureInLanes } from '../process/lanes.ts'
import { type QueueTally, TorturedQueue } from './tortured-queue.ts'

/** Options of {@link tortureQueue}. */
export interface QueueTortureOptions extends LanesOptions {
  readonly lie?: Lie | undefined
}

/** What a torture came to. */
export interface QueueTortureReport extends Readonly<QueueTally>, LanesOutcome {
  readonly seed: number
}

const LIFE = new URL('queue-main.ts', import.meta.url)

/**
 * Kills processes that put into queues on real files, and take, acknowledge and put back for two consumers, at random
 * moments of their lives. What was acknowledged must never come again, what was put must come until it is.
 */
export async function tortureQueue(options: QueueTortureOptions): Promise<QueueTortureReport> {
  const { seed, lie } = options
  const tally: QueueTally = {
    kills: 0,
    killsBeforeOpen: 0,
    killsInClose: 0,
    closed: 0,
    queues: 0,
    put: 0,
    taken: 0,
    acknowledged: 0,
    openMsMax: 0,
  }
  const outcome = await tortureInLanes(options, LIFE, (lane, root) =>
    new TorturedQueue({ ...lane, tally, lie }, root).torture(),
  )
  return { seed, ...tally, ...outcome }
}
