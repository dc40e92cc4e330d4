import { defineErrors } from './error-entry.ts'

/** Errors of topics, groups and writers. */
export const busErrors = defineErrors({
  TOPIC_UNKNOWN: {
    seen: 'There is no topic "{topic}"',
    expected: 'a topic that exists',
    remedy: 'Create the topic first; "millrace topic ls" shows those that exist.',
    retryable: false,
  },
  TOPIC_NAME_INVALID: {
    seen: 'The topic name {topic} is not usable',
    expected: '1 to 200 of a-z, A-Z, 0-9, ".", "_" and "-", not starting with "."',
    remedy: 'Choose another name.',
    retryable: false,
  },
  TOPIC_CONFLICT: {
    seen: 'The topic "{topic}" exists with {setting} {seen}',
    expected: '{setting} {expected}',
    remedy: 'Use the existing setting, or choose another topic.',
    retryable: false,
  },
  PARTITION_UNKNOWN: {
    seen: 'The topic "{topic}" has no partition {partition}',
    expected: 'a partition from 0 to {last}',
    remedy: 'Ask for a partition that exists.',
    retryable: false,
  },
  OFFSET_OUT_OF_RANGE: {
    seen: 'Offset {offset} of {topic}/{partition} was asked for, but it holds {start} up to, not including, {end}',
    expected: 'an offset that is still retained and already written',
    remedy:
      'If it is below, retention has removed it: read from the start offset. If it is above, newest files of the log are missing: put them back, or see "A consumer is ahead of the log" in docs/reference/log-inspection.md.',
    retryable: false,
  },
  PARTITION_UNAVAILABLE: {
    seen: 'The partition {topic}/{partition} cannot be used: {reason}',
    expected: 'a partition whose storage answers',
    remedy:
      'Check the disk, or the server and the way to it; it is tried again by itself, at least once a minute, and the other partitions go on meanwhile.',
    retryable: true,
  },
  GROUP_NAME_INVALID: {
    seen: 'The group name {group} is not usable',
    expected: '1 to 200 characters without control characters',
    remedy: 'Choose another name.',
    retryable: false,
  },
  BUS_LIMIT_REACHED: {
    seen: '{what} would be more than {limit}',
    expected: 'at most {limit}',
    remedy: 'Use fewer, or raise {setting}.',
    retryable: true,
  },
  MESSAGE_INVALID: {
    seen: 'The {part} of a message for the topic "{topic}" is {seen}',
    expected: '{expected}',
    remedy: 'Correct the code that publishes it.',
    retryable: false,
  },
  MESSAGE_UNDECODABLE: {
    seen: 'A stored message has {seen}',
    expected: '{expected}',
    remedy: 'Run the newer Millrace that wrote it, or skip the message.',
    retryable: false,
  },
  MESSAGE_TOO_LARGE: {
    seen: 'A message for the topic "{topic}" has {seen} bytes',
    expected: 'at most {limit} bytes',
    remedy: 'Send smaller messages, or raise messageBytesMax.',
    retryable: false,
  },
  WRITER_FENCED: {
    seen: 'The writer of {topic}/{partition} with epoch {epoch} tried to append, but epoch {current} has been opened since',
    expected: 'the newest writer',
    remedy: 'Stop this writer; another one has taken over.',
    retryable: false,
  },
  WRITER_APPEND_TOO_LARGE: {
    seen: 'An append of the writer of {topic}/{partition} takes up to {seen} bytes',
    expected: 'at most {limit} bytes, so that all of it is written or none',
    remedy: 'Append fewer messages at a time.',
    retryable: false,
  },
  WRITER_CLOSED: {
    seen: 'The writer of {topic}/{partition} is closed',
    expected: 'an open writer',
    remedy: 'Open a writer again.',
    retryable: false,
  },
  TOPIC_SETTING_INVALID: {
    seen: 'The topic setting "{setting}" is {seen}',
    expected: '{expected}',
    remedy: 'Correct the setting.',
    retryable: false,
  },
  WRITER_POSITION_CONFLICT: {
    seen: 'The writer of {topic}/{partition} expected to write at offset {expected}, but the end is {end}',
    expected: 'nobody else to have appended',
    remedy: 'Read what was appended, then decide again.',
    retryable: false,
  },
  TOPIC_EXCLUSIVE: {
    seen: 'A publication went to the topic "{topic}", which has an exclusive writer',
    expected: 'appends through its exclusive writer only',
    remedy: 'Open a writer for the topic, or publish to another topic.',
    retryable: false,
  },
  BUS_UNREACHABLE: {
    seen: 'The bus server at {servers} does not answer: {reason}',
    expected: 'a server that answers',
    remedy:
      'Start it, or correct its address or the credentials; what was acknowledged is not touched by that.',
    retryable: true,
  },
  BUS_SERVER_UNFIT: {
    seen: 'The bus server at {servers} cannot carry this bus: {seen}',
    expected: '{expected}',
    remedy: 'Change its configuration, or use another server; docs/reference/nats.md says what is needed.',
    retryable: false,
  },
  BUS_CLOSED: {
    seen: 'The bus is closed',
    expected: 'an open bus',
    remedy: 'Open the bus again before you use it.',
    retryable: false,
  },
  SUBSCRIPTION_CLOSED: {
    seen: 'The subscription of the group "{group}" is closed',
    expected: 'an open subscription',
    remedy: 'Subscribe again.',
    retryable: false,
  },
  NOT_SUPPORTED: {
    seen: '{what} was asked of the {engine} bus, which does not support it',
    expected: 'an ability that its "supports" names',
    remedy: 'Ask "supports" first, or use an engine that has it.',
    retryable: false,
  },
})
