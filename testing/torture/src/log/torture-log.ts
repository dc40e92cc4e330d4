import { type LanesOptions, type LanesOutcome, tortureInLanes } from '../process/lanes.ts'
import type { Lie } from './lie.ts'
import { type LogTally, TorturedLog } from './tortured-log.ts'

/** Options of {@link tortureLog}. */
export interface LogTortureOptions extends LanesOptions {
  readonly lie?: Lie | undefined
}

/** What a torture came to. */
export interface LogTortureReport extends Readonly<LogTally>, LanesOutcome {
  readonly seed: number
}

const LIFE = new URL('life-main.ts', import.meta.url)

/**
 * Kills processes that append to logs on real files, at random moments of their lives, and compares what the next
 * process finds with what was acknowledged to the world outside.
 *
 * kill -9 takes the process, not the page cache: what a power cut does is tried by the simulation.
 */
export async function tortureLog(options: LogTortureOptions): Promise<LogTortureReport> {
  const { seed, lie } = options
  const tally: LogTally = {
    kills: 0,
    killsBeforeOpen: 0,
    killsInClose: 0,
    closed: 0,
    logs: 0,
    acknowledged: 0,
    recordsCompared: 0,
    readerKills: 0,
    recordsSeenByReaders: 0,
    openMsMax: 0,
  }
  const outcome = await tortureInLanes(options, LIFE, (lane, root) =>
    new TorturedLog({ ...lane, tally, lie }, root).torture(),
  )
  return { seed, ...tally, ...outcome }
}
