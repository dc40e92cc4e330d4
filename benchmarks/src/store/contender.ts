import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { LatencyCounts } from '@millrace/fleet'
import { ChildProgram } from '../child-program.ts'
import type { StorePlan, TurnCase } from './store-plan.ts'

/** What a contender is told to do. */
export type ContenderRequest =
  | { readonly kind: 'slice'; readonly name: TurnCase; readonly ms: number }
  | { readonly kind: 'fill'; readonly events: number; readonly streams: number }
  | { readonly kind: 'project' | 'rebuild' | 'total' }

/** What came of one slice. */
export interface SliceResult {
  readonly records: number
  readonly ms: number
  readonly latencies: LatencyCounts
}

/** How long a contender may take beyond what it was asked for, in milliseconds. */
const GRACE_MS = 60_000
/** How long it may take for what has no time of its own: filling, projecting. */
const WORK_MS_MAX = 45 * 60_000

/** One contender in a process of its own, so that nobody's memory, threads or crash is another's. */
export class Contender implements AsyncDisposable {
  readonly plan: StorePlan
  readonly #program: ChildProgram

  private constructor(plan: StorePlan, program: ChildProgram) {
    this.plan = plan
    this.#program = program
  }

  static async start(plan: StorePlan, directory: string, url: string): Promise<Contender> {
    await mkdir(directory, { recursive: true })
    const path = fileURLToPath(new URL('contender-process.ts', import.meta.url))
    await using opening = new AsyncDisposableStack()
    const program = opening.use(ChildProgram.startModule(path, [plan.id, directory, url]))
    await program.ready((said) => (isObject(said) && said.ready === true ? true : undefined))
    opening.move()
    return new Contender(plan, program)
  }

  /** Null if it takes no part in the case. */
  slice(name: TurnCase, ms: number): Promise<SliceResult | null> {
    return this.#ask({ kind: 'slice', name, ms }, ms + GRACE_MS)
  }

  /** False if it has no projections. */
  fill(events: number, streams: number): Promise<boolean> {
    return this.#ask({ kind: 'fill', events, streams }, WORK_MS_MAX)
  }

  /** Milliseconds that it took. */
  run(kind: 'project' | 'rebuild'): Promise<number> {
    return this.#ask({ kind }, WORK_MS_MAX)
  }

  /** The sum of the counts in its documents. */
  total(): Promise<number> {
    return this.#ask({ kind: 'total' }, GRACE_MS)
  }

  async #ask<Value>(request: ContenderRequest, answerMsMax: number): Promise<Value> {
    const answer = await this.#program.ask(
      request,
      (said) => (isObject(said) && ('result' in said || 'failed' in said) ? said : undefined),
      answerMsMax,
    )
    if ('failed' in answer) throw new Error(`${this.plan.name}: ${String(answer.failed)}`)
    return answer.result as Value
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#program[Symbol.asyncDispose]()
  }
}

function isObject(said: unknown): said is Record<string, unknown> {
  return typeof said === 'object' && said !== null
}
