import { constants, DatabaseSync } from 'node:sqlite'
import { millraceError } from '@millrace/kernel'
import { APPLICATION_ID, CREATE_TABLES, SCHEMA_VERSION } from './store-tables.ts'
import { migrateVersionOne } from './version-one.ts'
import type { WorkerSettings } from './worker-protocol.ts'

/** Pages that each connection keeps in memory. */
const CACHE_KIBIBYTES = 16_384

/**
 * Opens the file; the writer also brings it to our schema. A file of another application, or of a newer Millrace, is
 * left as it is.
 *
 * @throws DATABASE_TOO_NEW, DATABASE_FOREIGN, and errors of the engine
 */
export function openFile(settings: WorkerSettings): DatabaseSync {
  const database = new DatabaseSync(settings.file, { timeout: settings.busyTimeoutMs })
  try {
    database.exec(`PRAGMA trusted_schema = OFF; PRAGMA cache_size = -${CACHE_KIBIBYTES}`)
    if (settings.role === 'writer') openForWriting(database, settings)
    else database.exec('PRAGMA query_only = ON')
    // Before Node 24.10 there is none: then what a statement begins with, and `query_only`, have to do.
    if (settings.role === 'raw') database.setAuthorizer?.(authorize)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * Closes. The last connection moves everything into the main file, so that nothing but it is left; if the disk is full
 * the write-ahead log stays and is read at the next opening. Source: https://sqlite.org/wal.html, section 3.2
 */
export function closeFile(database: DatabaseSync): void {
  database.close()
}

function openForWriting(database: DatabaseSync, { file, fileBytesMax }: WorkerSettings): void {
  const version = checkOwner(database, file)
  // WAL: readers and the writer do not wait for each other. A database in memory or on some network disks has none.
  const journal = Object.values(database.prepare('PRAGMA journal_mode = WAL').get() ?? {})[0]
  if (journal !== 'wal') {
    throw millraceError('DATABASE_FAILED', { reason: `${file} cannot have a write-ahead log` })
  }
  // FULL: every commit is synced before it is acknowledged; fullfsync makes macOS sync to the disk itself, too.
  database.exec(`PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
    PRAGMA journal_size_limit = 67108864`)
  if (fileBytesMax !== undefined) {
    const pages = Math.max(1, Math.floor(fileBytesMax / numberFrom(database, 'page_size')))
    database.exec(`PRAGMA max_page_count = ${pages}`)
  }
  if (version < SCHEMA_VERSION) bringUp(database)
}

/** The version of our schema; 0 for a file that has nothing in it yet. */
function checkOwner(database: DatabaseSync, file: string): number {
  const owner = numberFrom(database, 'application_id')
  const version = numberFrom(database, 'user_version')
  const isEmpty = database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined
  if (owner === 0 && version === 0 && isEmpty) return 0
  if (owner !== APPLICATION_ID) throw millraceError('DATABASE_FOREIGN', { file })
  if (version <= SCHEMA_VERSION) return version
  throw millraceError('DATABASE_TOO_NEW', { file, seen: version, supported: SCHEMA_VERSION })
}

/** In one transaction: a process that is killed in between leaves the file as it was. Another one may be faster. */
function bringUp(database: DatabaseSync): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    const version = numberFrom(database, 'user_version')
    if (version === 0) database.exec(CREATE_TABLES)
    else if (version === 1) migrateVersionOne(database)
    database.exec(
      `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`,
    )
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function numberFrom(database: DatabaseSync, pragma: 'application_id' | 'user_version' | 'page_size'): number {
  return Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0] ?? 0)
}

/** Pragmas that only tell; the last one is how full text notices changes. */
const TELLING_PRAGMAS: ReadonlySet<string | null> = new Set([
  'table_list',
  'table_info',
  'table_xinfo',
  'index_list',
  'index_info',
  'index_xinfo',
  'data_version',
])

/** Lets statements read, and nothing else: asked when one is prepared, for each thing that it would do. */
function authorize(action: number, name: string | null): number {
  switch (action) {
    case constants.SQLITE_SELECT:
    case constants.SQLITE_READ:
    case constants.SQLITE_FUNCTION:
    case constants.SQLITE_RECURSIVE:
      return constants.SQLITE_OK
    case constants.SQLITE_PRAGMA:
      return TELLING_PRAGMAS.has(name) ? constants.SQLITE_OK : constants.SQLITE_DENY
    default:
      return constants.SQLITE_DENY
  }
}
