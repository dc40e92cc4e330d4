import { defineErrors } from './error-entry.ts'

/** Errors of streams, subscriptions and the relay. */
export const eventStoreErrors = defineErrors({
  STORED_EVENT_UNREADABLE: {
    seen: 'The stored event "{id}" at position {position} cannot be read: {reason}',
    expected: 'a CloudEvents event that its upcasters understand',
    remedy: 'Correct the upcaster that is named, or leave the event out: go on behind its position.',
    retryable: false,
  },
  EVENT_NOT_UPCAST: {
    seen: 'The event "{id}" could not be brought from {from} to {to}: {reason}',
    expected: 'an upcaster that understands every event of the old shape',
    remedy: 'Correct the upcaster.',
    retryable: false,
  },
  LEASE_LOST: {
    seen: 'The lease "{lease}" is lost: it is held by {holder} now',
    expected: 'the lease that this work needs',
    remedy: 'Acquire it again; somebody else has gone on meanwhile.',
    retryable: true,
  },
  UPCASTER_INVALID: {
    seen: 'The upcaster from {from} to {to} {seen}',
    expected: 'one upcaster from each old shape, and chains that end',
    remedy: 'Remove it, or correct its shapes.',
    retryable: false,
  },
})
