import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { root } from '../root.ts'

/** One thing that proves something, run as a process of our Node in the root of the repository. */
export interface Step {
  readonly name: string
  /** Script and arguments. */
  readonly args: readonly string[]
  readonly limitMs: number
  /** A file without which the step has nothing to do yet. */
  readonly needs?: string
  /** Where the step leaves the JSON report of vitest. */
  readonly report?: string
}

/** `absent`: what the step needs is not there, so it did not run. */
export type StepState = 'passed' | 'failed' | 'absent'

export interface TestCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** The part of the JSON report of vitest that is counted. */
type Report = Partial<
  Record<'numPassedTests' | 'numFailedTests' | 'numPendingTests' | 'numTodoTests', number>
>

export interface StepResult {
  readonly name: string
  readonly state: StepState
  readonly ms: number
  /** What the step printed, both streams together. */
  readonly output: string
  readonly counts: TestCounts
}

export interface StepOptions {
  /** Print what the step prints while it runs. */
  readonly live?: boolean
  /** Default: this repository. */
  readonly folder?: string
}

const running = new Set<ChildProcess>()

/** Runs one step to its end or its limit; never throws. */
export async function runStep(step: Step, options: StepOptions = {}): Promise<StepResult> {
  const folder = options.folder ?? root
  if (step.needs !== undefined && !existsSync(join(folder, step.needs))) return absentResult(step)
  prepareReport(folder, step)
  const startMs = Date.now()
  const { code, output } = await runProcess(step, folder, options.live ?? false)
  const report = readReport(folder, step)
  const passed = code === 0 && report !== undefined
  const counts = countTests(report ?? {}, passed)
  return { name: step.name, state: passed ? 'passed' : 'failed', ms: Date.now() - startMs, output, counts }
}

/** Runs steps, `concurrency` at a time, in the order given; `onEnd` hears of each as it ends. */
export async function runSteps(
  steps: readonly Step[],
  options: StepOptions & { readonly concurrency: number; readonly onEnd: (result: StepResult) => void },
): Promise<StepResult[]> {
  const results: StepResult[] = []
  const waiting = steps.entries()
  const runWaiting = async () => {
    for (const [index, step] of waiting) {
      const result = await runStep(step, options)
      results[index] = result
      options.onEnd(result)
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, runWaiting))
  return results
}

/** Ends what is running when we are asked to end; each step is a process group of its own, so Ctrl-C misses it. */
export function stopStepsOnSignal(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      for (const child of running) killGroup(child)
      process.exit(130)
    })
  }
}

function runProcess(step: Step, folder: string, live: boolean): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const path = [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter)
    const child = spawn(process.execPath, step.args, {
      cwd: folder,
      env: { ...process.env, PATH: path },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    running.add(child)
    const chunks: string[] = []
    const take = (chunk: Buffer) => {
      chunks.push(chunk.toString())
      if (live) process.stdout.write(chunk)
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    const limit = setTimeout(() => {
      take(Buffer.from(`\nStopped: the step "${step.name}" did not end within ${step.limitMs / 1000} s.\n`))
      killGroup(child)
    }, step.limitMs)
    child.on('error', (error) => take(Buffer.from(`${error.message}\n`)))
    child.on('close', (code) => {
      clearTimeout(limit)
      running.delete(child)
      resolve({ code: code ?? 1, output: chunks.join('') })
    })
  })
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}

function absentResult(step: Step): StepResult {
  const output = `${step.needs} does not exist yet.\n`
  return { name: step.name, state: 'absent', ms: 0, output, counts: { passed: 0, failed: 0, skipped: 0 } }
}

/** An old report must not be taken for the result of this run. */
function prepareReport(folder: string, { report }: Step): void {
  if (report === undefined) return
  mkdirSync(dirname(join(folder, report)), { recursive: true })
  rmSync(join(folder, report), { force: true })
}

/** A failure that vitest has not counted (a file that does not load, a step without tests) counts as one. */
function countTests(report: Report, passed: boolean): TestCounts {
  return {
    passed: report.numPassedTests ?? 0,
    failed: Math.max(report.numFailedTests ?? 0, passed ? 0 : 1),
    skipped: (report.numPendingTests ?? 0) + (report.numTodoTests ?? 0),
  }
}

/** The report of vitest; undefined if there should be one and it cannot be read. */
function readReport(folder: string, { report }: Step): Report | undefined {
  if (report === undefined) return {}
  try {
    return JSON.parse(readFileSync(join(folder, report), 'utf8')) as Report
  } catch {
    return undefined
  }
}
