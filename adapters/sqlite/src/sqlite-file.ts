import { DatabaseSync } from 'node:sqlite'
import { millraceError } from '@millrace/kernel'
import { APPLICATION_ID, CREATE_POSITIONS, collectionOf, SCHEMA_VERSION } from './sqlite-tables.ts'
import type { WorkerSettings } from './worker-protocol.ts'

/**
 * Opens the file and brings it to our schema. A file of another application, or of a newer Millrace, is left as it is.
 *
 * @throws DATABASE_TOO_NEW, DATABASE_FOREIGN, and errors of the engine
 */
export function openFile(settings: WorkerSettings): DatabaseSync {
  const database = new DatabaseSync(settings.file, {
    timeout: settings.busyTimeoutMs,
    enableForeignKeyConstraints: true,
  })
  try {
    if (settings.role === 'reader') database.exec('PRAGMA query_only = ON')
    else openForWriting(database, settings)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** The collections that the file has tables for. */
export function collectionsIn(database: DatabaseSync): string[] {
  const rows = database.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all()
  return rows.flatMap(({ name }) => collectionOf(String(name)) ?? [])
}

/**
 * Closes. The last connection moves everything into the main file, so that nothing but it is left; if the disk is full
 * the write-ahead log stays and is read at the next opening. Source: https://sqlite.org/wal.html, section 3.2
 */
export function closeFile(database: DatabaseSync): void {
  database.close()
}

function openForWriting(database: DatabaseSync, { file, fileBytesMax }: WorkerSettings): void {
  const isNew = checkOwner(database, file)
  // WAL: readers and the writer do not wait for each other. A database in memory or on some network disks has none.
  const journal = Object.values(database.prepare('PRAGMA journal_mode = WAL').get() ?? {})[0]
  if (journal !== 'wal') {
    throw millraceError('DATABASE_FAILED', { reason: `${file} cannot have a write-ahead log` })
  }
  // FULL: every commit is synced before it is acknowledged; fullfsync makes macOS sync to the disk itself, too.
  database.exec(`PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
    PRAGMA trusted_schema = OFF; PRAGMA journal_size_limit = 67108864`)
  if (fileBytesMax !== undefined) {
    const pages = Math.max(1, Math.floor(fileBytesMax / numberFrom(database, 'page_size')))
    database.exec(`PRAGMA max_page_count = ${pages}`)
  }
  if (isNew) createSchema(database)
}

/** True for a file that has nothing in it yet. */
function checkOwner(database: DatabaseSync, file: string): boolean {
  const owner = numberFrom(database, 'application_id')
  const version = numberFrom(database, 'user_version')
  const isEmpty = database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined
  if (owner === 0 && version === 0 && isEmpty) return true
  if (owner !== APPLICATION_ID) throw millraceError('DATABASE_FOREIGN', { file })
  if (version <= SCHEMA_VERSION) return false
  throw millraceError('DATABASE_TOO_NEW', { file, seen: version, supported: SCHEMA_VERSION })
}

function createSchema(database: DatabaseSync): void {
  database.exec(`BEGIN IMMEDIATE; ${CREATE_POSITIONS}; PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`)
}

function numberFrom(database: DatabaseSync, pragma: 'application_id' | 'user_version' | 'page_size'): number {
  return Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0] ?? 0)
}
