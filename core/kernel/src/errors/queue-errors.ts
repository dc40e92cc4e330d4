import { defineErrors } from './error-entry.ts'

/** Errors of the durable queue on the log. `QUEUE_FULL` is another thing: a bounded queue in memory. */
export const queueErrors = defineErrors({
  QUEUE_OPTION_INVALID: {
    seen: 'The queue option {option} is {seen}',
    expected: '{expected}',
    remedy: 'Correct the option.',
    retryable: false,
  },
  QUEUE_NAME_INVALID: {
    seen: 'The {what} name {name} is not usable',
    expected: '1 to 100 of a-z, 0-9, ".", "_" and "-", starting with a letter or a digit',
    remedy: 'Choose another name.',
    retryable: false,
  },
  QUEUE_CLOSED: {
    seen: 'The {what} {directory} is closed',
    expected: 'an open one',
    remedy: 'Open it again before you use it; what was not acknowledged comes again.',
    retryable: false,
  },
  QUEUE_LANE_UNKNOWN: {
    seen: 'There is no lane "{lane}"',
    expected: 'one of {lanes}',
    remedy: 'Add the lane to the options of the queue, or use another one.',
    retryable: false,
  },
  QUEUE_ITEM_INVALID: {
    seen: 'The {part} of an item is {seen}',
    expected: '{expected}',
    remedy: 'Correct the code that puts it, or raise itemBytesMax.',
    retryable: false,
  },
  QUEUE_PUT_TOO_LARGE: {
    seen: 'One put has {seen}',
    expected: 'at most {limit}',
    remedy: 'Put fewer items at a time, or raise the limit.',
    retryable: false,
  },
  QUEUE_QUOTA_EXCEEDED: {
    seen: 'The queue {directory} has no room: it holds {seen}',
    expected: 'at most {limit}',
    remedy: 'Let consumers catch up, remove one that is not needed any more, or raise the quota.',
    retryable: true,
  },
  QUEUE_WAITERS_TOO_MANY: {
    seen: 'More than {limit} {what} would wait',
    expected: 'at most {limit}',
    remedy: 'Wait for earlier calls before making more, or raise {setting}.',
    retryable: true,
  },
  QUEUE_LIMIT_REACHED: {
    seen: 'There would be more than {limit} {what}',
    expected: 'at most {limit}',
    remedy: 'Remove some that are not needed any more, or raise {setting}.',
    retryable: false,
  },
  QUEUE_CONSUMER_BUSY: {
    seen: 'The consumer "{consumer}" is open',
    expected: 'a consumer that nobody has opened',
    remedy: 'Share the open consumer, which any number of takers may use, or close it first.',
    retryable: true,
  },
  QUEUE_CONSUMER_UNKNOWN: {
    seen: 'There is no consumer "{consumer}"',
    expected: 'one that the status of the queue names',
    remedy: 'Check the name.',
    retryable: false,
  },
})
