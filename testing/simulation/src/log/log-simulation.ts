import { errorText, type Random } from '@millrace/kernel'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import { seedStream } from '../seed-streams.ts'
import { Explorer } from './explorer.ts'
import { type Fact, Knowledge } from './knowledge.ts'
import { type LightRuntime, lightRuntime } from './light-runtime.ts'
import { LogLife } from './log-life.ts'
import { describeAction, drawTrace, isCompacted, isWeak, type LogAction, type LogTrace } from './log-trace.ts'
import { MomentWatch } from './moment-watch.ts'
import { RecordBook } from './record-book.ts'
import { turnScheduler } from './turn-scheduler.ts'
import { fail, Violation } from './violation.ts'

/** Choices for a run that the seed does not make. */
export interface LogRunOptions {
  /** Instead of what the seed draws. */
  readonly trace?: LogTrace
  /** Told what happens, line by line. */
  readonly note?: (line: string) => void
  /** Makes a disk that does not do what it should: how a test shows that the oracle sees it. */
  readonly tamper?: (disk: MemoryFiles) => MemoryFiles
}

/** What a run has found. */
export interface LogReport {
  readonly seed: number
  /** Crash points: (trace, moment, what survived), each opened and compared. */
  readonly points: number
  /** Moments at which the power failed. */
  readonly moments: number
  readonly actions: number
  readonly records: number
  readonly lives: number
  readonly violation: LogViolation | undefined
}

/** A promise that was not kept. */
export interface LogViolation {
  readonly what: string
  /** At which crash point; 0: before any crash, by the log that was running. */
  readonly point: number
  readonly where: string
}

/** Runs the trace of one seed, lets the power fail at every moment of it, and checks what is left. */
export async function runLog(seed: number, options: LogRunOptions = {}): Promise<LogReport> {
  const trace = options.trace ?? drawTrace(seed)
  const run = new LogRun(trace, options)
  let violation: LogViolation | undefined
  try {
    await run.toTheEnd()
  } catch (error) {
    const { explorer, where } = run
    const what =
      error instanceof Violation ? error.message : `an error that nobody expects: ${stackOf(error)}`
    violation = { what, point: explorer.point, where: explorer.where ?? where }
  }
  const { points, moments } = run.explorer
  return { seed, points, moments, actions: run.actions, records: run.book.count, lives: run.lives, violation }
}

class LogRun {
  readonly book = new RecordBook()
  readonly explorer: Explorer
  actions = 0
  lives = 0
  where = 'the beginning'
  readonly #trace: LogTrace
  readonly #options: LogRunOptions
  readonly #random: Random
  readonly #knowledge: Knowledge
  readonly #facts: Fact[] = []
  #learnt = 0
  #disk: MemoryFiles
  #runtime: LightRuntime
  #life: LogLife
  #watch: MomentWatch
  /** The disk of the next life, once this one has ended. */
  #left: MemoryFiles | undefined
  #crash: (LogAction & { kind: 'crash' }) | undefined
  #crashAt = Number.POSITIVE_INFINITY
  #momentNumber = 0

  constructor(trace: LogTrace, options: LogRunOptions) {
    const { seed, settings } = trace
    this.#trace = trace
    this.#options = options
    this.#random = seedStream(seed, 'log crashes')
    this.#knowledge = new Knowledge(this.book, {
      retention: settings.retention,
      segmentBytesMax: settings.segmentBytesMax ?? Number.POSITIVE_INFINITY,
      isCompacted: isCompacted(trace),
      isWeak: isWeak(trace),
    })
    this.explorer = new Explorer(settings, seedStream(seed, 'log explorer'), (line) => options.note?.(line))
    this.#runtime = lightRuntime(seed)
    this.#disk = memoryFiles(this.#diskOptions())
    this.#watch = this.#watchDisk()
    this.#life = this.#newLife()
  }

  async toTheEnd(): Promise<void> {
    await this.#begin()
    for (const action of this.#trace.actions) {
      this.actions += 1
      await this.#do(action)
    }
    await this.#do({ kind: 'empty' })
    await this.#do({ kind: 'reopen' })
    await this.#do({ kind: 'wait', durationMs: 5000 })
  }

  async #do(action: LogAction): Promise<void> {
    this.where = `action ${this.actions}, ${describeAction(action)}`
    if (action.kind === 'crash') {
      this.#crash = action
      this.#crashAt = this.#momentNumber + action.afterMoments
    } else await this.#life.act(action)
    await this.#explore()
    if (this.#left !== undefined) await this.#begin()
  }

  /** A new process, on what the last one has left. */
  async #begin(): Promise<void> {
    while (true) {
      this.lives += 1
      if (this.#left !== undefined) {
        this.#disk = this.#left
        this.#left = undefined
        this.#runtime = lightRuntime(this.#trace.seed + this.lives, this.#runtime.clock.now())
        this.#watch = this.#watchDisk()
        this.#life = this.#newLife()
      }
      this.where = `${this.where}, opening life ${this.lives}`
      const isOpen = await this.#life.open()
      await this.#explore()
      if (this.#left !== undefined) continue
      if (!isOpen) fail('the log does not open on a disk without faults')
      return
    }
  }

  async #explore(): Promise<void> {
    const moments = this.#watch.take()
    this.#options.note?.(`${this.where}: ${moments.length} moments, ${this.#facts.length} facts`)
    for (const moment of moments) {
      this.#learn(moment.facts)
      await this.explorer.explore(moment, this.#knowledge)
    }
    this.#learn(this.#facts.length)
  }

  #learn(count: number): void {
    for (; this.#learnt < count; this.#learnt += 1) {
      const fact = this.#facts[this.#learnt]
      const wrong = fact === undefined ? undefined : this.#knowledge.learn(fact)
      if (wrong !== undefined) fail(wrong)
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
      () => this.#random.next() < 0.15,
      () => this.#atMoment(),
    )
  }

  #newLife(): LogLife {
    const { settings, hasFollower, hasReader } = this.#trace
    const disk = this.#options.tamper?.(this.#disk) ?? this.#disk
    return new LogLife({
      disk,
      settings,
      runtime: this.#runtime,
      book: this.book,
      hasFollower,
      hasReader,
      isCompacted: isCompacted(this.#trace),
      tell: (fact) => this.#facts.push(fact),
      note: (what) => this.#options.note?.(`  ${what}`),
    })
  }

  /** Between two calls of the disk, or within one: here the power fails, if it is time. */
  #atMoment(): void {
    this.#momentNumber += 1
    const crash = this.#crash
    if (crash === undefined || this.#momentNumber < this.#crashAt || this.#left !== undefined) return
    this.#crash = undefined
    const disk = this.#disk
    this.#left =
      crash.how === 'kill' ? disk.afterKill() : disk.crashStates(this.#diskOptions()).random(this.#random)
    disk.crash()
    this.#life.die()
    this.#facts.push({ kind: 'crashed', isWarm: crash.how === 'kill' })
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : errorText(error)
}
