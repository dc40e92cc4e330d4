import { join } from 'node:path'
import { type Bus, openLogBus } from '@millrace/bus'
import type { Runtime } from '@millrace/kernel'
import { type NatsBusOptions, openNatsBus } from '@millrace/nats'
import { nodeFiles } from '@millrace/node'
import { pino } from 'pino'
import type { Settings } from './settings.ts'

/** The bus of an application: on a NATS server if the settings name one, else logs in the data directory. */
export async function openBus(
  settings: Settings,
  runtime: Runtime,
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent',
): Promise<Bus> {
  const { url, prefix, replicas, sync, monitorUrl } = settings.bus
  if (url === undefined) return openLogBus({ files: nodeFiles(join(settings.dataDirectory, 'bus')), runtime })
  const log = pino({ level: logLevel, name: 'nats' }, pino.destination(2))
  const bus = await openNatsBus({
    ...addressOf(url),
    prefix,
    replicas,
    sync,
    ...(monitorUrl === undefined ? {} : { monitorUrl }),
    report: (line) => log.warn(line),
  })
  for (const line of bus.findings) log.warn(line)
  return bus
}

/** The servers, and the credentials of the first one that has some: NATS takes one user for all. */
function addressOf(text: string): Pick<NatsBusOptions, 'servers' | 'connection'> {
  const urls = text.split(',').map((url) => new URL(url))
  const servers = urls.map(({ protocol, host }) => `${protocol}//${host}`)
  const [named] = urls.filter(({ username }) => username !== '')
  const tls = urls.some(({ protocol }) => protocol === 'tls:') ? { tls: {} } : {}
  if (named === undefined) return { servers, connection: tls }
  const user = decodeURIComponent(named.username)
  const pass = decodeURIComponent(named.password)
  return { servers, connection: { ...tls, ...(pass === '' ? { token: user } : { user, pass }) } }
}
