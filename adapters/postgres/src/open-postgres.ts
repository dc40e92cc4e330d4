import { Connections } from './connections.ts'
import { PostgresDatabase } from './postgres-database.ts'
import { failureOf } from './postgres-failure.ts'
import { type PostgresOptions, settingsOf } from './postgres-options.ts'
import { checkServer } from './server-check.ts'

/**
 * Connects to a PostgreSQL server, version 13 or newer, checks what its settings mean, and opens the database on it. What
 * can be lost is in `settingsWarnings`, and `supports.durable` follows from it. Nothing is made until it is needed.
 *
 * @throws CONFIGURATION_INVALID, DATABASE_UNREACHABLE (no server, a wrong password, no such database),
 * DATABASE_SERVER_UNFIT (an old version, another encoding than UTF-8)
 */
export async function openPostgres(options: PostgresOptions): Promise<PostgresDatabase> {
  const settings = settingsOf(options)
  const reads = new Connections('reads', settings.readConnectionsMax, settings)
  const commits = new Connections('units', settings.commitConnectionsMax, settings)
  try {
    return new PostgresDatabase({ reads, commits }, settings, await checkServer(reads, settings))
  } catch (error) {
    await Promise.all([reads.close(), commits.close()])
    throw failureOf(error, settings.name)
  }
}
