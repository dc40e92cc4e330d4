import { join } from 'node:path'
import { randomInteger } from '@millrace/kernel'
import { type Lie, tell } from '../log/lie.ts'
import { Deaths } from '../process/deaths.ts'
import { type Death, type LifeOutcome, liveOnce } from '../process/killed-life.ts'
import type { Lane } from '../process/lanes.ts'
import { CONSUMERS, LANES, type QueuePlan } from './queue-plan.ts'
import { QueueRecord } from './queue-record.ts'
import type { QueueReport } from './queue-report.ts'

/** How long a life works before it closes by itself, in milliseconds. */
const WORK_MS_MIN = 10
const WORK_MS_MAX = 150
/** A queue is emptied and thrown away after so many lives, and a new one begun. */
const LIVES_MIN = 10
const LIVES_MAX = 40

/** What all queues of a torture count together. */
export interface QueueTally {
  kills: number
  killsBeforeOpen: number
  killsInClose: number
  closed: number
  queues: number
  put: number
  taken: number
  acknowledged: number
  openMsMax: number
}

/** What a tortured queue is given beside its lane. */
export interface QueueSettings {
  readonly tally: QueueTally
  readonly lie: Lie | undefined
}

/** One queue on real files, from its first life to the one that empties it. */
export class TorturedQueue {
  readonly #options: Lane & QueueSettings
  readonly #root: string
  readonly #record: QueueRecord
  readonly #deaths: Deaths
  #life = 0

  constructor(options: Lane & QueueSettings, root: string) {
    this.#options = options
    this.#root = root
    this.#record = new QueueRecord(options.findings, CONSUMERS)
    this.#deaths = new Deaths(options.random)
  }

  /** Lives and dies until its lives are over, the kills are, or something is wrong; false if no kill is left. */
  async torture(): Promise<boolean> {
    const { random, takeKill, findings, tally } = this.#options
    const lives = randomInteger(random, LIVES_MIN, LIVES_MAX)
    let goesOn = true
    while (goesOn && this.#life < lives && findings.isEmpty) {
      goesOn = takeKill()
      if (goesOn) await this.#liveUntilKilled()
    }
    if (findings.isEmpty) await this.#live(0, { kind: 'none' })
    if (findings.isEmpty) this.#record.checkEmptied()
    const { put, taken, acknowledged } = this.#record.counts
    tally.queues += 1
    tally.put += put
    tally.taken += taken
    tally.acknowledged += acknowledged
    return goesOn
  }

  /** A life that closes before its kill comes is followed by another one. */
  async #liveUntilKilled(): Promise<void> {
    const { random, findings, lie } = this.#options
    for (let ended: string = 'closed'; ended !== 'killed' && findings.isEmpty; ) {
      const workMs = randomInteger(random, WORK_MS_MIN, WORK_MS_MAX)
      ended = await this.#live(workMs, this.#deaths.choose(workMs))
      const lane = join(this.#root, 'queue/lanes', LANES[1])
      if (lie !== undefined) await tell(lie, lane).catch(() => false)
    }
  }

  async #live(workMs: number, death: Death): Promise<LifeOutcome<QueueReport>['ended']> {
    const { random, lie, nextLife } = this.#options
    const plan: QueuePlan = {
      root: this.#root,
      life: this.#life,
      seed: randomInteger(random, 0, 2 ** 31),
      producers: randomInteger(random, 1, 5),
      takers: randomInteger(random, 1, 4),
      workMs,
      isLying: lie === 'early',
    }
    const outcome = await liveOnce<QueueReport>(nextLife(), plan, death, 'opened')
    this.#deaths.note(outcome.openingMs)
    this.#record.learn(this.#life, outcome.reports)
    this.#judge(outcome)
    this.#life += 1
    return outcome.ended
  }

  #judge({ ended, reports, said }: LifeOutcome<QueueReport>): void {
    const { findings, tally } = this.#options
    if (ended === 'stuck' || ended === 'failed')
      findings.add('it opens, works and closes', `in life ${this.#life}: ${ended}, ${said}`)
    const opened = reports.find((report) => report.kind === 'opened')
    tally.openMsMax = Math.max(tally.openMsMax, opened?.openMs ?? 0)
    if (ended === 'closed') tally.closed += 1
    if (ended !== 'killed') return
    tally.kills += 1
    if (opened === undefined) tally.killsBeforeOpen += 1
    if (reports.at(-1)?.kind === 'closing') tally.killsInClose += 1
  }
}
