import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { READY } from './started-process.ts'

/** Compiled code of the children, which halves the cost of a kill. */
const COMPILE_CACHE = '.cache/torture-code'
const SAID_CHARACTERS_MAX = 8_000

/** How a process has ended. */
export interface ProcessEnd {
  readonly exitCode: number | null
  readonly isKilled: boolean
}

/** A process that loads its code ahead, and waits for its plan; see `liveByPlan`. */
export class WaitingProcess {
  readonly ended: Promise<ProcessEnd>
  /** Called when there is more text. */
  onText: () => void = () => {}
  readonly #child: ChildProcess
  #text = ''
  #lines = 0
  #said = ''
  #isReady = Promise.withResolvers<void>()

  constructor(program: URL) {
    const path = fileURLToPath(program)
    const env = { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE }
    this.#child = spawn(process.execPath, [path], { stdio: ['pipe', 'pipe', 'pipe'], env })
    this.ended = once(this.#child, 'close').then(() => {
      this.#isReady.resolve()
      return { exitCode: this.#child.exitCode, isKilled: this.#child.signalCode === 'SIGKILL' }
    })
    // The plan of one that was killed before it could read it.
    this.#child.stdin?.on('error', () => {})
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#take(text))
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-SAID_CHARACTERS_MAX)
    })
  }

  /** What it has said since it began, to standard output. */
  get text(): string {
    return this.#text
  }

  /** How many lines that is. */
  get lines(): number {
    return this.#lines
  }

  /** What it wrote to standard error. */
  get said(): string {
    return this.#said
  }

  /** Gives it its plan as soon as it is ready. */
  async begin(plan: object): Promise<void> {
    await this.#isReady.promise
    this.#child.stdin?.write(`${JSON.stringify(plan)}\n`)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  /** The whole lines that it has said since the last time; the text is forgotten. */
  takeLines(): string {
    const end = this.#text.lastIndexOf('\n') + 1
    const taken = this.#text.slice(0, end)
    this.#text = this.#text.slice(end)
    return taken
  }

  #take(text: string): void {
    this.#text += text
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#lines += 1
    if (this.#text.startsWith(READY)) {
      this.#text = this.#text.slice(READY.length)
      this.#lines -= 1
      this.#isReady.resolve()
    }
    this.onText()
  }
}
