import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'

/** How long a program may take to become ready, and to stop, in milliseconds. */
const READY_MS_MAX = 30_000
const STOP_MS_MAX = 15_000
/** What is kept of what a program says, to explain why it ended. */
const SAID_CHARACTERS_MAX = 4_000

/** A program that runs beside the bench; ends with it. */
export class ChildProgram implements AsyncDisposable {
  readonly #name: string
  readonly #child: ChildProcess
  #said = ''

  private constructor(name: string, child: ChildProcess) {
    this.#name = name
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#said = (this.#said + text).slice(-SAID_CHARACTERS_MAX)
      })
    }
  }

  /** Starts a command. */
  static start(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProgram {
    const stdio = options.stdio ?? ['ignore', 'pipe', 'pipe']
    return new ChildProgram(command, spawn(command, args, { ...options, stdio }))
  }

  /** Starts a module of ours on the Node that runs the bench; it may tell something with `process.send`. */
  static startModule(path: string, args: readonly string[], nodeArgs: readonly string[] = []): ChildProgram {
    return ChildProgram.start(process.execPath, [...nodeArgs, path, ...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
  }

  get pid(): number {
    return this.#child.pid ?? Number.NaN
  }

  /** What `read` makes of the first message or output for which it is not undefined. */
  ready<Value>(read: (said: unknown) => Value | undefined): Promise<Value> {
    return this.#heard(read, READY_MS_MAX)
  }

  /** Sends a message, and resolves with what `read` makes of the first answer for which it is not undefined. */
  ask<Value>(
    message: object,
    read: (said: unknown) => Value | undefined,
    answerMsMax: number,
  ): Promise<Value> {
    const answer = this.#heard(read, answerMsMax)
    this.#child.send(message, (error) => {
      // The end of the process, which follows, tells more.
      if (error !== null) this.#said += error.message
    })
    return answer
  }

  #heard<Value>(read: (said: unknown) => Value | undefined, msMax: number): Promise<Value> {
    const child = this.#child
    return new Promise<Value>((resolve, reject) => {
      const timer = setTimeout(() => fail(`said nothing for ${msMax} ms`), msMax)
      const settle = (end: () => void) => {
        clearTimeout(timer)
        for (const source of [child, child.stdout, child.stderr]) {
          source?.off('message', look).off('data', look).off('error', onError).off('exit', onExit)
        }
        end()
      }
      const fail = (what: string) => settle(() => reject(new Error(`${this.#name} ${what}: ${this.#said}`)))
      const onError = (error: Error) => fail(`could not start (${error.message})`)
      const onExit = (code: number | null, signal: string | null) => fail(`ended (${code ?? signal})`)
      const look = (said: unknown) => {
        const value = read(said)
        if (value !== undefined) settle(() => resolve(value))
      }
      child.on('message', look)
      child.stdout?.on('data', look)
      child.stderr?.on('data', look)
      child.once('error', onError)
      child.once('exit', onExit)
      // It may have ended before anybody listened.
      if (child.exitCode !== null || child.signalCode !== null) onExit(child.exitCode, child.signalCode)
    })
  }

  /** Asks it to stop, and insists after a while. */
  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
    await exited
    clearTimeout(timer)
  }
}
