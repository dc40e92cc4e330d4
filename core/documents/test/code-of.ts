import { isMillraceError } from '@millrace/kernel'

/** The code of the error that `work` throws; "no error" if it throws none. */
export function codeOf(work: () => unknown): unknown {
  try {
    work()
    return 'no error'
  } catch (error) {
    return isMillraceError(error) ? error.code : error
  }
}
