import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Random, randomInteger } from '@millrace/kernel'
import type { FindingBook } from '../finding.ts'
import { type Lie, tell } from './lie.ts'
import type { LifePlan } from './life-plan.ts'
import { type Death, type LifeOutcome, LifeProcess } from './life-process.ts'
import type { LifeReport } from './life-report.ts'
import { LogRecord, type LogStory } from './log-record.ts'
import { parseName } from './record-name.ts'

/** How long a life appends before it closes by itself, in milliseconds. */
const WORK_MS_MIN = 10
const WORK_MS_MAX = 120
/** Opening takes about as long, in milliseconds: kills at the start come before, others may come that much later. */
const STARTING_MS = 12
/** Closing takes a little less, in milliseconds. */
const CLOSING_MS = 4
/** A kill in step with the reports comes after this many at most. */
const REPORTS_MAX = 150
/** A log is thrown away after so many lives, and a new one begun. */
const LIVES_MIN = 15
const LIVES_MAX = 60

/** What all lanes of a torture count together. */
export interface LaneTally {
  kills: number
  killsBeforeOpen: number
  killsInClose: number
  closed: number
  logs: number
  acknowledged: number
  recordsCompared: number
  openMsMax: number
}

/** Options of {@link tortureLane}. */
export interface LaneOptions {
  readonly random: Random
  readonly directory: string
  /** Takes one of the kills that are left; false if there is none. */
  readonly takeKill: () => boolean
  readonly tally: LaneTally
  readonly findings: FindingBook
  readonly lie: Lie | undefined
}

/** Kills one log after the other until no kill is left, or something is wrong: then its directory stays. */
export async function tortureLane(options: LaneOptions): Promise<void> {
  let standby = new LifeProcess()
  const nextLife = () => {
    const ready = standby
    // The next process loads its code while this one lives.
    standby = new LifeProcess()
    return ready
  }
  try {
    for (let index = 0; ; index += 1) {
      const root = join(options.directory, `log-${index}`)
      const log = new TorturedLog(options, root, nextLife)
      const goesOn = await log.torture()
      if (!options.findings.isEmpty) return
      await rm(root, { recursive: true, force: true })
      if (!goesOn) return
    }
  } finally {
    await standby.dismiss()
  }
}

type Settings = Pick<LifePlan, 'segmentBytesMax' | 'allocateAheadBytesMax' | 'retentionBytesMax'>

/** One log on real files, from its first life to its last. */
class TorturedLog {
  readonly #options: LaneOptions
  readonly #root: string
  readonly #nextLife: () => LifeProcess
  readonly #record: LogRecord
  readonly #settings: Settings
  #life = 0

  constructor(options: LaneOptions, root: string, nextLife: () => LifeProcess) {
    this.#options = options
    this.#root = root
    this.#nextLife = nextLife
    this.#record = new LogRecord(options.findings)
    this.#settings = chooseSettings(options.random)
  }

  /** Lives and dies until its lives are over, the kills are, or something is wrong; false if no kill is left. */
  async torture(): Promise<boolean> {
    const { random, takeKill, findings, tally } = this.#options
    const lives = randomInteger(random, LIVES_MIN, LIVES_MAX)
    let goesOn = true
    while (goesOn && this.#life < lives && findings.isEmpty) {
      goesOn = takeKill()
      if (goesOn) await this.#liveOnce()
    }
    // At last it is looked at, and closes in peace.
    if (findings.isEmpty) await this.#run(0, { kind: 'none' })
    tally.logs += 1
    tally.acknowledged += this.#record.acknowledged
    return goesOn
  }

  /** A life that closes before its kill comes is followed by another one. */
  async #liveOnce(): Promise<void> {
    const { random, findings, lie } = this.#options
    for (let ended: string = 'closed'; ended !== 'killed' && findings.isEmpty; ) {
      const workMs = randomInteger(random, WORK_MS_MIN, WORK_MS_MAX)
      ended = await this.#run(workMs, chooseDeath(random, workMs))
      if (lie !== undefined) await tell(lie, join(this.#root, 'log')).catch(() => false)
    }
  }

  async #run(workMs: number, death: Death): Promise<LifeOutcome['ended']> {
    const { random, lie } = this.#options
    const plan: LifePlan = {
      root: this.#root,
      life: this.#life,
      seed: randomInteger(random, 0, 2 ** 31),
      producers: randomInteger(random, 1, 9),
      workMs,
      ...this.#settings,
      isLying: lie === 'early',
    }
    const outcome = await this.#nextLife().live(plan, death)
    this.#judge(outcome)
    this.#life += 1
    return outcome.ended
  }

  #judge({ ended, reports, said }: LifeOutcome): void {
    const { findings, tally } = this.#options
    const say = (promise: string, example: string) =>
      findings.add(promise, `in life ${this.#life}: ${example}`)
    for (const report of reports)
      if (report.kind === 'failed') say('nothing is refused or thrown', report.what)
    if (ended === 'stuck') say('it opens, works and closes', `it did not end: ${said}`)
    if (ended === 'failed') say('it opens, works and closes', `it ended by itself: ${said}`)
    const told = reports.findIndex(({ kind }) => kind === 'told')
    const story = told < 0 ? undefined : storyOf(reports.slice(0, told + 1))
    if (story !== undefined) {
      this.#record.compare(story, { retentionBytesMax: undefined, ...this.#settings }, this.#life)
      tally.recordsCompared += story.records.length
    }
    for (const report of reports) if (report.kind === 'acknowledged') this.#acknowledge(report)
    this.#count(ended, reports)
  }

  #acknowledge({ baseOffset, name }: LifeReport & { kind: 'acknowledged' }): void {
    const record = parseName(name)
    if (record === undefined) this.#options.findings.add('nothing is refused or thrown', `no name: ${name}`)
    else this.#record.acknowledge(baseOffset, record)
  }

  #count(ended: LifeOutcome['ended'], reports: readonly LifeReport[]): void {
    const { tally } = this.#options
    const opened = reports.find((report) => report.kind === 'opened')
    if (opened?.kind === 'opened') tally.openMsMax = Math.max(tally.openMsMax, opened.openMs)
    if (ended === 'closed') tally.closed += 1
    if (ended !== 'killed') return
    tally.kills += 1
    if (opened === undefined) tally.killsBeforeOpen += 1
    if (reports.at(-1)?.kind === 'closing') tally.killsInClose += 1
  }
}

function storyOf(reports: readonly LifeReport[]): LogStory | undefined {
  const opened = reports.find((report) => report.kind === 'opened')
  const told = reports.at(-1)
  if (opened?.kind !== 'opened' || told?.kind !== 'told') return undefined
  return {
    startOffset: opened.startOffset,
    endOffset: opened.endOffset,
    bytes: told.bytes,
    gaps: reports.filter((report) => report.kind === 'gap'),
    records: reports.filter((report) => report.kind === 'record'),
  }
}

/** Small segments, so that they are rolled all the time; half of the logs remove what is too much. */
function chooseSettings(random: Random): Settings {
  const segmentBytesMax = random.next() < 0.7 ? 16 * 1024 : 64 * 1024
  const allocateAheadBytesMax = [0, 4096, 1024 * 1024][randomInteger(random, 0, 3)] ?? 0
  const settings = { segmentBytesMax, allocateAheadBytesMax }
  return random.next() < 0.3 ? settings : { ...settings, retentionBytesMax: 4 * segmentBytesMax }
}

/** Most moments are as likely as any other; some are in the opening or the closing, some right behind a report. */
function chooseDeath(random: Random, workMs: number): Death {
  const kind = random.next()
  if (kind < 0.15) return { kind: 'time', ms: randomInteger(random, 0, STARTING_MS) }
  if (kind < 0.25) return { kind: 'closing', ms: randomInteger(random, 0, CLOSING_MS) }
  if (kind < 0.45) return { kind: 'reports', count: randomInteger(random, 0, REPORTS_MAX) }
  return { kind: 'time', ms: randomInteger(random, 0, workMs + STARTING_MS) }
}
