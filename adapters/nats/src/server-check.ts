import { millraceError } from '@millrace/kernel'
import { RetentionPolicy, StorageType, type StreamInfo } from '@nats-io/jetstream'
import { millis, type ServerInfo } from '@nats-io/nats-core'
import { reasonOf } from './nats-failure.ts'
import type { NatsSettings } from './nats-options.ts'

/** What the settings of server and streams mean for what is promised. */
export interface ServerFindings {
  readonly durable: boolean
  /** One sentence each, for operators: what can be lost, and which setting it comes from. Empty if nothing can. */
  readonly lines: readonly string[]
}

/** The oldest server that the adapter is tested with. */
const OLDEST = [2, 9] as const
/** The first that can sync before it acknowledges. */
const DURABLE = [2, 10] as const

const MONITOR_MS_MAX = 3_000

/** How the server syncs, as far as anybody can tell. */
type Sync = 'always' | 'later' | 'unknown'

/** @throws BUS_SERVER_UNFIT if the server is too old */
export async function checkServer(
  settings: NatsSettings,
  info: ServerInfo,
  topics: readonly { readonly topic: string; readonly info: StreamInfo }[],
): Promise<ServerFindings> {
  if (isBefore(info.version, OLDEST)) {
    throw millraceError('BUS_SERVER_UNFIT', {
      servers: settings.servers.join(', '),
      seen: `version ${info.version}`,
      expected: `version ${OLDEST.join('.')} or newer`,
    })
  }
  const { sync, lines } = await syncOf(settings, info)
  const streams = topics.flatMap(({ topic, info: stream }) => checkStream(topic, stream, settings))
  return {
    durable: sync === 'always' && !streams.some(({ loses }) => loses),
    lines: [...lines, ...streams.map(({ line }) => line)],
  }
}

async function syncOf(settings: NatsSettings, info: ServerInfo): Promise<{ sync: Sync; lines: string[] }> {
  if (isBefore(info.version, DURABLE)) {
    const line = `nats-server ${info.version} syncs every two minutes and cannot do otherwise (2.10 can): a power cut loses what it acknowledged since, and the order of what comes back may differ on a cluster.`
    return { sync: 'later', lines: [line] }
  }
  const seen = settings.monitorUrl === undefined ? undefined : await readSync(settings.monitorUrl, info)
  if (seen?.sync === 'always') return { sync: 'always', lines: [] }
  if (seen?.sync === 'later') return { sync: 'later', lines: [seen.line] }
  if (settings.sync === 'always') return { sync: 'always', lines: seen === undefined ? [] : [seen.line] }
  const unknown =
    'Nobody can see from here whether the server syncs before it acknowledges; unless its configuration has "sync_interval: always", a power cut loses up to two minutes of what it acknowledged. Set it, and say so with sync: \'always\' or show it with monitorUrl.'
  return { sync: 'unknown', lines: [...(seen === undefined ? [] : [seen.line]), unknown] }
}

/** What the monitoring of the server says in /varz; it must be that of the server that we are connected to. */
async function readSync(monitorUrl: string, info: ServerInfo): Promise<{ sync: Sync; line: string }> {
  try {
    const answer = await fetch(new URL('/varz', monitorUrl), { signal: AbortSignal.timeout(MONITOR_MS_MAX) })
    const varz = (await answer.json()) as {
      server_id?: string
      jetstream?: { config?: { sync_always?: boolean; sync_interval?: number } }
    }
    if (varz.server_id !== info.server_id) {
      return {
        sync: 'unknown',
        line: `${monitorUrl} is the monitoring of another server than the one that this bus uses.`,
      }
    }
    const { sync_always: isAlways = false, sync_interval: interval = 0 } = varz.jetstream?.config ?? {}
    if (isAlways) return { sync: 'always', line: '' }
    return {
      sync: 'later',
      line: `The server syncs every ${millis(interval) / 1_000} s, not before it acknowledges: a power cut loses what it acknowledged since. Set "sync_interval: always" in its configuration.`,
    }
  } catch (error) {
    return { sync: 'unknown', line: `${monitorUrl} does not tell how the server syncs: ${reasonOf(error)}.` }
  }
}

function checkStream(
  topic: string,
  { config }: StreamInfo,
  { limits }: NatsSettings,
): { readonly line: string; readonly loses: boolean }[] {
  const found: { line: string; loses: boolean }[] = []
  const say = (loses: boolean, line: string) => found.push({ loses, line: `Topic "${topic}": ${line}` })
  if (config.storage === StorageType.Memory) say(true, 'its stream is in memory, and ends with the server.')
  if (config.persist_mode === 'async')
    say(true, 'its stream is written after it is acknowledged (persist_mode async).')
  if (config.retention !== RetentionPolicy.Limits)
    say(
      true,
      `its stream removes what some consumer has acknowledged (retention ${config.retention}); other groups miss it.`,
    )
  if (config.no_ack === true)
    say(true, 'its stream does not acknowledge (no_ack); publishing will not succeed.')
  if (config.max_msgs > 0)
    say(false, `its stream keeps ${config.max_msgs} messages at most; slow groups miss what is older.`)
  if (config.max_msgs_per_subject > 0)
    say(false, `its stream keeps ${config.max_msgs_per_subject} messages of each partition at most.`)
  if (config.discard === 'new')
    say(false, 'its stream refuses messages when it is full (discard new) instead of removing the oldest.')
  if (config.sealed) say(false, 'its stream is sealed and takes no messages.')
  const windowMs = millis(config.duplicate_window)
  if (
    windowMs < 2 * limits.publishMsMax &&
    (config.max_age === 0 || millis(config.max_age) > 2 * limits.publishMsMax)
  )
    say(
      false,
      `its stream recognises repetitions for ${windowMs / 1_000} s only; a longer outage may double messages.`,
    )
  return found
}

function isBefore(version: string, [major, minor]: readonly [number, number]): boolean {
  const [seenMajor = 0, seenMinor = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  return seenMajor < major || (seenMajor === major && seenMinor < minor)
}
