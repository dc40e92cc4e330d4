import { errorText } from '@millrace/kernel'
import { quiet } from '../quiet.ts'
import { Convergence } from './convergence.ts'
import { planFaults } from './faults.ts'
import type { Invariant, Violation } from './invariant.ts'
import { allInvariants } from './invariants/all-invariants.ts'
import type { Mutation } from './mutation.ts'
import { drawSwarm, type Swarm } from './swarm.ts'
import { World } from './world.ts'

/** Choices for a run that the seed does not make. */
export interface SimulationOptions {
  /** Replaces parts of what the seed chose: for the smallest scenario of a bug. */
  readonly swarm?: Partial<Swarm>
  /** A defect on purpose. */
  readonly mutation?: Mutation
  /** Checks only these invariants. Default: all. */
  readonly invariants?: readonly string[]
  /** Notes of the history that are kept. Default: 60. */
  readonly tailMax?: number
  /** Steps after which a run is given up as endless. Default: 200,000. */
  readonly stepsMax?: number
}

/** How a run ended. */
export interface SimulationReport {
  readonly seed: number
  readonly swarm: Swarm
  readonly violation: Violation | undefined
  readonly steps: number
  /** Virtual time, in milliseconds. */
  readonly virtualMs: number
  /** Equal for runs in which the same happened at the same times. */
  readonly historyHash: string
  readonly tail: readonly string[]
  readonly counts: SimulationCounts
}

/** How much happened. */
export interface SimulationCounts {
  readonly published: number
  readonly acknowledged: number
  readonly handled: number
  readonly commandsObeyed: number
  readonly processes: number
}

const TAIL_MAX = 60
const STEPS_MAX = 200_000
/** Everything must have calmed down so long after the last fault, in milliseconds. */
const LIVENESS_MS_MAX = 240_000
/** What is under way when the faults end gets so long to arrive before anybody asks, in milliseconds. */
const CALM_MS = 2_000
/** How often a run asks whether everything has calmed down, in milliseconds. */
const CONVERGENCE_EVERY_MS = 500
/** How often a run looks at the disk although nothing has crashed, in milliseconds. */
const LOOK_EVERY_MS = 7_000

/** Runs the whole spine under `seed`: faults first, then peace, in which everything must come to an end. */
export async function runSimulation(
  seed: number,
  options: SimulationOptions = {},
): Promise<SimulationReport> {
  const swarm = { ...drawSwarm(seed), ...options.swarm }
  const world = new World({ seed, swarm, mutation: options.mutation, tailMax: options.tailMax ?? TAIL_MAX })
  const run = new Run(world, options)
  const onRejection = (reason: unknown) =>
    world.oracle.escaped.push(`a rejection that nobody handled: ${text(reason)}`)
  process.on('unhandledRejection', onRejection)
  try {
    planFaults(world, seed)
    world.start()
    await run.toTheEnd()
  } finally {
    process.off('unhandledRejection', onRejection)
  }
  return report(seed, world, run)
}

/** A world on its way, and who watches over it. */
class Run {
  violation: Violation | undefined
  readonly #world: World
  readonly #invariants: readonly Invariant[]
  readonly #stepsMax: number
  #nextConvergenceMs = 0
  #nextLookMs = LOOK_EVERY_MS

  constructor(world: World, { invariants, stepsMax = STEPS_MAX }: SimulationOptions) {
    this.#world = world
    this.#stepsMax = stepsMax
    this.#invariants = allInvariants(world.oracle).filter(({ name }) => invariants?.includes(name) ?? true)
  }

  async toTheEnd(): Promise<void> {
    const world = this.#world
    await this.#advance(() => world.nowMs >= world.swarm.safetyMs)
    if (this.violation !== undefined) return
    makePeace(world)
    const limitMs = world.nowMs + LIVENESS_MS_MAX
    this.#nextConvergenceMs = world.nowMs + CALM_MS
    let missing: string | undefined = 'nothing was looked at'
    const convergence = new Convergence(world)
    await this.#advance(async () => {
      if (world.nowMs < this.#nextConvergenceMs) return false
      this.#nextConvergenceMs = world.nowMs + CONVERGENCE_EVERY_MS
      missing = await convergence.missing()
      return missing === undefined || world.nowMs >= limitMs
    })
    if (this.violation !== undefined) return
    if (missing !== undefined) return this.#violate('EverythingConverges', missing)
    await this.#finish()
  }

  /** Runs task after task until `isOver`, checking after each. */
  async #advance(isOver: () => boolean | Promise<boolean>): Promise<void> {
    const world = this.#world
    for (;;) {
      await quiet()
      await this.#check()
      if (this.violation !== undefined || (await isOver())) return
      world.step += 1
      if (world.step > this.#stepsMax)
        return this.#violate('EverythingConverges', `no end after ${world.step} steps`)
      try {
        if (!world.runtime.runNext())
          return this.#violate('EverythingConverges', 'nothing waits for its time any more')
      } catch (error) {
        world.oracle.escaped.push(`a task threw: ${text(error)}`)
      }
    }
  }

  async #check(): Promise<void> {
    const world = this.#world
    for (const { name, afterStep } of this.#invariants) this.#judge(name, afterStep?.())
    for (const moment of world.crashes.splice(0)) await this.#look(moment)
    if (world.nowMs < this.#nextLookMs) return
    this.#nextLookMs += LOOK_EVERY_MS
    await this.#look('in passing')
  }

  async #look(moment: string): Promise<void> {
    try {
      const contents = await this.#world.machine.look(moment)
      for (const { name, onDisk } of this.#invariants) this.#judge(name, onDisk?.(contents))
    } catch (error) {
      this.#violate('AcknowledgedIsDurable', `the disk cannot be read ${moment}: ${text(error)}`)
    }
  }

  async #finish(): Promise<void> {
    const world = this.#world
    const { server } = world
    world.restart('the end')
    await this.#advance(() => world.server !== server)
    if (this.violation !== undefined) return
    const contents = await world.machine.look('at the end')
    for (const { name, onDisk, atEnd } of this.#invariants) {
      this.#judge(name, onDisk?.(contents))
      this.#judge(name, atEnd?.(contents))
    }
  }

  #judge(invariant: string, seen: string | undefined): void {
    if (seen !== undefined) this.#violate(invariant, seen)
  }

  #violate(invariant: string, seen: string): void {
    const { step, nowMs: atMs } = this.#world
    this.violation ??= { invariant, seen, step, atMs }
  }
}

/** Ends all faults. What a failed disk has broken for good is mended as an operator would: another disk, a restart. */
function makePeace(world: World): void {
  world.note('peace')
  world.isUnsafe = false
  world.machine.disk.diskBytesMax = Number.POSITIVE_INFINITY
  for (const device of world.devices) device.retire()
  if (!world.isWounded) return
  world.machine.cutPower()
  world.crash('kill', 'an operator has replaced the disk')
}

function report(seed: number, world: World, run: Run): SimulationReport {
  const { oracle, history, step: steps, nowMs: virtualMs, swarm } = world
  return {
    seed,
    swarm,
    violation: run.violation,
    steps,
    virtualMs,
    historyHash: history.hash,
    tail: history.tail(),
    counts: {
      published: oracle.publications.size,
      acknowledged: oracle.acknowledged.length,
      handled: oracle.handled.size,
      commandsObeyed: oracle.executions.length,
      processes: world.processes,
    },
  }
}

function text(error: unknown): string {
  return error instanceof Error ? (error.stack ?? errorText(error)) : errorText(error)
}
