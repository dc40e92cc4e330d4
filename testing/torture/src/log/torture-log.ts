import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { seededRandom } from '@millrace/kernel'
import { type Finding, FindingBook } from '../finding.ts'
import { type LaneTally, tortureLane } from './lane.ts'
import type { Lie } from './lie.ts'

/** Options of {@link tortureLog}. */
export interface LogTortureOptions {
  readonly kills: number
  readonly seed: number
  /** How many logs are tortured at the same time, each with processes of its own. */
  readonly jobs: number
  /** Must not exist yet. Removed at the end, unless something is wrong. */
  readonly dataDirectory: string
  readonly lie?: Lie | undefined
  readonly tell: (line: string) => void
}

/** What a torture came to. */
export interface LogTortureReport extends Readonly<LaneTally> {
  readonly seed: number
  readonly seconds: number
  /** Empty: every promise was kept. */
  readonly findings: readonly Finding[]
  /** Kept only if something is wrong. */
  readonly dataDirectory?: string
}

const TELL_EVERY_KILLS = 100

/**
 * Kills processes that append to logs on real files, at random moments of their lives, and compares what the next
 * process finds with what was acknowledged to the world outside. The same seed gives the same plans and moments of
 * death; what a process does in them is its own affair.
 *
 * kill -9 takes the process, not the page cache: what a power cut does is tried by the simulation.
 */
export async function tortureLog(options: LogTortureOptions): Promise<LogTortureReport> {
  const startMs = performance.now()
  const { kills, seed, jobs, dataDirectory, lie } = options
  const findings = new FindingBook()
  const tally = emptyTally()
  let left = kills
  const takeKill = () => {
    if (left > 0 && left < kills && left % TELL_EVERY_KILLS === 0) options.tell(progressOf(tally, kills))
    left -= 1
    return left >= 0
  }
  await mkdir(dataDirectory, { recursive: true })
  const lanes = Array.from({ length: jobs }, (_, lane) =>
    tortureLane({
      random: seededRandom(seed * 1000 + lane),
      directory: join(dataDirectory, `lane-${lane}`),
      takeKill,
      tally,
      findings,
      lie,
    }),
  )
  await Promise.all(lanes)
  const seconds = Math.round((performance.now() - startMs) / 100) / 10
  const report = { seed, ...tally, seconds, findings: findings.all }
  if (!findings.isEmpty) return { ...report, dataDirectory }
  await rm(dataDirectory, { recursive: true, force: true })
  return report
}

function emptyTally(): LaneTally {
  return {
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
}

function progressOf({ kills: done, recordsCompared }: LaneTally, kills: number): string {
  return `${done} of ${kills} kills; ${recordsCompared} records compared`
}
