import type { Message } from '@millrace/bus'
import {
  type ErrorCode,
  errorText,
  isMillraceError,
  type MillraceError,
  millraceError,
} from '@millrace/kernel'
import { describeMessage } from './item.ts'

/** Failures of an engine under us. They say nothing about the message at hand, so no message is given up for them. */
const OUTAGES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'DISK_FULL',
  'LOG_STORAGE_FAILED',
  'LOG_CLOSED',
  'BUS_CLOSED',
  'DATABASE_FAILED',
  'DATABASE_CLOSED',
  'QUEUE_FULL',
  'PARTITION_UNAVAILABLE',
  'BUS_LIMIT_REACHED',
])

/** True for an error that passes when the engine is well again, and that would hit any other message too. */
export function isOutage(error: MillraceError): boolean {
  return OUTAGES.has(error.code)
}

/** What a handler threw as an error of the catalogue. A plain error is the handler's own and may be tried again. */
export function failureOf(error: unknown, processor: string, messages: readonly Message[]): MillraceError {
  if (isMillraceError(error)) return error
  const reason = errorText(error)
  return millraceError(
    'HANDLER_FAILED',
    { processor, message: describeAll(messages), reason },
    { cause: error },
  )
}

/** The failure of a handler that did not answer in time. */
export function timeoutOf(processor: string, limitMs: number, messages: readonly Message[]): MillraceError {
  return millraceError('HANDLER_TIMED_OUT', { processor, limitMs, message: describeAll(messages) })
}

function describeAll(messages: readonly Message[]): string {
  const [first] = messages
  if (first === undefined) return 'no message'
  return messages.length === 1
    ? describeMessage(first)
    : `${messages.length} messages from ${describeMessage(first)} on`
}
