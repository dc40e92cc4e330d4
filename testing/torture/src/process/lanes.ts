import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Random, seededRandom } from '@millrace/kernel'
import { type Finding, FindingBook } from '../finding.ts'
import { WaitingProcess } from './waiting-process.ts'

/** Options of a torture whose victims are small programs of its own. */
export interface LanesOptions {
  readonly kills: number
  readonly seed: number
  /** How many are tortured at the same time, each with processes of its own. */
  readonly jobs: number
  /** Must not exist yet. Removed at the end, unless something is wrong. */
  readonly dataDirectory: string
  readonly tell: (line: string) => void
}

/** What one lane is given. */
export interface Lane {
  readonly random: Random
  readonly directory: string
  readonly findings: FindingBook
  /** Takes one of the kills that are left; false if there is none. */
  readonly takeKill: () => boolean
  /** A process that has loaded its code; the next one begins to load while it lives. */
  readonly nextLife: () => WaitingProcess
}

/** What all lanes came to. */
export interface LanesOutcome {
  readonly seconds: number
  /** Empty: every promise was kept. */
  readonly findings: readonly Finding[]
  /** Kept only if something is wrong. */
  readonly dataDirectory?: string
}

/** Tortures one thing in its directory to its end; false if no kill is left. */
export type Victim = (lane: Lane, root: string) => Promise<boolean>

const TELL_EVERY_KILLS = 100

/**
 * Kills one victim after the other, several at a time, until no kill is left, or something is wrong: then its directory
 * stays. The same seed gives the same plans and moments of death; what a process does in them is its own affair.
 */
export async function tortureInLanes(
  options: LanesOptions,
  program: URL,
  victim: Victim,
): Promise<LanesOutcome> {
  const startMs = performance.now()
  const { kills, seed, jobs, dataDirectory } = options
  const findings = new FindingBook()
  let left = kills
  const takeKill = () => {
    if (left > 0 && left < kills && left % TELL_EVERY_KILLS === 0)
      options.tell(`${kills - left} of ${kills} kills`)
    left -= 1
    return left >= 0
  }
  await mkdir(dataDirectory, { recursive: true })
  await Promise.all(
    Array.from({ length: jobs }, async (_, index) => {
      const directory = join(dataDirectory, `lane-${index}`)
      await runLane(program, victim, {
        random: seededRandom(seed * 1000 + index),
        directory,
        findings,
        takeKill,
      })
    }),
  )
  const outcome = { seconds: Math.round((performance.now() - startMs) / 100) / 10, findings: findings.all }
  if (!findings.isEmpty) return { ...outcome, dataDirectory }
  await rm(dataDirectory, { recursive: true, force: true })
  return outcome
}

async function runLane(program: URL, victim: Victim, lane: Omit<Lane, 'nextLife'>): Promise<void> {
  let standby = new WaitingProcess(program)
  const nextLife = () => {
    const ready = standby
    standby = new WaitingProcess(program)
    return ready
  }
  try {
    for (let index = 0, goesOn = true; goesOn; index += 1) {
      const root = join(lane.directory, `${index}`)
      goesOn = await victim({ ...lane, nextLife }, root)
      if (!lane.findings.isEmpty) return
      await rm(root, { recursive: true, force: true })
    }
  } finally {
    standby.kill()
    await standby.ended
  }
}
