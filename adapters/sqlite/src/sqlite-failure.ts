import {
  type ErrorCode,
  errorText,
  isMillraceError,
  type MillraceError,
  millraceError,
} from '@millrace/kernel'
import type { Failure } from './worker-protocol.ts'

/** Primary result codes. Source: https://sqlite.org/rescode.html */
const SQLITE_FULL = 13

/** What went wrong in the engine, as a catalogue error ready to travel between threads. */
export function failureOf(error: unknown, file: string): Failure {
  if (isMillraceError(error)) return { code: error.code, parameters: error.parameters }
  if (primaryCodeOf(error) === SQLITE_FULL) return { code: 'DISK_FULL', parameters: { path: file } }
  return { code: 'DATABASE_FAILED', parameters: { reason: `${file}: ${errorText(error)}` } }
}

/** The catalogue error that {@link failureOf} took apart. */
export function errorOf({ code, parameters }: Failure): MillraceError {
  return millraceError(code as ErrorCode, parameters as never)
}

/** The lowest byte of the extended result code that `node:sqlite` puts on its errors. */
function primaryCodeOf(error: unknown): number | undefined {
  const code: unknown =
    typeof error === 'object' && error !== null && 'errcode' in error ? error.errcode : undefined
  return typeof code === 'number' ? code & 0xff : undefined
}
