import {
  type ErrorCode,
  errorText,
  isMillraceError,
  type MillraceError,
  millraceError,
} from '@millrace/kernel'
import type { Failure } from './worker-protocol.ts'

/** Result codes. Source: https://sqlite.org/rescode.html */
const SQLITE = {
  error: 1,
  perm: 3,
  busy: 5,
  locked: 6,
  readOnly: 8,
  full: 13,
  tooBig: 18,
  mismatch: 20,
  auth: 23,
  range: 25,
  constraintCheck: 275,
  constraintUnique: 2067,
  shmSize: 4874,
} as const

/** What went wrong in the engine, as a catalogue error ready to travel between threads. */
export function failureOf(error: unknown, file: string): Failure {
  if (isMillraceError(error)) return { code: error.code, parameters: error.parameters }
  const code = resultCodeOf(error)
  const reason = errorText(error)
  if (code === SQLITE.shmSize) return { code: 'DISK_FULL', parameters: { path: file } }
  switch (code & 0xff) {
    case SQLITE.full:
      return { code: 'DISK_FULL', parameters: { path: file } }
    case SQLITE.busy:
    case SQLITE.locked:
      return { code: 'DATABASE_BUSY', parameters: { database: file, reason } }
    case SQLITE.readOnly:
    case SQLITE.perm:
      return { code: 'DATABASE_READ_ONLY', parameters: { database: file, reason } }
    default:
      return { code: 'DATABASE_FAILED', parameters: { reason: `${file}: ${reason}` } }
  }
}

/** The catalogue error that {@link failureOf} took apart. */
export function errorOf({ code, parameters }: Failure): MillraceError {
  return millraceError(code as ErrorCode, parameters as never)
}

/** What a unique index has to say: its name, or a column of the index. Undefined for other errors. */
export function violatedIndex(error: unknown): string | undefined {
  if (resultCodeOf(error) !== SQLITE.constraintUnique) return undefined
  const text = errorText(error)
  return /index '(.+)'$/.exec(text)?.[1] ?? /\.([^.]+)$/.exec(text)?.[1] ?? ''
}

/** Whether a document's text was not JSON: said by the table's check, or by an index that was asked before it. */
export function isNoJson(error: unknown): boolean {
  return resultCodeOf(error) === SQLITE.constraintCheck || errorText(error) === 'malformed JSON'
}

/**
 * Whether a statement of somebody else was wrong, not the database: also if it writes where only reading is allowed, or has
 * parameters that cannot be bound.
 */
export function isStatementError(error: unknown): boolean {
  const code = resultCodeOf(error) & 0xff
  if (code === 0) return error instanceof TypeError || error instanceof RangeError
  const { error: wrong, readOnly, tooBig, mismatch, auth, range } = SQLITE
  return ([wrong, readOnly, tooBig, mismatch, auth, range] as number[]).includes(code)
}

/** The extended result code that `node:sqlite` puts on its errors; 0 for other errors. */
function resultCodeOf(error: unknown): number {
  const code: unknown =
    typeof error === 'object' && error !== null && 'errcode' in error ? error.errcode : undefined
  return typeof code === 'number' ? code : 0
}
