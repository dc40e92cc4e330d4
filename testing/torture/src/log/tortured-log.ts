import { join } from 'node:path'
import { type Random, randomInteger } from '@millrace/kernel'
import { Deaths } from '../process/deaths.ts'
import { type Death, type LifeOutcome, liveOnce } from '../process/killed-life.ts'
import type { Lane } from '../process/lanes.ts'
import { type Lie, tell } from './lie.ts'
import type { LifePlan, LogKind } from './life-plan.ts'
import type { LifeReport } from './life-report.ts'
import { LogFollower } from './log-follower.ts'
import { LogRecord } from './log-record.ts'
import { storyOf } from './log-story.ts'
import { parseName } from './record-name.ts'

/** How long a life appends before it closes by itself, in milliseconds. */
const WORK_MS_MIN = 10
const WORK_MS_MAX = 120
/** A log is thrown away after so many lives, and a new one begun. */
const LIVES_MIN = 15
const LIVES_MAX = 60

type Outcome = LifeOutcome<LifeReport>

/** What all logs of a torture count together. */
export interface LogTally {
  kills: number
  killsBeforeOpen: number
  killsInClose: number
  closed: number
  logs: number
  acknowledged: number
  recordsCompared: number
  readerKills: number
  recordsSeenByReaders: number
  openMsMax: number
}

/** What a tortured log is given beside its lane. */
export interface TortureSettings {
  readonly tally: LogTally
  readonly lie: Lie | undefined
}

/** One log on real files, from its first life to its last. */
export class TorturedLog {
  readonly #options: Lane & TortureSettings
  readonly #root: string
  readonly #kind: LogKind
  readonly #deaths: Deaths
  readonly #record: LogRecord
  /** Half of the logs are read by another process, too. */
  readonly #follower: LogFollower | undefined
  #life = 0

  constructor(options: Lane & TortureSettings, root: string) {
    const { random, findings } = options
    this.#options = options
    this.#root = root
    this.#kind = chooseKind(random)
    this.#deaths = new Deaths(random)
    this.#record = new LogRecord(this.#kind, findings)
    this.#follower = random.next() < 0.5 ? new LogFollower(root, this.#record, findings) : undefined
  }

  /** Lives and dies until its lives are over, the kills are, or something is wrong; false if no kill is left. */
  async torture(): Promise<boolean> {
    const { random, takeKill, findings, tally } = this.#options
    const lives = randomInteger(random, LIVES_MIN, LIVES_MAX)
    let goesOn = true
    try {
      while (goesOn && this.#life < lives && findings.isEmpty) {
        goesOn = takeKill()
        if (goesOn) await this.#liveUntilKilled()
      }
      // At last it is looked at, and closes in peace.
      if (findings.isEmpty) await this.#live(0, { kind: 'none' })
    } finally {
      await this.#follower?.kill()
    }
    tally.logs += 1
    tally.acknowledged += this.#record.acknowledged
    tally.recordsSeenByReaders += this.#follower?.seen ?? 0
    return goesOn
  }

  /** A life that closes before its kill comes is followed by another one. */
  async #liveUntilKilled(): Promise<void> {
    const { random, findings, lie } = this.#options
    for (let ended: string = 'closed'; ended !== 'killed' && findings.isEmpty; ) {
      const workMs = randomInteger(random, WORK_MS_MIN, WORK_MS_MAX)
      ended = await this.#live(workMs, this.#deaths.choose(workMs))
      if (lie !== undefined) await tell(lie, join(this.#root, 'log')).catch(() => false)
    }
  }

  async #live(workMs: number, death: Death): Promise<Outcome['ended']> {
    const { random, lie, nextLife } = this.#options
    await this.#follow()
    const plan: LifePlan = {
      ...this.#kind,
      root: this.#root,
      life: this.#life,
      seed: randomInteger(random, 0, 2 ** 31),
      producers: randomInteger(random, 1, 9),
      workMs,
      isLying: lie === 'early',
    }
    const outcome = await liveOnce<LifeReport>(nextLife(), plan, death, 'told')
    this.#judge(outcome)
    this.#life += 1
    return outcome.ended
  }

  /** Between two writers: what the reader has told must stay, and sometimes it dies as well. */
  async #follow(): Promise<void> {
    const { random, tally } = this.#options
    if (this.#follower === undefined) return
    this.#follower.take()
    if (random.next() < 0.2) {
      await this.#follower.kill()
      tally.readerKills += 1
    }
    await this.#follower.start()
  }

  #judge({ ended, reports, said, openingMs }: Outcome): void {
    const { findings, tally } = this.#options
    const say = (promise: string, example: string) =>
      findings.add(promise, `in life ${this.#life}: ${example}`)
    this.#deaths.note(openingMs)
    for (const report of reports)
      if (report.kind === 'failed') say('nothing is refused or thrown', report.what)
    if (ended === 'stuck') say('it opens, works and closes', `it did not end: ${said}`)
    if (ended === 'failed') say('it opens, works and closes', `it ended by itself: ${said}`)
    const story = storyOf(reports)
    if (story !== undefined) {
      this.#record.compare(story, this.#life)
      tally.recordsCompared += story.records.length
    }
    for (const report of reports) this.#learn(report)
    this.#count(ended, reports)
  }

  #learn(report: LifeReport): void {
    if (report.kind === 'trimming') this.#record.trim(report.offset)
    if (report.kind !== 'acknowledged') return
    const name = parseName(report.name)
    if (name === undefined)
      this.#options.findings.add('nothing is refused or thrown', `no name: ${report.name}`)
    else this.#record.acknowledge(report.baseOffset, name)
  }

  #count(ended: Outcome['ended'], reports: readonly LifeReport[]): void {
    const { tally } = this.#options
    const opened = reports.find((report) => report.kind === 'opened')
    tally.openMsMax = Math.max(tally.openMsMax, opened?.openMs ?? 0)
    if (ended === 'closed') tally.closed += 1
    if (ended !== 'killed') return
    tally.kills += 1
    if (opened === undefined) tally.killsBeforeOpen += 1
    if (reports.at(-1)?.kind === 'closing') tally.killsInClose += 1
  }
}

/** Small segments, so that they are rolled all the time. */
function chooseKind(random: Random): LogKind {
  const any = <Choice>(choices: readonly [Choice, ...Choice[]]): Choice =>
    choices[randomInteger(random, 0, choices.length)] ?? choices[0]
  return {
    segmentBytesMax: any([16 * 1024, 16 * 1024, 64 * 1024]),
    allocateAheadBytesMax: any([0, 4096, 1024 * 1024]),
    removal: any(['none', 'retention', 'retention', 'trim', 'compaction', 'compaction']),
    durabilities: any([['disk'], ['disk'], ['os'], ['interval'], ['disk', 'interval', 'os']]),
  }
}
