import { millraceError } from '@millrace/kernel'

/** A full disk in the words of the catalogue; every other error of the operating system as it is. */
export function diskError(error: NodeJS.ErrnoException, path: string): Error {
  const isFull = error.code === 'ENOSPC' || error.code === 'EDQUOT'
  return isFull ? millraceError('DISK_FULL', { path }, { cause: error }) : error
}
