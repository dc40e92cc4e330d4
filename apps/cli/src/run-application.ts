import { existsSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { siteDirectory } from '@millrace/console/site'
import { isMillraceError } from '@millrace/kernel'
import { loadApp, portOf, type RunningApp, type StartOptions, startApp } from '@millrace/server'
import { SERVER_FILE, type ServerFile } from './api-client.ts'
import { DEV_VARIABLE, type StartFlags } from './commands/start.ts'
import { type Output, style, terminalOutput } from './output.ts'
import { VERSION } from './version.ts'

/** Runs the application until the process is asked to stop. */
export async function runUntilStopped(file: string, flags: StartFlags): Promise<void> {
  try {
    await run(file, flags)
  } finally {
    // Whoever started us with a channel has heard enough; an open channel would keep the process alive.
    if (process.connected) process.disconnect()
  }
}

async function run(file: string, flags: StartFlags): Promise<void> {
  const output = terminalOutput(flags.json ?? false)
  const stopped = stopSignal()
  const isDev = process.env[DEV_VARIABLE] !== undefined
  const app = await loadApp(file)
  const running = await startWithFreePorts(isDev, (ports) =>
    startApp(app, { ...startOptions(flags), ...ports }),
  )
  const dataDirectory = resolve(running.backbone.settings.dataDirectory)
  await writeServerFile(dataDirectory, running)
  announce(output, running, dataDirectory, isDev)
  process.send?.({ kind: 'started', http: running.url, mqtt: running.mqtt })
  await stopped
  if (!output.json) output.line('\nstopping: finishing what is in hand …')
  await running.close()
  await rm(join(dataDirectory, SERVER_FILE), { force: true })
  if (!output.json)
    output.line(
      `stopped${running.backbone.bus.supports.durable ? '; everything that was acknowledged is on disk' : ''}`,
    )
}

function startOptions(flags: StartFlags): StartOptions {
  const { data, httpHost, httpPort, mqttHost, mqttPort, bus, busPrefix, busSync, busMonitor, logLevel } =
    flags
  const { store, storeSchema, storeMigrate } = flags
  return {
    logLevel,
    ...(data === undefined ? {} : { dataDirectory: data }),
    ...(httpHost === undefined ? {} : { httpHost }),
    ...(mqttHost === undefined ? {} : { mqttHost }),
    ...(bus === undefined ? {} : { busUrl: bus }),
    ...(busPrefix === undefined ? {} : { busPrefix }),
    ...(busSync === undefined ? {} : { busSync }),
    ...(busMonitor === undefined ? {} : { busMonitorUrl: busMonitor }),
    ...(store === undefined ? {} : { storeUrl: store }),
    ...(storeSchema === undefined ? {} : { storeSchema }),
    ...(storeMigrate === undefined ? {} : { storeMigrate }),
    ...(httpPort === undefined ? {} : { httpPort: portOf('--http-port', httpPort) }),
    ...(mqttPort === undefined ? {} : { mqttPort: portOf('--mqtt-port', mqttPort) }),
    ...consoleDirectory(),
  }
}

/** The console is served if it has been built. */
function consoleDirectory(): { consoleDirectory?: string } {
  const directory = fileURLToPath(siteDirectory)
  return existsSync(join(directory, 'index.html')) ? { consoleDirectory: directory } : {}
}

/**
 * In development a taken port is no reason to stop: the next try takes a free one. In production it is, since
 * devices and load balancers know the address.
 */
async function startWithFreePorts(
  isDev: boolean,
  start: (ports: { httpPort?: number; mqttPort?: number }) => Promise<RunningApp>,
): Promise<RunningApp> {
  let ports: { httpPort?: number; mqttPort?: number } = {}
  for (;;) {
    try {
      return await start(ports)
    } catch (error) {
      if (!isDev || !isMillraceError(error, 'LISTENER_ADDRESS_IN_USE')) throw error
      const taken = error.parameters.setting === 'http.port' ? { httpPort: 0 } : { mqttPort: 0 }
      if (Object.keys(taken).every((port) => port in ports)) throw error
      ports = { ...ports, ...taken }
    }
  }
}

async function writeServerFile(dataDirectory: string, { url, mqtt }: RunningApp): Promise<void> {
  const file: ServerFile = { url, mqtt, pid: process.pid }
  const path = join(dataDirectory, SERVER_FILE)
  await writeFile(`${path}.tmp`, JSON.stringify(file), { mode: 0o600 })
  await rename(`${path}.tmp`, path)
}

function announce(output: Output, running: RunningApp, dataDirectory: string, isDev: boolean): void {
  const { url, mqtt, startMs, backbone, apiToken } = running
  if (output.json) {
    output.data({ url, mqtt, dataDirectory, pid: process.pid })
    return
  }
  const hasConsole = consoleDirectory().consoleDirectory !== undefined
  const consoleUrl = isDev ? `${url}/#token=${apiToken}` : url
  output.line(`\n  ${style('bold', `Millrace ${VERSION}`)} · ${backbone.definition.name}\n`)
  output.line(
    `  console  ${hasConsole ? style('cyan', consoleUrl) : 'not built; npm run build -w @millrace/console'}`,
  )
  output.line(`  API      ${url}/api   ${style('dim', `token in ${join(dataDirectory, 'api-token')}`)}`)
  output.line(`  MQTT     ${mqtt.host}:${mqtt.port}   ${style('dim', 'millrace device password <device>')}`)
  const { bus } = backbone
  const promise = bus.supports.durable ? 'acknowledged means on disk' : 'acknowledged may be lost; see above'
  output.line(`  data     ${dataDirectory}   ${style('dim', promise)}`)
  const busUrl = backbone.settings.bus.url
  if (busUrl !== undefined) output.line(`  bus      ${withoutCredentials(busUrl)}`)
  const storeUrl = backbone.settings.store.url
  if (storeUrl !== undefined) output.line(`  store    ${withoutCredentials(storeUrl)}`)
  output.line(`\n  ready in ${(startMs / 1000).toFixed(1)} s · Ctrl-C stops\n`)
}

function withoutCredentials(url: string): string {
  return url.replaceAll(/\/\/[^@,]*@/g, '//')
}

/** Resolves when the process is asked to stop; a second request ends it at once. */
function stopSignal(): Promise<void> {
  return new Promise((stop) => {
    let asked = false
    const ask = () => {
      if (asked) process.exit(1)
      asked = true
      stop()
    }
    process.on('SIGINT', ask)
    process.on('SIGTERM', ask)
    // Whoever started us is gone; or we are stopping, and have closed the channel ourselves.
    process.on('disconnect', stop)
  })
}
