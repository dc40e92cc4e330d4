import type { ChildProcess } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FoundServer } from './find-server.ts'
import { freePort, runServer } from './run-server.ts'
import { type Service, type ServiceName, services, type Version } from './server-kind.ts'

/** A server of a test's own, with data that ends with it. */
export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly monitorUrl: string
  readonly version: Version
  readonly pid: number
  /** Ends it at once, as `kill -9` does; resolves when the process is gone. */
  kill(): Promise<void>
  /** Starts it again after {@link kill}, on the same port and with the same data. */
  restart(): Promise<void>
  /** Ends it and removes its data. Idempotent. */
  stop(): Promise<void>
}

/**
 * Starts a server on free ports of loopback with its data in a new folder of the system's temporary directory. PostgreSQL
 * takes settings such as `fsync=off`, which go before its own.
 */
export async function startTestServer(
  name: ServiceName,
  server: FoundServer,
  settings: readonly string[] = [],
): Promise<TestServer> {
  const service = withSettings(services[name], settings)
  const root = mkdtempSync(join(tmpdir(), `millrace-${name}-`))
  const place = { directory: join(root, 'data'), port: await freePort(), monitorPort: await freePort() }
  let running = await runServer(service, server, place)
  const stopOnExit = () => running.process.kill('SIGKILL')
  process.once('exit', stopOnExit)
  const end = () => ended(running.process, () => running.process.kill('SIGKILL'))
  const stop = async () => {
    process.removeListener('exit', stopOnExit)
    await end()
    await rm(root, { recursive: true, force: true })
  }
  return {
    url: running.url,
    port: place.port,
    monitorUrl: `http://127.0.0.1:${place.monitorPort}`,
    version: server.version,
    get pid() {
      return running.pid
    },
    kill: end,
    restart: async () => {
      running = await runServer(service, server, place)
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function ended(child: ChildProcess, end: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    // It was let go of, so that it keeps nobody alive; now we wait for it.
    child.ref()
    child.once('exit', () => resolve())
    end()
  })
}

function withSettings(service: Service, settings: readonly string[]): Service {
  if (settings.length === 0) return service
  return {
    ...service,
    argumentsFor: (place, version) => [
      ...service.argumentsFor(place, version),
      ...settings.flatMap((setting) => ['-c', setting]),
    ],
  }
}
