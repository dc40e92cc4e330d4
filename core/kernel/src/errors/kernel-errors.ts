import { defineErrors } from './error-entry.ts'

/** Errors of events, schemas and bounded buffers. */
export const kernelErrors = defineErrors({
  EVENT_INVALID: {
    seen: 'The event attribute "{attribute}" is {seen}',
    expected: '{expected}',
    remedy: 'Send an event as CloudEvents 1.0 describes it.',
    retryable: false,
  },
  EVENT_SCHEMA_MISMATCH: {
    seen: 'The data of an event of type "{type}" does not fit its schema: {issues}',
    expected: 'data as the application declares it for that type',
    remedy: 'Correct the sender, or widen the schema in the application.',
    retryable: false,
  },
  SCHEMA_ASYNCHRONOUS: {
    seen: 'A schema of the library "{vendor}" checks asynchronously',
    expected: 'a schema that answers at once',
    remedy: 'Remove asynchronous refinements; look things up in an actor instead.',
    retryable: false,
  },
  QUEUE_FULL: {
    seen: 'The queue "{queue}" is full: it holds {seen}',
    expected: 'at most {limit}',
    remedy: 'Slow the sender down, or raise the limit.',
    retryable: true,
  },
})
