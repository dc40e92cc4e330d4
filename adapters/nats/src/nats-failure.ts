import { isAbort, isMillraceError, type MillraceError, millraceError } from '@millrace/kernel'
import { JetStreamApiError } from '@nats-io/jetstream'

/** Codes of JetStream that this adapter acts on. */
export const JETSTREAM = {
  streamNotFound: 10_059,
  streamNameInUse: 10_058,
  consumerNotFound: 10_014,
  wrongLastSequence: 10_071,
  wrongLastSequenceUnknown: 10_164,
} as const

/** The code that JetStream gave, if it answered with an error. */
export function jetStreamCode(error: unknown): number | undefined {
  return error instanceof JetStreamApiError ? error.code : undefined
}

export function isStreamMissing(error: unknown): boolean {
  return jetStreamCode(error) === JETSTREAM.streamNotFound
}

/** Somebody else has written since: the answer to a compare and swap that came too late. */
export function isWrongSequence(code: number | undefined): boolean {
  return code === JETSTREAM.wrongLastSequence || code === JETSTREAM.wrongLastSequenceUnknown
}

/**
 * Whether the same request may succeed a moment later: no answer, no connection, no leader, no room. An answer with a
 * code below 500 is the server's last word.
 */
export function isTransient(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.status >= 500
  if (isMillraceError(error) || isAbort(error)) return false
  if (!(error instanceof Error)) return false
  return [
    'JetStreamNotEnabled',
    'TimeoutError',
    'NoRespondersError',
    'RequestError',
    'ConnectionError',
    'ClosedConnectionError',
  ].includes(error.name)
}

/** Nothing came, not even a refusal. */
export function isSilence(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError'
}

/** What an error says, for people. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'JetStreamNotEnabled') return 'JetStream does not answer'
  return error.name === 'TimeoutError' ? 'no answer in time' : error.message || error.name
}

export function unreachable(servers: readonly string[], error: unknown): MillraceError {
  return millraceError('BUS_UNREACHABLE', { servers: servers.join(', '), reason: reasonOf(error) })
}

export function unavailable(topic: string, partition: number, error: unknown): MillraceError {
  return millraceError('PARTITION_UNAVAILABLE', { topic, partition, reason: reasonOf(error) })
}
