import { type DiskCall, memoryFiles } from '@millrace/memory'
import { appendAfter, inspect, type LogSettings } from './inspection.ts'
import { type Fact, Knowledge } from './knowledge.ts'
import { lightRuntime } from './light-runtime.ts'
import { LogLife } from './log-life.ts'
import { isCompacted, isWeak, type LogAction, type LogTrace } from './log-trace.ts'
import { type Moment, MomentWatch } from './moment-watch.ts'
import { RecordBook } from './record-book.ts'
import { fail, Violation } from './violation.ts'

/** A short trace: how the log came to be what it is, and what is done to it then. */
export interface ShortTrace {
  readonly start: string
  readonly steps: readonly string[]
}

/** What came of all short traces. */
export interface ExhaustiveReport {
  readonly traces: number
  readonly moments: number
  readonly points: number
  /** The most that a crash could leave at one moment. */
  readonly statesMax: number
  readonly violation:
    | { readonly trace: ShortTrace; readonly what: string; readonly where: string }
    | undefined
}

/** Options of {@link runExhaustive}. */
export interface ExhaustiveOptions {
  /** Operations of the disk that change something in the steps of one trace, at most. */
  readonly operationsMax: number
  /** Only this trace. */
  readonly only?: ShortTrace
  /** Told after each trace. */
  readonly tell?: (report: ExhaustiveReport) => void
}

const append = (...sizes: readonly number[]): LogAction => ({
  kind: 'append',
  calls: sizes.map((bytes) => ({ shapes: [{ bytes, key: bytes % 2 }] })),
})

/** A segment of the smallest size; what does not fit begins the next one. */
const SEGMENT_BYTES = 4096

interface Start {
  readonly settings: LogSettings
  /** Done before, and then the log is closed in order. */
  readonly actions: readonly LogAction[]
}

/** How the log is when a trace begins. */
const starts: Readonly<Record<string, Start>> = {
  'no directory': { settings: { allocateAheadBytesMax: 0 }, actions: [] },
  'one record': { settings: { allocateAheadBytesMax: 0 }, actions: [append(40)] },
  'zeros ahead': { settings: { allocateAheadBytesMax: 1024 }, actions: [append(40)] },
  'full segment': { settings: { allocateAheadBytesMax: 0 }, actions: [append(3000), append(780)] },
  'three segments': {
    settings: { allocateAheadBytesMax: 0, retention: { bytesMax: 9000 } },
    actions: [append(3001), append(3000), append(2001), append(700), append(3001), append(780)],
  },
}

/** What is done, by name. */
const steps: Readonly<Record<string, readonly LogAction[]>> = {
  'append in a sector': [append(40)],
  'append over sectors': [append(700)],
  'append two at once': [append(41, 600)],
  'append without sync': [{ kind: 'append', calls: [{ shapes: [{ bytes: 42 }], durability: 'os' }] }],
  sync: [{ kind: 'sync' }],
  'append and a failed sync': [faulty('sync'), append(44)],
  'append and half a write': [faulty('write'), append(701)],
  'write the mark': [{ kind: 'wait', durationMs: 1000 }],
  retain: [{ kind: 'retain' }],
  trim: [{ kind: 'trim', share: 0.7 }],
  compact: [{ kind: 'compact' }],
  'close and open': [{ kind: 'reopen' }],
}

function faulty(operation: 'sync' | 'write'): LogAction {
  return { kind: 'fault', fault: { operation, code: 'EIO', path: '.seg', after: 0, takesBytes: 512 } }
}

/**
 * Runs every trace that the grammar allows: each start, then any steps as long as they take no more operations than
 * allowed. At each moment of its last step every single thing that a power cut can leave is opened and compared.
 */
export async function runExhaustive(options: ExhaustiveOptions): Promise<ExhaustiveReport> {
  const run = new ExhaustiveRun(options)
  try {
    if (options.only !== undefined) await run.visit(options.only)
    else for (const start of Object.keys(starts)) await run.descend({ start, steps: [] })
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    run.violation = { trace: run.trace, what: error.message, where: run.where }
  }
  return run.report
}

class ExhaustiveRun {
  trace: ShortTrace = { start: '', steps: [] }
  where = ''
  violation: ExhaustiveReport['violation']
  readonly #options: ExhaustiveOptions
  #traces = 0
  #moments = 0
  #points = 0
  #statesMax = 0

  constructor(options: ExhaustiveOptions) {
    this.#options = options
  }

  get report(): ExhaustiveReport {
    const { violation } = this
    const [traces, moments, points, statesMax] = [this.#traces, this.#moments, this.#points, this.#statesMax]
    return { traces, moments, points, statesMax, violation }
  }

  /** This trace, and all that begin with it. */
  async descend(trace: ShortTrace): Promise<void> {
    if (!(await this.visit(trace))) return
    for (const step of Object.keys(steps)) await this.descend({ ...trace, steps: [...trace.steps, step] })
  }

  /** Runs a trace; false if it takes too many operations, or changes nothing any more. */
  async visit(trace: ShortTrace): Promise<boolean> {
    this.trace = trace
    this.where = 'while it ran'
    const world = new ShortWorld(trace)
    await world.begin()
    const [last, ...before] = [...trace.steps].reverse()
    for (const step of before.reverse()) await world.do(step)
    world.takeMoments()
    const operationsBefore = world.operations
    if (last !== undefined) await world.do(last)
    if (world.operations > this.#options.operationsMax) return false
    if (last !== undefined && world.operations === operationsBefore) return false
    this.#traces += 1
    await this.#look(world)
    this.#options.tell?.(this.report)
    return true
  }

  async #look(world: ShortWorld): Promise<void> {
    for (const moment of world.takeMoments()) {
      const knowledge = world.knowAt(moment)
      this.#moments += 1
      let number = 0
      for (const disk of moment.states) {
        number += 1
        this.#points += 1
        this.where = `${moment.label}, state ${number}`
        await appendAfter(await inspect(disk, world.settings, knowledge), knowledge)
      }
      this.#statesMax = Math.max(this.#statesMax, number)
    }
  }
}

/** Operations that change a disk. */
const CHANGES = new Set<DiskCall['operation']>([
  'write',
  'sync',
  'truncate',
  'rename',
  'remove',
  'syncDirectory',
])

/** One log on one disk, for one short trace. */
class ShortWorld {
  readonly settings: LogSettings
  operations = 0
  readonly #start: Start
  readonly #book = new RecordBook()
  readonly #knowledge: Knowledge
  readonly #facts: Fact[] = []
  readonly #disk = memoryFiles()
  readonly #life: LogLife
  readonly #watch: MomentWatch
  #learnt = 0

  constructor({ start, steps: names }: ShortTrace) {
    const known = starts[start] ?? fail(`no start is called ${start}`)
    this.#start = known
    this.settings = { segmentBytesMax: SEGMENT_BYTES, syncIntervalMsMax: 500, ...known.settings }
    const trace: LogTrace = {
      seed: 1,
      settings: this.settings,
      turnsMax: 0,
      hasFollower: false,
      hasReader: false,
      actions: names.flatMap((name) => steps[name] ?? []),
    }
    this.#knowledge = new Knowledge(this.#book, {
      retention: this.settings.retention,
      segmentBytesMax: SEGMENT_BYTES,
      isCompacted: isCompacted(trace),
      isWeak: isWeak(trace),
    })
    this.#life = new LogLife({
      ...trace,
      disk: this.#disk,
      runtime: lightRuntime(1),
      book: this.#book,
      isCompacted: isCompacted(trace),
      tell: (fact) => this.#facts.push(fact),
      note: () => {},
    })
    this.#watch = new MomentWatch(
      this.#disk,
      () => this.#facts.length,
      () => false,
      () => {},
      ({ operation, moment }) => {
        if (moment === 'acted' && CHANGES.has(operation)) this.operations += 1
      },
    )
  }

  /** Makes the log what it is at the start; opening it is part of the trace, but not counted. */
  async begin(): Promise<void> {
    if (this.#start.actions.length > 0) {
      await this.#life.open()
      for (const action of this.#start.actions) await this.#life.act(action)
      await this.#life.close()
      this.takeMoments()
    }
    await this.#life.open()
    this.operations = 0
  }

  async do(step: string): Promise<void> {
    for (const action of steps[step] ?? fail(`no step is called ${step}`)) await this.#life.act(action)
  }

  /** The moments since the last time. */
  takeMoments(): readonly Moment[] {
    return this.#watch.take()
  }

  /** What was known then; asked in the order of the moments. */
  knowAt({ facts }: Moment): Knowledge {
    for (; this.#learnt < facts; this.#learnt += 1) {
      const wrong = this.#knowledge.learn(this.#facts[this.#learnt] as Fact)
      if (wrong !== undefined) fail(wrong)
    }
    return this.#knowledge
  }
}
