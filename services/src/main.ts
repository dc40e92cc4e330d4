import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureServer } from './install.ts'
import {
  birthOf,
  forget,
  isAlive,
  type RememberedServer,
  remember,
  runningServer,
  serviceDirectory,
} from './remembered.ts'
import { runServer } from './run-server.ts'
import {
  isAtLeast,
  NATS_DURABLE,
  type Service,
  type ServiceName,
  serviceNames,
  services,
} from './server-kind.ts'

const HELP = `npm run services -- COMMAND [NAME …] [--json]

Real servers for tests, benches and development: plain processes on 127.0.0.1, with their data under .services/.

  up NAME …       installs (apt, and for a NATS that can sync: Go) what is missing, starts it, waits until it answers
  install NAME …  installs only
  down [NAME …]   stops them; --remove-data removes what they have stored
  status [NAME …] says which run, where, and since which version

Names: ${serviceNames.join(', ')}.

  --port N        another port than ${serviceNames.map((name) => `${services[name].port} (${name})`).join(', ')}; for "up" of one server
  --json          one JSON line a server

Exit codes: 0 done (status: all that were asked for run); 1 it failed; 2 the command line is wrong; 3 status: not all run.`

/** How long a server may take to stop before it is killed. */
const STOP_MS_MAX = 10_000
const STOP_POLL_MS = 20

class UsageError extends Error {}

process.exitCode = await main()

async function main(): Promise<number> {
  try {
    const { values, positionals } = parse()
    const [command, ...rest] = positionals
    if (values.help || command === undefined) {
      console.log(HELP)
      return values.help ? 0 : 2
    }
    const names = namesOf(command, rest)
    const show = (server: Shown) => console.log(values.json ? JSON.stringify(server) : lineOf(server))
    if (command === 'status') return status(names, show)
    for (const name of names) {
      if (command === 'up') show(await up(services[name], portOf(values.port, names), values.json))
      if (command === 'install') show(install(services[name], values.json))
      if (command === 'down') show(await down(name, values['remove-data']))
    }
    return 0
  } catch (error) {
    const isUsage =
      error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')
    console.error(error instanceof Error ? error.message : String(error))
    if (isUsage) console.error('"npm run services -- --help" says what there is.')
    return isUsage ? 2 : 1
  }
}

function parse() {
  return parseArgs({
    allowPositionals: true,
    options: {
      port: { type: 'string' },
      json: { type: 'boolean', default: false },
      'remove-data': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
}

/** What a line is about. */
interface Shown extends Partial<RememberedServer> {
  readonly name: ServiceName
  readonly state: 'running' | 'stopped' | 'installed'
  readonly note?: string
}

function namesOf(command: string, words: readonly string[]): readonly ServiceName[] {
  if (!['up', 'install', 'down', 'status'].includes(command))
    throw new UsageError(`There is no command "${command}".`)
  for (const word of words) {
    if (!(serviceNames as readonly string[]).includes(word))
      throw new UsageError(`There is no server "${word}", only ${serviceNames.join(' and ')}.`)
  }
  if (words.length === 0 && (command === 'up' || command === 'install'))
    throw new UsageError(`"${command}" needs the name of a server: ${serviceNames.join(' or ')}.`)
  return words.length === 0 ? serviceNames : (words as ServiceName[])
}

function portOf(text: string | undefined, names: readonly ServiceName[]): number | undefined {
  if (text === undefined) return undefined
  const port = Number(text)
  if (Number.isInteger(port) && port > 0 && port < 65_536 && names.length === 1) return port
  throw new UsageError(`--port takes a port from 1 to 65535, for one server; it was "${text}".`)
}

async function up(service: Service, port = service.port, json = false): Promise<Shown> {
  const running = runningServer(service.name)
  if (running !== undefined) return { ...running, state: 'running', note: 'it ran already' }
  const found = ensureServer(service, (line) => (json ? undefined : console.error(line)))
  const directory = join(serviceDirectory(service.name), 'data')
  const monitorPort = port === service.port ? (service.monitorPort ?? 0) : port + 1
  const { pid, url, logFile } = await runServer(service, found, { directory, port, monitorPort })
  const server: RememberedServer = {
    name: service.name,
    pid,
    born: birthOf(pid),
    url,
    ...(service.monitorPort === undefined ? {} : { monitorUrl: `http://127.0.0.1:${monitorPort}` }),
    version: found.version.join('.'),
    directory,
    logFile,
  }
  remember(server)
  return { ...server, state: 'running', ...noteOf(service, found.version) }
}

function install(service: Service, json: boolean): Shown {
  const { version } = ensureServer(service, (line) => (json ? undefined : console.error(line)))
  return { name: service.name, state: 'installed', version: version.join('.'), ...noteOf(service, version) }
}

function noteOf({ name }: Service, version: Parameters<typeof isAtLeast>[0]): { note?: string } {
  if (name !== 'nats' || isAtLeast(version, NATS_DURABLE)) return {}
  return {
    note: 'older than 2.10: it cannot sync before it acknowledges, so a power cut loses what it acknowledged',
  }
}

async function down(name: ServiceName, removeData: boolean): Promise<Shown> {
  const running = runningServer(name)
  if (running !== undefined) await stop(running)
  forget(name)
  if (removeData) rmSync(serviceDirectory(name), { recursive: true, force: true })
  return { name, state: 'stopped', ...(running === undefined ? { note: 'it did not run' } : {}) }
}

async function stop(server: RememberedServer): Promise<void> {
  process.kill(server.pid, services[server.name].stopSignal ?? 'SIGTERM')
  for (const startMs = Date.now(); isAlive(server); ) {
    if (Date.now() - startMs > STOP_MS_MAX) process.kill(server.pid, 'SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, STOP_POLL_MS))
  }
}

function status(names: readonly ServiceName[], show: (server: Shown) => void): number {
  const running = names.map((name) => runningServer(name))
  for (const [index, server] of running.entries()) {
    show(
      server === undefined
        ? { name: names[index] as ServiceName, state: 'stopped' }
        : { ...server, state: 'running' },
    )
  }
  return running.includes(undefined) ? 3 : 0
}

function lineOf({ name, state, url, pid, version, note }: Shown): string {
  const parts = [
    version,
    url,
    pid === undefined ? undefined : `pid ${pid}`,
    note === undefined ? undefined : `(${note})`,
  ]
  return [name.padEnd(8), state.padEnd(10), ...parts.filter((part) => part !== undefined)].join(' ')
}
