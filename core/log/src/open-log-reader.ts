import { FollowedLog } from './followed-log.ts'
import type { LogReaderOptions, ReadableLog } from './log.ts'

/**
 * Opens a log for reading only: while another process of this machine writes it, or while nobody does. Takes no lock and
 * changes nothing; any number of readers may be open. New records arrive as soon as the writer has acknowledged them.
 *
 * After a writer was killed its last group of appends is shown when the next writer has opened the log: until then
 * nobody knows whether it is durable. A log that does not exist yet is an empty one.
 *
 * @throws DIRECTORY_TOO_NEW, and the file system's own errors
 */
export function openLogReader(options: LogReaderOptions): Promise<ReadableLog> {
  return FollowedLog.open(options)
}
