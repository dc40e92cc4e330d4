import { type ErrorCode, errorText, isMillraceError } from '@millrace/kernel'
import type { FastifyError } from 'fastify'
import type { ProblemBody } from '../api-shapes.ts'

/** The HTTP status of a catalogue error; what is not named here is 400 if the caller's, 500 if ours. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  API_UNAUTHORIZED: 401,
  API_NOT_FOUND: 404,
  DEVICE_UNKNOWN: 404,
  COMMAND_UNKNOWN: 404,
  TOPIC_UNKNOWN: 404,
  PARTITION_UNKNOWN: 404,
  COLLECTION_UNKNOWN: 404,
  PROJECTION_UNKNOWN: 404,
  DEAD_LETTER_UNKNOWN: 404,
  DOCUMENT_CONFLICT: 409,
  DOCUMENT_NOT_UNIQUE: 409,
  STREAM_CONFLICT: 409,
  STREAM_ENDED: 410,
  PROJECTION_NOT_REBUILDABLE: 409,
  PROJECTION_STOPPED: 409,
  TOPIC_EXCLUSIVE: 409,
  OFFSET_OUT_OF_RANGE: 416,
  LOG_OFFSET_OUT_OF_RANGE: 416,
  EVENT_SCHEMA_MISMATCH: 422,
  MESSAGE_TOO_LARGE: 413,
  COMMAND_QUEUE_FULL: 429,
  QUEUE_FULL: 429,
  DISK_FULL: 507,
  LOG_STORAGE_FAILED: 500,
  DATABASE_FAILED: 500,
  HANDLER_FAILED: 500,
  BUS_CLOSED: 503,
  DATABASE_CLOSED: 503,
  DATABASE_BUSY: 503,
  DATABASE_UNREACHABLE: 503,
  DATABASE_READ_ONLY: 503,
  PROJECTION_STALE: 504,
}

/** The media type of Problem Details. Source: RFC 9457, section 6.1. */
export const PROBLEM_JSON = 'application/problem+json'

/** Anything thrown while answering, as Problem Details. What we did not foresee tells the caller nothing of our insides. */
export function toProblem(error: unknown): ProblemBody {
  if (isMillraceError(error)) {
    const { code, seen, expected, remedy, retryable } = error
    const status = STATUS[code] ?? 400
    return {
      type: typeOf(code),
      title: seen,
      status,
      detail: `Expected ${expected}.`,
      code,
      remedy,
      retryable,
    }
  }
  const { statusCode = 500, validation } = error as FastifyError
  if (validation !== undefined || (statusCode >= 400 && statusCode < 500)) {
    return {
      type: typeOf('API_REQUEST_INVALID'),
      title: `The request is not usable: ${errorText(error)}`,
      status: statusCode >= 400 ? statusCode : 400,
      detail: 'Expected a request as /openapi.json describes it.',
      code: 'API_REQUEST_INVALID',
      remedy: 'Correct the request.',
      retryable: false,
    }
  }
  return {
    type: 'about:blank',
    title: 'Something went wrong inside Millrace',
    status: 500,
    detail: 'The log of the server has the details.',
    code: 'INTERNAL',
    remedy: 'Look at the log; please report it if it happens again.',
    retryable: true,
  }
}

function typeOf(code: string): string {
  return `urn:millrace:error:${code}`
}
