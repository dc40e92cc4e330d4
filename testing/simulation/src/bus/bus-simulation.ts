import { errorText, type Random } from '@millrace/kernel'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import { type LightRuntime, lightRuntime } from '../log/light-runtime.ts'
import { MomentWatch } from '../log/moment-watch.ts'
import { turnScheduler } from '../log/turn-scheduler.ts'
import { Violation } from '../log/violation.ts'
import { chance, seedStream } from '../seed-streams.ts'
import { inspectBus } from './bus-inspection.ts'
import { type BusFact, BusKnowledge, type SentMessage } from './bus-knowledge.ts'
import { BusLife } from './bus-life.ts'
import { type BusAction, type BusTrace, drawBusTrace } from './bus-trace.ts'

/** Choices for a run that the seed does not make. */
export interface BusRunOptions {
  readonly trace?: BusTrace
  /** Told what happens, line by line. */
  readonly note?: (line: string) => void
  /** Makes a disk that does not do what it should: how a test shows that the comparison sees it. */
  readonly tamper?: (disk: MemoryFiles) => MemoryFiles
}

/** What a run has found. */
export interface BusReport {
  readonly seed: number
  /** Crash points: each opened as a bus and compared. */
  readonly points: number
  readonly lives: number
  readonly messages: number
  readonly violation: { readonly what: string; readonly point: number; readonly where: string } | undefined
}

/** A bus has many files and so many moments: this share of them is looked at. */
const MOMENT_SHARE = 0.3
const STATES_PER_MOMENT = 2

/** Runs the trace of one seed on a bus, lets the power fail at many moments of it, and checks what is left. */
export async function runBus(seed: number, options: BusRunOptions = {}): Promise<BusReport> {
  const run = new BusRun(options.trace ?? drawBusTrace(seed), options)
  let violation: BusReport['violation']
  try {
    await run.toTheEnd()
  } catch (error) {
    const unexpected = error instanceof Error ? (error.stack ?? error.message) : errorText(error)
    const what = error instanceof Violation ? error.message : `an error that nobody expects: ${unexpected}`
    violation = { what, point: run.points, where: run.where }
  }
  return { seed, points: run.points, lives: run.lives, messages: run.sent.length, violation }
}

class BusRun {
  readonly sent: SentMessage[] = []
  points = 0
  lives = 0
  where = 'the beginning'
  readonly #trace: BusTrace
  readonly #options: BusRunOptions
  readonly #random: Random
  readonly #knowledge = new BusKnowledge(this.sent)
  readonly #facts: BusFact[] = []
  #learnt = 0
  #disk: MemoryFiles
  #runtime: LightRuntime
  #life: BusLife
  #watch: MomentWatch
  #left: MemoryFiles | undefined
  #crash: (BusAction & { kind: 'crash' }) | undefined
  #crashAt = Number.POSITIVE_INFINITY
  #moment = 0

  constructor(trace: BusTrace, options: BusRunOptions) {
    this.#trace = trace
    this.#options = options
    this.#random = seedStream(trace.seed, 'bus crashes')
    this.#runtime = lightRuntime(trace.seed)
    this.#disk = memoryFiles(this.#diskOptions())
    this.#watch = this.#watchDisk()
    this.#life = this.#newLife()
  }

  async toTheEnd(): Promise<void> {
    await this.#begin()
    for (const [index, action] of this.#trace.actions.entries()) {
      this.where = `action ${index + 1}, ${JSON.stringify(action)}`
      if (action.kind === 'crash') {
        this.#crash = action
        this.#crashAt = this.#moment + action.afterMoments
      } else await this.#life.act(action)
      await this.#explore()
      if (this.#left !== undefined) await this.#begin()
    }
  }

  /** A new process, on what the last one has left. */
  async #begin(): Promise<void> {
    do {
      this.lives += 1
      if (this.#left !== undefined) {
        this.#disk = this.#left
        this.#left = undefined
        this.#runtime = lightRuntime(this.#trace.seed + this.lives, this.#runtime.clock.now())
        this.#watch = this.#watchDisk()
        this.#life = this.#newLife()
      }
      this.where = `${this.where}, opening life ${this.lives}`
      await this.#life.open()
      await this.#explore()
    } while (this.#left !== undefined)
  }

  async #explore(): Promise<void> {
    const moments = this.#watch.take()
    const { where } = this
    this.#options.note?.(`${where}: ${moments.length} moments, ${this.#facts.length} facts`)
    for (const [index, moment] of moments.entries()) {
      this.#learn(moment.facts)
      // The last one is the one at which the most has been promised.
      if (index < moments.length - 1 && !chance(this.#random, MOMENT_SHARE)) continue
      const states = moment.states.sample(STATES_PER_MOMENT, this.#random)
      for (const disk of moment.killed === undefined ? states : [...states, moment.killed]) {
        this.points += 1
        this.where = `${where}; ${disk === moment.killed ? 'kill' : 'power cut'} ${moment.label}`
        await inspectBus(this.#trace, disk, this.#knowledge, this.#runtime.clock.now())
      }
    }
    this.where = where
    this.#learn(this.#facts.length)
  }

  #learn(count: number): void {
    for (; this.#learnt < count; this.#learnt += 1) {
      const fact = this.#facts[this.#learnt]
      const wrong = fact === undefined ? undefined : this.#knowledge.learn(fact)
      if (wrong !== undefined) throw new Violation(wrong)
    }
  }

  #diskOptions() {
    const { turnsMax } = this.#trace
    if (turnsMax === 0) return {}
    return { scheduler: turnScheduler, latencyMs: () => Math.floor(this.#random.next() * (turnsMax + 1)) }
  }

  #watchDisk(): MomentWatch {
    return new MomentWatch(
      this.#disk,
      () => this.#facts.length,
      () => chance(this.#random, 0.05),
      () => this.#atMoment(),
    )
  }

  #newLife(): BusLife {
    return new BusLife({
      trace: this.#trace,
      disk: this.#options.tamper?.(this.#disk) ?? this.#disk,
      runtime: this.#runtime,
      random: seedStream(this.#trace.seed, `bus life ${this.lives}`),
      sent: this.sent,
      tell: (fact) => this.#facts.push(fact),
      note: (what) => this.#options.note?.(`  ${what}`),
    })
  }

  /** Between two calls of the disk, or within one: here the power fails, if it is time. */
  #atMoment(): void {
    this.#moment += 1
    const crash = this.#crash
    if (crash === undefined || this.#moment < this.#crashAt || this.#left !== undefined) return
    this.#crash = undefined
    const disk = this.#disk
    this.#left =
      crash.how === 'kill' ? disk.afterKill() : disk.crashStates(this.#diskOptions()).random(this.#random)
    disk.crash()
    this.#life.die()
  }
}
