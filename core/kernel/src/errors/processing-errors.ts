import { defineErrors } from './error-entry.ts'

/** Errors of processors: actors, modules and projections. */
export const processingErrors = defineErrors({
  HANDLER_TIMED_OUT: {
    seen: 'The handler of "{processor}" did not answer within {limitMs} ms for {message}',
    expected: 'an answer within the time limit',
    remedy: 'Find out what the handler waits for, or raise its timeoutMs.',
    retryable: true,
  },
  HANDLER_FAILED: {
    seen: 'The handler of "{processor}" failed for {message}: {reason}',
    expected: 'a handler that returns',
    remedy: 'Mend the handler, then replay the dead letter.',
    retryable: true,
  },
  HANDLER_OUTPUT_INVALID: {
    seen: 'The handler of "{processor}" returned {seen}',
    expected: 'an event, a command, a list of them, or nothing',
    remedy: 'Return drafts made by an event type (".from", ".draft") or a command type (".to").',
    retryable: false,
  },
  MESSAGE_UNREADABLE: {
    seen: 'The message {message} is not an event: {reason}',
    expected: 'a CloudEvents message',
    remedy: 'Publish events through the API or an event type; the message is in the dead letters.',
    retryable: false,
  },
})
