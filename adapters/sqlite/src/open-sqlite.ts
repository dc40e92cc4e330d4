import type { Database } from '@millrace/documents'
import type { Clock } from '@millrace/kernel'
import { SqliteDatabase } from './sqlite-database.ts'
import { WorkerLink } from './worker-link.ts'
import type { WorkerRole } from './worker-protocol.ts'

/** Choices of {@link openSqlite}. */
export interface SqliteOptions {
  /** The database file; made if it is missing, its directory must exist. */
  readonly file: string
  /** Labels rows with the times of their changes. Default: the machine's clock. */
  readonly clock?: Pick<Clock, 'now'>
  /** How long to wait for another process that writes, in milliseconds. Default: 5,000. */
  readonly busyTimeoutMs?: number
  /** Requests that may wait; more are refused with QUEUE_FULL. Default: 10,000. */
  readonly requestsMax?: number
  /** Bytes of documents and events that may wait to be written, roughly. Default: 64 MiB. */
  readonly requestBytesMax?: number
  /** Commits that share one transaction. Default: 1,000. */
  readonly groupUnitsMax?: number
  /** Prepared statements that are kept by each thread. Default: 200. */
  readonly statementsMax?: number
  /** The file grows no further; writing answers DISK_FULL. Default: no limit but the disk's. */
  readonly fileBytesMax?: number
}

const SCRIPT = new URL('./sqlite-worker.ts', import.meta.url)

/** Reads that are answered together: few, because their results are held in memory until then. */
const READS_BATCH_MAX = 16

/**
 * Opens a database in one SQLite file. Commits are durable when they resolve (WAL, synchronous=FULL). Threads work on
 * it: one writes, one reads, and one that is started when it is needed runs people's own SQL; so a slow disk holds up
 * neither the caller nor the readers, and a slow statement of somebody's only such statements.
 *
 * @throws DATABASE_TOO_NEW, DATABASE_FOREIGN, DATABASE_BUSY, DATABASE_READ_ONLY, DISK_FULL, DATABASE_FAILED (the file
 * cannot be opened or is damaged)
 */
export async function openSqlite(options: SqliteOptions): Promise<Database> {
  const [writer, reader, raw] = [linkOf(options, 'writer'), linkOf(options, 'reader'), linkOf(options, 'raw')]
  // The threads start at the same time, but the reader must not look into the file while the writer still makes it.
  reader.start()
  try {
    await writer.open()
    await reader.open()
  } catch (error) {
    await reader.close()
    await writer.close()
    throw error
  }
  return new SqliteDatabase({ writer, reader, raw })
}

function linkOf(options: SqliteOptions, role: WorkerRole): WorkerLink {
  const { file, clock, busyTimeoutMs = 5_000, statementsMax = 200, fileBytesMax } = options
  return new WorkerLink({
    script: SCRIPT,
    settings: { role, file, busyTimeoutMs, statementsMax, fileBytesMax },
    now: clock === undefined ? Date.now : () => clock.now(),
    requestsMax: options.requestsMax ?? 10_000,
    requestBytesMax: options.requestBytesMax ?? 67_108_864,
    batchMax: role === 'writer' ? (options.groupUnitsMax ?? 1_000) : READS_BATCH_MAX,
  })
}
