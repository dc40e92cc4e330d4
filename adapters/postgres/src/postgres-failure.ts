import { AssertionFailure, errorText, isMillraceError, millraceError } from '@millrace/kernel'
import { BatchFailure } from './statement-batch.ts'

/** What the server says about a failure, as far as we look at it. */
export interface ServerError {
  /** SQLSTATE. */
  readonly code: string
  readonly message: string
  readonly detail: string | undefined
  readonly constraint: string | undefined
}

/** The server's answer in a failure; undefined if it did not answer. */
export function serverError(error: unknown): ServerError | undefined {
  const cause = error instanceof BatchFailure ? error.cause : error
  if (typeof cause !== 'object' || cause === null) return undefined
  const { code, severity, message, detail, constraint } = cause as Record<string, unknown>
  if (typeof code !== 'string' || typeof severity !== 'string') return undefined
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  return { code, message: String(message), detail: text(detail), constraint: text(constraint) }
}

/** The server has ended a transaction for the sake of another one, and the same may succeed now. */
export function isWorthAnother(error: unknown): boolean {
  const code = serverError(error)?.code
  return code === '40001' || code === '40P01'
}

/** It waited for a lock of somebody else for as long as it may. */
export function isLocked(error: unknown): boolean {
  return serverError(error)?.code === '55P03'
}

/** A statement asks for a plan whose result has another shape than when it was prepared, after a change of the schema. */
export function isStale(error: unknown): boolean {
  const server = serverError(error)
  return server?.code === '0A000' && server.message.includes('cached plan')
}

/** SQLSTATEs that say that the way to the server is broken, or that it does not let us in. */
const UNREACHABLE = /^(08|28|57P0[1-5]|3D000|53300|25P0[34])/
/** It has no room. */
const FULL = '53100'
/** Somebody else held something for too long, or it took too long itself. */
const BUSY = /^(55P03|40001|40P01|57014)$/
const READ_ONLY = /^(25006|42501)$/
/** A table, a column, a function or a schema is not there. */
const MISSING = /^(42P01|42703|42883|3F000)$/

/** The way to the server is broken: what was under way may have been done. */
export function isUnreachable(error: unknown): boolean {
  const server = serverError(error)
  return server === undefined || UNREACHABLE.test(server.code)
}

/**
 * A failure of the server or of the way to it as an error of the catalogue, without what is said about operations. A
 * mistake of ours is none of these, and stays what it is.
 */
export function failureOf(error: unknown, database: string): Error {
  if (isMillraceError(error)) return error
  const server = serverError(error)
  const cause = error instanceof BatchFailure ? error.cause : error
  if (cause instanceof AssertionFailure || cause instanceof TypeError) return cause
  if (server === undefined) {
    return millraceError('DATABASE_UNREACHABLE', { database, reason: connectionText(cause) }, { cause })
  }
  const { code, message } = server
  const reason = `${message} (${code})`
  if (UNREACHABLE.test(code)) return millraceError('DATABASE_UNREACHABLE', { database, reason }, { cause })
  if (code === FULL) return millraceError('DISK_FULL', { path: database }, { cause })
  if (BUSY.test(code)) return millraceError('DATABASE_BUSY', { database, reason }, { cause })
  if (READ_ONLY.test(code)) return millraceError('DATABASE_READ_ONLY', { database, reason }, { cause })
  if (MISSING.test(code)) return millraceError('STORE_SCHEMA_DIFFERS', { seen: reason }, { cause })
  return millraceError('DATABASE_FAILED', { reason }, { cause })
}

/** Several addresses of one name fail together, and their error has no words of its own. */
function connectionText(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map((each) => errorText(each)).join('; ')
  return errorText(error)
}
