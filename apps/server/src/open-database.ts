import { join } from 'node:path'
import type { Database } from '@millrace/documents'
import { openPostgres } from '@millrace/postgres'
import { openSqlite } from '@millrace/sqlite'
import { pino } from 'pino'
import type { Settings } from './settings.ts'

/**
 * Where the documents and streams of an application are: on PostgreSQL if the settings name a database, else in an
 * SQLite file in the data directory.
 *
 * @throws what the engine throws when it cannot be opened
 */
export async function openDatabase(
  { store, dataDirectory }: Pick<Settings, 'store' | 'dataDirectory'>,
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent',
): Promise<Database> {
  const { migrate: _migrate, url, ...options } = store
  if (url === undefined) return openSqlite({ file: join(dataDirectory, 'store.db') })
  const log = pino({ level: logLevel, name: 'postgres' }, pino.destination(2))
  const database = await openPostgres({ ...options, url, report: (line) => log.warn(line) })
  for (const line of database.settingsWarnings) log.warn(line)
  return database
}
