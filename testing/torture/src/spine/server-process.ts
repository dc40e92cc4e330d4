import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type Random, randomInteger } from '@millrace/kernel'

const MILLRACE = fileURLToPath(new URL('../bin/millrace.js', import.meta.resolve('millrace')))
const APP = fileURLToPath(new URL('app.ts', import.meta.url))

/** How long the server may take to start, and to stop, in milliseconds. */
const READY_MS_MAX = 60_000
const STOP_MS_MAX = 30_000
/** What is kept of what the server says, to explain a failure. */
const SAID_CHARACTERS_MAX = 8_000
/**
 * Below the ports that systems give to outgoing connections: a device that dials a dead port among those can be
 * connected to itself, and then holds the port that the server needs.
 */
const PORT_MIN = 20_000
const PORT_END = 32_000

/** Where the server runs. */
export interface ServerPlace {
  readonly dataDirectory: string
  readonly mqttPort: number
}

/** `millrace start` as a process group of its own, to be killed without warning. */
export class ServerProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  #said = ''
  #output = ''
  #url: string | undefined

  constructor({ dataDirectory, mqttPort }: ServerPlace) {
    const ports = ['--mqtt-port', String(mqttPort), '--http-port', '0']
    this.#child = spawn(
      process.execPath,
      [MILLRACE, 'start', APP, '--data', dataDirectory, ...ports, '--json'],
      {
        detached: true,
        // The channel is there to break: the server stops by itself if the torture is killed.
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      },
    )
    this.#exited = once(this.#child, 'exit')
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-SAID_CHARACTERS_MAX)
    })
  }

  /** What it wrote to standard error. */
  get said(): string {
    return this.#said
  }

  /** The address of its API; rejects if it ends before it is ready. */
  async ready(): Promise<string> {
    if (this.#url !== undefined) return this.#url
    const deadlineMs = performance.now() + READY_MS_MAX
    while (performance.now() < deadlineMs && this.#isRunning) {
      if (this.#output.includes('\n')) {
        this.#url = String(JSON.parse(this.#output.slice(0, this.#output.indexOf('\n'))).url)
        return this.#url
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    throw new Error(`the server did not start: ${this.#said}`)
  }

  /** kill -9 of the whole group; resolves when it is gone. */
  async kill(): Promise<void> {
    if (!this.#isRunning || this.#child.pid === undefined) return
    process.kill(-this.#child.pid, 'SIGKILL')
    await this.#exited
  }

  /** Asks it to stop and waits; undefined if it stopped as it should, else what was wrong. */
  async stop(): Promise<string | undefined> {
    if (!this.#isRunning) return `the server had ended by itself: ${this.#said}`
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => void this.kill(), STOP_MS_MAX)
    await this.#exited
    clearTimeout(timer)
    const { exitCode, signalCode } = this.#child
    return exitCode === 0
      ? undefined
      : `asked to stop, the server ended with ${exitCode ?? signalCode}: ${this.#said}`
  }

  get #isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }
}

/** A port for the server to come back to after each kill. */
export async function choosePort(random: Random): Promise<number> {
  for (;;) {
    const port = randomInteger(random, PORT_MIN, PORT_END)
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isFree) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
}
