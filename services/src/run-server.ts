import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { FoundServer } from './find-server.ts'
import type { Service, ServicePlace } from './server-kind.ts'

/** A server that was started and answers. */
export interface StartedServer {
  readonly process: ChildProcess
  readonly pid: number
  readonly place: ServicePlace
  readonly url: string
  /** Where it writes what it says. */
  readonly logFile: string
}

/** How long a server may take until it answers. */
const READY_MS_MAX = 30_000
const READY_POLL_MS = 25
/** The end of a log that goes into a failure. */
const LOG_LINES = 15

/**
 * Starts a server as a plain process of its own group, with its data in `place.directory` (made if needed, readable by
 * its owner only), and waits until it answers. Rejects with the end of its log if it does not.
 */
export async function runServer(
  service: Service,
  { path, version }: FoundServer,
  place: ServicePlace,
): Promise<StartedServer> {
  mkdirSync(place.directory, { recursive: true, mode: 0o700 })
  service.prepare?.(path, place)
  const logFile = join(place.directory, '..', `${service.name}.log`)
  for (const startMs = Date.now(); ; ) {
    const log = openSync(logFile, 'a', 0o600)
    const child = spawn(path, service.argumentsFor(place, version), {
      ...service.owner?.(),
      detached: true,
      cwd: place.directory,
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    child.unref()
    const failure = await untilReady(service, place, child).catch((error: Error) => error)
    if (failure === undefined) {
      return { process: child, pid: child.pid as number, place, url: service.url(place), logFile }
    }
    child.kill('SIGKILL')
    const end = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-LOG_LINES).join('\n')
    const isWorthAnother = service.startsLater?.test(end) === true && Date.now() - startMs < READY_MS_MAX
    if (!isWorthAnother) throw new Error(`${path} did not start: ${failure.message}\n${end}`)
    await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS))
  }
}

async function untilReady(service: Service, place: ServicePlace, child: ChildProcess): Promise<void> {
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = error
  })
  for (const startMs = Date.now(); ; ) {
    if (failure !== undefined) throw failure
    if (child.exitCode !== null) throw new Error(`it ended with exit code ${child.exitCode}`)
    try {
      await service.ready(place.port)
      return
    } catch (error) {
      if (Date.now() - startMs > READY_MS_MAX) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS))
  }
}

/** A port of 127.0.0.1 that nobody listens on right now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
