import { millraceError } from '@millrace/kernel'
import type { Connections } from './connections.ts'
import type { PostgresSettings } from './postgres-options.ts'

/** What the settings of the server mean for what is promised. */
export interface ServerFindings {
  readonly durable: boolean
  /** One sentence each, for operators: what can be lost, and which setting it comes from. Empty if nothing can. */
  readonly lines: readonly string[]
}

/** Version 13, as the server numbers it. */
const OLDEST = 130_000

const ASKED = [
  'server_version_num',
  'server_version',
  'server_encoding',
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'synchronous_standby_names',
  'default_transaction_isolation',
  'default_transaction_read_only',
  'extra_float_digits',
] as const

type Settings = Readonly<Record<(typeof ASKED)[number], string>>

/** @throws DATABASE_SERVER_UNFIT, and what connecting throws */
export async function checkServer(
  connections: Connections,
  settings: PostgresSettings,
): Promise<ServerFindings> {
  const shown = ASKED.map((name) => `current_setting('${name}')`).join(', ')
  const asked = `${shown}, pg_is_in_recovery()`
  const [result] = await connections.run([{ sql: `SELECT ${asked}`, parameters: [] }])
  const [row = []] = result?.rows ?? []
  const seen = Object.fromEntries(ASKED.map((name, index) => [name, row[index] ?? ''])) as Settings
  const [isReplica] = row.slice(ASKED.length)
  checkFit(seen, settings)
  const { durable, lines } = judge(seen)
  if (isReplica === 't') lines.push('The server is a replica and takes no writes.')
  else if (seen.default_transaction_read_only === 'on') {
    lines.push('Transactions are read-only (default_transaction_read_only): writes are refused.')
  }
  return { durable, lines }
}

function checkFit(seen: Settings, { name: database, isPooled }: PostgresSettings): void {
  const unfit = (what: string, expected: string): never => {
    throw millraceError('DATABASE_SERVER_UNFIT', { database, seen: what, expected })
  }
  if (Number(seen.server_version_num) < OLDEST) unfit(`version ${seen.server_version}`, 'version 13 or newer')
  if (seen.server_encoding !== 'UTF8') {
    unfit(`the encoding ${seen.server_encoding}`, "a database that was made with ENCODING 'UTF8'")
  }
  // Everywhere else each session is asked for these.
  if (!isPooled) return
  if (seen.default_transaction_isolation !== 'read committed') {
    const isolation = seen.default_transaction_isolation
    unfit(
      `default_transaction_isolation = ${isolation}`,
      'read committed, by ALTER ROLE … SET or ALTER DATABASE … SET',
    )
  }
  if (Number(seen.extra_float_digits) < 1)
    unfit(`extra_float_digits = ${seen.extra_float_digits}`, '1, the default')
}

function judge(seen: Settings): { durable: boolean; lines: string[] } {
  const lines: string[] = []
  if (seen.fsync === 'off') {
    lines.push(
      'The server does not sync its disk (fsync = off): a power cut can lose or damage everything. Set fsync = on.',
    )
  }
  if (seen.synchronous_commit === 'off') {
    lines.push(
      'The server acknowledges before it has written (synchronous_commit = off): a crash or a power cut loses up to about a second of what it acknowledged. Set synchronous_commit = on for this role or database.',
    )
  }
  if (seen.full_page_writes === 'off') {
    lines.push(
      'The server does not write whole pages (full_page_writes = off): a power cut can damage pages unless the disk writes them whole. Set full_page_writes = on.',
    )
  }
  const durable = lines.length === 0
  if (seen.synchronous_standby_names !== '' && ['local', 'off'].includes(seen.synchronous_commit)) {
    lines.push(
      `Commits do not wait for the standby (synchronous_commit = ${seen.synchronous_commit}): a failover loses what it has not got yet.`,
    )
  }
  return { durable, lines }
}
