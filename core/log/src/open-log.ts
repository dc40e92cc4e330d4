import { DurableLog } from './durable-log.ts'
import { DurableMark } from './durable-mark.ts'
import { checkFormat } from './format-version.ts'
import type { Log, LogOptions } from './log.ts'
import { checkOptions } from './log-limits.ts'
import { recoverLog } from './recovery.ts'

/**
 * Opens the log in a directory, or begins one there, and takes the directory's lock until it is closed. Reads
 * the headers of all segments, and of the last one what stands behind the durable mark.
 *
 * @throws DIRECTORY_LOCKED, DIRECTORY_TOO_NEW, LOG_OPTION_INVALID, DISK_FULL (a new log only), and the file
 * system's own errors: a disk that cannot be read is never taken for an empty one
 */
export async function openLog(options: LogOptions): Promise<Log> {
  checkOptions(options)
  const { files, directory, runtime } = options
  await files.makeDirectory(directory)
  const lock = await files.lock(directory)
  try {
    const names = await files.list(directory)
    await checkFormat(files, directory, names)
    const mark = await DurableMark.open(files, directory, names, runtime.scheduler)
    const recovered = await recoverLog(files, directory, names, mark)
    // Without it the log works all the same: its readers then see what the files show.
    const announcer =
      options.announce === false ? undefined : await files.announce(directory).catch(() => undefined)
    return new DurableLog(options, { recovered, mark, lock, announcer })
  } catch (error) {
    await lock.release()
    throw error
  }
}
