import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { findServers, services, startTestServer } from '@millrace/services'
import type { Engine } from './tortured-store.ts'

/** A PostgreSQL server of the torture's own, whose processes it may kill. */
export interface TorturedServer extends AsyncDisposable {
  readonly engine: Engine
}

/** Who the connections of a store say that they are; see `openPostgres`. */
const OURS = `SELECT pid FROM pg_stat_activity
  WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND datname = current_database() ORDER BY pid`

/** Starts a server with durable settings. Half of the kills end one connection, half take the server down with them. */
export async function startTorturedServer(): Promise<TorturedServer> {
  const [server] = findServers(services.postgres)
  if (server === undefined) {
    throw new Error('there is no PostgreSQL: npm run services -- install postgres')
  }
  const running = await startTestServer('postgres', server)
  const killBackend = async (random: number) => {
    const pids = (await query(running.url, OURS)).split('\n').filter((line) => line !== '')
    const pid = Number(pids[Math.floor(((random * 2) % 1) * pids.length)])
    if (!Number.isInteger(pid) || pid <= 0) return false
    if (random < 0.5) return (await query(running.url, `SELECT pg_terminate_backend(${pid})`)) !== ''
    return killed(pid)
  }
  return {
    engine: { name: 'postgres', url: running.url, killBackend },
    [Symbol.asyncDispose]: () => running.stop(),
  }
}

/** One killed with -9 makes the server end all its connections and recover, as after a crash. */
function killed(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself meanwhile.
    return false
  }
}

/** What psql prints; nothing while the server recovers. */
async function query(url: string, sql: string): Promise<string> {
  const psql = spawn('psql', [url, '-qAtc', sql], { stdio: ['ignore', 'pipe', 'ignore'] })
  let text = ''
  psql.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  await once(psql, 'close')
  return text
}
