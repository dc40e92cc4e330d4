import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LifePlan } from './life-plan.ts'
import { type LifeReport, parseReports, reportLine } from './life-report.ts'

const MAIN = fileURLToPath(new URL('life-main.ts', import.meta.url))
/** Compiled code of the children, which halves the cost of a kill. */
const COMPILE_CACHE = '.cache/torture-code'
/** What a life may take to end by itself behind its plan, in milliseconds. */
const OVERTIME_MS_MAX = 30_000
const SAID_CHARACTERS_MAX = 8_000
const CLOSING = reportLine({ kind: 'closing' })

/** When a life is killed: after a time, so long after it said that it closes, or as soon as it has made so many reports. */
export type Death =
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'closing'; readonly ms: number }
  | { readonly kind: 'reports'; readonly count: number }
  /** It ends by itself. */
  | { readonly kind: 'none' }

/** What a life came to. */
export interface LifeOutcome {
  readonly ended: 'killed' | 'closed' | 'failed' | 'stuck'
  readonly reports: readonly LifeReport[]
  /** What it wrote to standard error. */
  readonly said: string
}

/** A process that has loaded its code and waits for its plan. */
export class LifeProcess {
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown>
  #text = ''
  #lines = 0
  #said = ''
  #onLine: () => void = () => {}

  constructor() {
    const env = { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE }
    this.#child = spawn(process.execPath, [MAIN], { stdio: ['pipe', 'pipe', 'pipe'], env })
    this.#closed = once(this.#child, 'close')
    // The plan of one that was killed before it could read it.
    this.#child.stdin?.on('error', () => {})
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#text += text
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#lines += 1
      this.#onLine()
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-SAID_CHARACTERS_MAX)
    })
  }

  /** Lives by the plan until `death`, or until it ends by itself. */
  async live(plan: LifePlan, death: Death): Promise<LifeOutcome> {
    await this.#ready()
    this.#child.stdin?.write(`${JSON.stringify(plan)}\n`)
    let isStuck = false
    const cancel = this.#arm(death)
    const limit = setTimeout(() => {
      isStuck = true
      this.#child.kill('SIGKILL')
    }, plan.workMs + OVERTIME_MS_MAX)
    await this.#closed
    cancel()
    clearTimeout(limit)
    const reports = parseReports(this.#text.slice(this.#text.indexOf('\n') + 1))
    return { ended: this.#endOf(isStuck), reports, said: this.#said }
  }

  /** Ends one that is not needed any more. */
  async dismiss(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#closed
  }

  /** Sees to it that it dies; the returned function disarms. */
  #arm(death: Death): () => void {
    const kill = () => void this.#child.kill('SIGKILL')
    let timer = death.kind === 'time' ? setTimeout(kill, death.ms) : undefined
    this.#onLine = () => {
      // The first line said that it is ready.
      if (death.kind === 'reports' && this.#lines > death.count) kill()
      if (death.kind !== 'closing' || timer !== undefined || !this.#text.endsWith(CLOSING)) return
      timer = setTimeout(kill, death.ms)
    }
    return () => clearTimeout(timer)
  }

  async #ready(): Promise<void> {
    while (this.#lines === 0 && this.#child.exitCode === null) {
      await new Promise<void>((resolve) => {
        this.#onLine = resolve
        void this.#closed.then(() => resolve())
      })
    }
    this.#onLine = () => {}
  }

  #endOf(isStuck: boolean): LifeOutcome['ended'] {
    const { exitCode, signalCode } = this.#child
    if (isStuck) return 'stuck'
    if (signalCode === 'SIGKILL') return 'killed'
    return exitCode === 0 ? 'closed' : 'failed'
  }
}
