import { join } from 'node:path'
import { findServers, services } from '@millrace/services'
import { ChildProgram } from '../../child-program.ts'
import type { BenchStore, MissingPlan, StorePlan } from '../store.ts'
import { RespConnection } from './resp-connection.ts'

/** Entries that the stream keeps, or memory would decide. */
const ENTRIES_MAX = 100_000
const COMMON = [
  '--port 0',
  '--save ',
  '--auto-aof-rewrite-percentage 0',
  '--appendonly yes',
  '--daemonize no',
]
const COMMAND = `XADD MAXLEN ~ ${ENTRIES_MAX}, pipelined on one connection to a Unix socket`
const DURABLE = 'appendonly yes, appendfsync always'

/** A Redis stream with the append-only file. */
export function redisPlans(): (StorePlan | MissingPlan)[] {
  const [found] = findServers(services.redis)
  if (found === undefined) {
    return [{ name: 'redis', settings: DURABLE, reason: 'redis-server is not installed' }]
  }
  const plan = (variant: string, appendfsync: string): StorePlan => ({
    id: `redis/${variant}`,
    name: `redis ${variant}`,
    settings: `redis ${found.version.join('.')}; appendonly yes, appendfsync ${appendfsync}, no RDB, no rewrites; ${COMMAND}`,
    gathers: false,
    open: (directory) => openRedis(found.path, directory, appendfsync),
  })
  return [plan('durable', 'always'), plan('default', 'everysec')]
}

async function openRedis(program: string, directory: string, appendfsync: string): Promise<BenchStore> {
  // A path of a socket has 107 bytes at most, so it is given from the directory on.
  const args = [...COMMON, `--appendfsync ${appendfsync}`, '--unixsocket redis.sock', `--dir ${directory}`]
  await using opening = new AsyncDisposableStack()
  const argv = args.flatMap((arg) => [arg.split(' ', 1)[0] ?? '', arg.slice(arg.indexOf(' ') + 1)])
  const server = opening.use(ChildProgram.start(program, argv, { cwd: directory }))
  await server.ready((said) => (/eady to accept connections/.test(String(said)) ? true : undefined))
  const connection = opening.use(await RespConnection.open(join(directory, 'redis.sock')))
  const closing = opening.move()
  return {
    append: (records) => connection.all(records.map(xadd)),
    serverPids: [server.pid],
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

const XADD_HEAD = `*8\r\n$4\r\nXADD\r\n$3\r\nlog\r\n$6\r\nMAXLEN\r\n$1\r\n~\r\n$${String(ENTRIES_MAX).length}\r\n${ENTRIES_MAX}\r\n$1\r\n*\r\n$1\r\nv\r\n`

function xadd(record: Uint8Array): readonly (string | Uint8Array)[] {
  return [`${XADD_HEAD}$${record.length}\r\n`, record, '\r\n']
}
