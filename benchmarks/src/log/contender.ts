import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { ChildProgram } from '../child-program.ts'
import { watchProcesses } from '../process-meter.ts'
import type { StorePlan } from './store.ts'
import type { SliceRequest, SliceResult } from './workload.ts'

/** How much longer than asked for a slice may take: a store may have to write away what it kept. */
const SLICE_GRACE_MS = 60_000

/** A slice with what it cost. */
export interface MeasuredSlice extends SliceResult {
  /** Of the contender's process and of its server, if it has one. */
  readonly cpuSeconds: number
}

/** One store in a process of its own, so that nobody's memory, threads or crash is another's. */
export class Contender implements AsyncDisposable {
  readonly plan: StorePlan
  readonly #program: ChildProgram
  readonly #pids: readonly number[]

  private constructor(plan: StorePlan, program: ChildProgram, serverPids: readonly number[]) {
    this.plan = plan
    this.#program = program
    this.#pids = [program.pid, ...serverPids]
  }

  static async start(
    plan: StorePlan,
    directory: string,
    nodeArgs: readonly string[] = [],
  ): Promise<Contender> {
    await mkdir(directory, { recursive: true })
    const path = fileURLToPath(new URL('contender-process.ts', import.meta.url))
    await using opening = new AsyncDisposableStack()
    const program = opening.use(ChildProgram.startModule(path, [plan.id, directory], nodeArgs))
    const serverPids = await program.ready((said) => field<readonly number[]>(said, 'serverPids'))
    opening.move()
    return new Contender(plan, program, serverPids)
  }

  async run(request: SliceRequest): Promise<MeasuredSlice> {
    const meter = watchProcesses(this.#pids)
    const answer = await this.#program.ask(
      request,
      (said) => field<SliceResult>(said, 'result') ?? field<string>(said, 'failed'),
      request.ms + SLICE_GRACE_MS,
    )
    const { cpuSeconds } = meter.stop()
    if (typeof answer === 'string') throw new Error(`${this.plan.name}: ${answer}`)
    return { ...answer, cpuSeconds }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#program[Symbol.asyncDispose]()
  }
}

function field<Value>(said: unknown, name: string): Value | undefined {
  return typeof said === 'object' && said !== null && name in said
    ? ((said as Record<string, unknown>)[name] as Value)
    : undefined
}
