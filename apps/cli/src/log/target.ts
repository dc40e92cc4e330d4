import { parse, relative, resolve } from 'node:path'
import { millraceError } from '@millrace/kernel'
import type { Files } from '@millrace/log'
import { findLogs } from '@millrace/log/inspection'
import { directoryOwner, nodeFiles } from '@millrace/node'

/** A log that a command works on. */
export interface LogTarget {
  readonly files: Files
  /** For `files`. */
  readonly directory: string
  /** For people: the path below the given directory, or that directory as it was given. */
  readonly name: string
  /** Who has it open, in words; undefined if nobody has. */
  readonly owner: string | undefined
}

/**
 * The log in a directory, or all logs below it.
 *
 * @throws LOG_NOT_FOUND
 */
export async function logTargets(given: string, signal: AbortSignal): Promise<LogTarget[]> {
  const path = resolve(given)
  const { root } = parse(path)
  const files = nodeFiles(root)
  const found = await findLogs({ files, directory: inFiles(path, root), signal })
  if (found.length === 0) throw millraceError('LOG_NOT_FOUND', { directory: path })
  return Promise.all(
    found.map(async (directory): Promise<LogTarget> => {
      const absolute = resolve(root, directory)
      const owner = await directoryOwner(absolute)
      return { files, directory, name: relative(path, absolute) || given, owner }
    }),
  )
}

/** POSIX paths stay as they are, so that errors show them whole; elsewhere the drive is the root. */
function inFiles(path: string, root: string): string {
  return root === '/' ? path : path.slice(root.length).replaceAll('\\', '/')
}
