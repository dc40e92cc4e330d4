import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const MILLRACE = fileURLToPath(new URL('../bin/millrace.js', import.meta.url))
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const LIMIT_MS = 60_000

/** What a command line printed and how it ended. */
export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A command line that goes on until it is stopped. */
export interface Running {
  readonly child: ChildProcess
  /** Everything printed so far, to both ends. */
  text(): string
  /** Resolves when `pattern` has been printed after the first `from` characters. */
  printed(pattern: RegExp, from?: number): Promise<RegExpExecArray>
  stop(): Promise<number | null>
}

/** A folder inside the repository, so that applications in it find `millrace`; it goes with the test. */
export async function applicationFolder(): Promise<string> {
  const folder = await mkdtemp(join(ROOT, '.cache', 'cli-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A folder outside; it goes with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-cli-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Runs a command line to its end. */
export async function millrace(...words: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [MILLRACE, ...words], { cwd: ROOT, timeout: LIMIT_MS })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, out, err }
}

/** Starts a command line that does not end by itself; stopped with the test at the latest. */
export function start(...words: string[]): Running {
  const child = spawn(process.execPath, [MILLRACE, ...words], { cwd: ROOT })
  let text = ''
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      text += chunk
      for (const listener of listeners) listener()
    })
  }
  const stop = async () => {
    if (child.exitCode !== null) return child.exitCode
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    return ended
  }
  onTestFinished(async () => void (await stop()))
  return {
    child,
    text: () => text,
    stop,
    printed: (pattern, from = 0) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(text.slice(from))
          if (match === null) return
          listeners.delete(look)
          clearTimeout(timer)
          resolve(match)
        }
        const timer = setTimeout(
          () => reject(new Error(`${pattern} was not printed; this was:\n${text}`)),
          LIMIT_MS,
        )
        listeners.add(look)
        look()
      }),
  }
}
