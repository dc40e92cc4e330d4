import { millraceError } from '@millrace/kernel'
import type { ClientConfig } from 'pg'

/** Where the server is, and what holds. */
export interface PostgresOptions {
  /**
   * Address such as `postgres://user:password@host:5432/database?sslmode=verify-full`. What it says is never part of an
   * error or a line of a log, but for host, port and database.
   */
  readonly url?: string
  /** The same in parts, and what an address cannot say: a password that is asked for, TLS. Goes before the address. */
  readonly connection?: Pick<
    ClientConfig,
    'host' | 'port' | 'database' | 'user' | 'password' | 'ssl' | 'stream'
  >
  /** The schema (namespace) that holds everything: 1 to 40 of a-z, 0-9 and "_", beginning with a letter. Default: 'millrace'. */
  readonly schema?: string
  /** Connections for reads. Default: 8. */
  readonly readConnectionsMax?: number
  /** Connections for commits; each carries many units at a time. Default: 2. */
  readonly commitConnectionsMax?: number
  /**
   * True behind a pooler that gives a connection away after each transaction (PgBouncer in transaction mode): nothing is
   * asked of a connection that outlives a transaction, no prepared statements, no settings, no LISTEN. Default: false.
   */
  readonly isPooled?: boolean
  /** Whether processes tell each other of new events (NOTIFY), so that nobody waits for the next look. Default: true. */
  readonly notify?: boolean
  /** Tells when documents change and events are recorded. Default: the clock of this machine. */
  readonly clock?: { now(): number }
  /** Hears what happens later and is worth a line in a log: a connection that was lost while nobody used it. */
  readonly report?: (line: string) => void
  readonly limits?: Partial<PostgresLimits>
}

/** Limits of the adapter. */
export interface PostgresLimits {
  /** How long a new connection may take. Default: 10,000. */
  readonly connectMsMax: number
  /** How long one statement may take, at the server. Default: 30,000. */
  readonly statementMsMax: number
  /** How long a statement waits for a lock of somebody else. Default: 10,000. */
  readonly lockMsMax: number
  /** A transaction that nobody goes on with is ended after this time. Default: 60,000. */
  readonly idleInTransactionMsMax: number
  /** A connection that is not used is closed after this time. Default: 60,000. */
  readonly idleMsMax: number
  /** Without an answer for this time beyond `statementMsMax` a connection is given up. Default: 5,000. */
  readonly silentMsMax: number
  /** Reads and units that wait; more are refused with QUEUE_FULL. Default: 10,000 each. */
  readonly requestsMax: number
  /** Characters of units that wait. Default: 128 Mi. */
  readonly requestCharactersMax: number
  /** Units that share a transaction. Default: 128. */
  readonly groupUnitsMax: number
  /** Characters of these, unless one unit alone has more. Default: 2 Mi. */
  readonly groupCharactersMax: number
  /** How often a unit is tried that the server has ended for the sake of another one (deadlock). Default: 5. */
  readonly attemptsMax: number
  /** Prepared statements that a connection keeps. Default: 200. */
  readonly statementsMax: number
  /** Time between two looks for events of other processes, where nobody tells. Default: 1,000. */
  readonly pollMs: number
  /** Time between two NOTIFY of this process. Default: 50. */
  readonly notifyMs: number
}

/** Options with everything that was left out. */
export interface PostgresSettings {
  readonly client: ClientConfig
  /** Host, port and database, for messages. */
  readonly name: string
  readonly schema: string
  readonly readConnectionsMax: number
  readonly commitConnectionsMax: number
  readonly isPooled: boolean
  readonly notify: boolean
  readonly clock: { now(): number }
  readonly report: (line: string) => void
  readonly limits: PostgresLimits
}

const LIMITS_DEFAULT: PostgresLimits = {
  connectMsMax: 10_000,
  statementMsMax: 30_000,
  lockMsMax: 10_000,
  idleInTransactionMsMax: 60_000,
  idleMsMax: 60_000,
  silentMsMax: 5_000,
  requestsMax: 10_000,
  requestCharactersMax: 128 * 1024 * 1024,
  groupUnitsMax: 128,
  groupCharactersMax: 2 * 1024 * 1024,
  attemptsMax: 5,
  statementsMax: 200,
  pollMs: 1_000,
  notifyMs: 50,
}

const SCHEMA_NAME = /^[a-z][a-z0-9_]{0,39}$/
const PORT_DEFAULT = 5432

/** @throws CONFIGURATION_INVALID */
export function settingsOf(options: PostgresOptions): PostgresSettings {
  const { schema = 'millrace', readConnectionsMax = 8, commitConnectionsMax = 2, isPooled = false } = options
  const limits = { ...LIMITS_DEFAULT, ...options.limits }
  if (!SCHEMA_NAME.test(schema)) {
    invalid('schema', JSON.stringify(schema), '1 to 40 of a-z, 0-9 and "_", beginning with a letter')
  }
  for (const [name, value] of Object.entries({ readConnectionsMax, commitConnectionsMax })) {
    if (!Number.isInteger(value) || value < 1) invalid(name, String(value), 'a whole number from 1 on')
  }
  for (const [name, value] of Object.entries(limits)) {
    if (!(value > 0)) invalid(`limits.${name}`, String(value), 'a number above 0')
  }
  return {
    client: clientOf(options, limits, isPooled),
    name: nameOf(options),
    schema,
    readConnectionsMax,
    commitConnectionsMax,
    isPooled,
    notify: (options.notify ?? true) && !isPooled,
    clock: options.clock ?? { now: () => Date.now() },
    report: options.report ?? (() => undefined),
    limits,
  }
}

function clientOf(
  { url, connection }: PostgresOptions,
  limits: PostgresLimits,
  isPooled: boolean,
): ClientConfig {
  checkUrl(url)
  return {
    ...(url === undefined ? {} : { connectionString: url }),
    ...connection,
    application_name: 'millrace',
    connectionTimeoutMillis: limits.connectMsMax,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    ...(isPooled ? {} : { options: sessionSettings(limits) }),
  }
}

/** What every session is asked for, whatever the server's defaults are. */
function sessionSettings(limits: PostgresLimits): string {
  const settings = {
    // What has been decided about the feed, and what refusals find, is looked at anew by each statement.
    default_transaction_isolation: 'read committed',
    // Numbers are written so that they are the same when they are read.
    extra_float_digits: '1',
    statement_timeout: String(limits.statementMsMax),
    lock_timeout: String(limits.lockMsMax),
    idle_in_transaction_session_timeout: String(limits.idleInTransactionMsMax),
  }
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
    .join(' ')
}

function checkUrl(url: string | undefined): void {
  if (url === undefined) return
  const isFine = URL.canParse(url) && ['postgres:', 'postgresql:'].includes(new URL(url).protocol)
  // The address itself is not shown: it may hold a password.
  if (!isFine)
    invalid('url', 'no address of a PostgreSQL server', 'postgres://user:password@host:port/database')
}

function nameOf({ url, connection = {} }: PostgresOptions): string {
  const parsed = url === undefined ? undefined : new URL(url)
  const host = connection.host ?? (parsed?.hostname || process.env.PGHOST || 'localhost')
  const port = connection.port ?? (parsed?.port || process.env.PGPORT || PORT_DEFAULT)
  const path = parsed?.pathname.slice(1)
  const database = connection.database ?? (path || process.env.PGDATABASE || '')
  return `${host}:${port}/${database}`
}

function invalid(path: string, seen: string, expected: string): never {
  throw millraceError('CONFIGURATION_INVALID', { path, seen, expected })
}
