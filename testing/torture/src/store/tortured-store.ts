import { basename, dirname } from 'node:path'
import { randomInteger } from '@millrace/kernel'
import { Deaths } from '../process/deaths.ts'
import { type Death, type LifeOutcome, liveOnce } from '../process/killed-life.ts'
import type { Lane } from '../process/lanes.ts'
import { type StorePlan, WRITERS_MAX } from './store-plan.ts'
import { StoreRecord } from './store-record.ts'
import type { StoreReport } from './store-report.ts'

/** How long a life works before it closes by itself, in milliseconds. */
const WORK_MS_MIN = 300
const WORK_MS_MAX = 2_000
/** A store is brought to its end and thrown away after so many lives, and a new one begun. */
const LIVES_MIN = 8
const LIVES_MAX = 25
/** In so many lives on PostgreSQL, processes of the server are killed, too. */
const SERVER_KILL_SHARE = 0.4
/** Between two of them, in milliseconds: a server that has to recover must come to it now and then. */
const SERVER_KILL_PAUSE_MS_MIN = 50
const SERVER_KILL_PAUSE_MS_MAX = 1_000

/** On what the store is, and what of it can be killed beside the process that uses it. */
export type Engine =
  | { readonly name: 'sqlite' }
  | {
      readonly name: 'postgres'
      readonly url: string
      /** Kills the server's process of one of our connections; false if there is none. */
      readonly killBackend: (random: number) => Promise<boolean>
    }

/** What all stores of a torture count together. */
export interface StoreTally {
  kills: number
  killsBeforeOpen: number
  killsInClose: number
  serverKills: number
  closed: number
  stores: number
  units: number
  saved: number
  decided: number
  openMsMax: number
}

/** What a tortured store is given beside its lane. */
export interface StoreSettings {
  readonly tally: StoreTally
  readonly engine: Engine
  readonly isLying: boolean
}

/** One store, from its first life to the one that brings everything to its end. */
export class TorturedStore {
  readonly #options: Lane & StoreSettings
  readonly #root: string
  readonly #record: StoreRecord
  readonly #deaths: Deaths
  #life = 0

  constructor(options: Lane & StoreSettings, root: string) {
    this.#options = options
    this.#root = root
    this.#record = new StoreRecord(options.findings)
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
    const { units, saved, decided } = this.#record.counts
    tally.stores += 1
    tally.units += units
    tally.saved += saved
    tally.decided += decided
    return goesOn
  }

  /** A life that closes before its kill comes is followed by another one. */
  async #liveUntilKilled(): Promise<void> {
    const { random, findings } = this.#options
    for (let ended: string = 'closed'; ended !== 'killed' && findings.isEmpty; ) {
      const workMs = randomInteger(random, WORK_MS_MIN, WORK_MS_MAX)
      ended = await this.#live(workMs, this.#deaths.choose(workMs))
    }
  }

  async #live(workMs: number, death: Death): Promise<LifeOutcome<StoreReport>['ended']> {
    const { random, nextLife, engine, isLying } = this.#options
    const plan: StorePlan = {
      root: this.#root,
      ...(engine.name === 'postgres' ? { postgres: { url: engine.url, schema: this.#schema } } : {}),
      life: this.#life,
      seed: randomInteger(random, 0, 2 ** 31),
      writers: randomInteger(random, 1, WRITERS_MAX + 1),
      workMs,
      isLying,
    }
    const life = liveOnce<StoreReport>(nextLife(), plan, death, 'opened')
    const killing = this.#killBackends(life, workMs)
    const outcome = await life
    await killing
    this.#deaths.note(outcome.openingMs)
    this.#record.learn(this.#life, outcome.reports)
    this.#judge(outcome)
    this.#life += 1
    return outcome.ended
  }

  /** Of a schema's own: two lanes share one database. */
  get #schema(): string {
    return `torture_${basename(dirname(this.#root)).replace(/\W/g, '_')}_${basename(this.#root)}`
  }

  /** Kills connections in the server, again and again while the life lives. */
  async #killBackends(life: Promise<unknown>, workMs: number): Promise<void> {
    const { random, engine, tally } = this.#options
    if (engine.name !== 'postgres' || workMs === 0 || random.next() > SERVER_KILL_SHARE) return
    let isOver = false
    void life.finally(() => {
      isOver = true
    })
    while (!isOver) {
      const pauseMs = randomInteger(random, SERVER_KILL_PAUSE_MS_MIN, SERVER_KILL_PAUSE_MS_MAX)
      await Promise.race([life, new Promise((resolve) => setTimeout(resolve, pauseMs))])
      if (!isOver && (await engine.killBackend(random.next()))) tally.serverKills += 1
    }
  }

  #judge({ ended, reports, said }: LifeOutcome<StoreReport>): void {
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
