import type { StoredEvent } from '@millrace/documents'
import {
  type ErrorCode,
  errorText,
  isMillraceError,
  type MillraceError,
  millraceError,
} from '@millrace/kernel'

/**
 * What went wrong: `event`, it cannot be read or does not fit its schema; `apply`, the projection's own function threw;
 * `document`, what the function returned cannot be stored; `database`, the engine failed, whatever the event.
 */
export type FaultKind = 'event' | 'apply' | 'document' | 'database'

/** Something went wrong at one event. */
export interface Fault {
  readonly kind: Exclude<FaultKind, 'database'>
  readonly event: StoredEvent
  readonly error: MillraceError
}

/** What a function threw for an event, as an error of the catalogue. */
export function faultOf(kind: Fault['kind'], processor: string, event: StoredEvent, error: unknown): Fault {
  return { kind, event, error: typedError(processor, event, error) }
}

/** The error itself, if it is one of the catalogue, or else one that names the projection and the event. */
export function typedError(processor: string, event: EventPlace, error: unknown): MillraceError {
  if (isMillraceError(error)) return error
  const parameters = { processor, message: describeEvent(event), reason: errorText(error) }
  return millraceError('HANDLER_FAILED', parameters, { cause: error })
}

/** What tells an event from others. */
type EventPlace = Pick<StoredEvent, 'id' | 'type' | 'position' | 'stream'>

/** Refusals of a unit for what it holds: another unit would be taken, so one event of it is to blame. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'COLLECTION_UNKNOWN',
  'COMMIT_TOO_LARGE',
  'DOCUMENT_ID_INVALID',
  'DOCUMENT_INVALID',
  'DOCUMENT_NOT_UNIQUE',
  'DOCUMENT_REFERENCE_BROKEN',
  'DOCUMENT_TOO_LARGE',
  'OPERATION_INVALID',
  'PATCH_REFUSED',
  'QUERY_INVALID',
  'STREAM_CONFLICT',
  'STREAM_ENDED',
  'TABLE_UNKNOWN',
])

/** Failures of the engine or the way to it: they say nothing about the events at hand. */
const OUTAGES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'DATABASE_BUSY',
  'DATABASE_CLOSED',
  'DATABASE_FAILED',
  'DATABASE_READ_ONLY',
  'DATABASE_UNREACHABLE',
  'DISK_FULL',
  'QUEUE_FULL',
])

/** True if any other unit would have failed, too. */
export function isOutage(error: unknown): boolean {
  return isMillraceError(error) && OUTAGES.has(error.code)
}

/** True if the engine is well and the unit is at fault. */
export function isRefusal(error: unknown): error is MillraceError {
  return isMillraceError(error) && REFUSALS.has(error.code)
}

/** Names the event for people. */
function describeEvent({ id, type, position, stream }: EventPlace): string {
  const place = stream === undefined ? '' : ` of stream ${JSON.stringify(stream)}`
  return `${type} ${JSON.stringify(id)} at position ${position}${place}`
}
