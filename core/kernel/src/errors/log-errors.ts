import { defineErrors } from './error-entry.ts'

/** Errors of the durable log and its files. */
export const logErrors = defineErrors({
  DIRECTORY_LOCKED: {
    seen: 'The directory {directory} is in use by {owner}',
    expected: 'one process at a time',
    remedy: 'Stop the other process, or choose another data directory.',
    retryable: true,
  },
  DIRECTORY_TOO_NEW: {
    seen: 'The directory {directory} was written by format version {seen}',
    expected: 'format version {supported} or older',
    remedy: 'Run the newer Millrace that wrote it, or choose another data directory.',
    retryable: false,
  },
  LOG_NOT_FOUND: {
    seen: 'There is no log in {directory}, nor below it',
    expected: 'a directory with files such as 00000000000000000000.seg, or a folder above one',
    remedy:
      'Look for the data directory: the logs of the bus are in bus/bus/topics/<topic>/<partition> below it.',
    retryable: false,
  },
  DISK_FULL: {
    seen: 'There is no space left to write {path}',
    expected: 'free space on the disk of the data directory',
    remedy: 'Free space; writing goes on by itself, nothing acknowledged is lost.',
    retryable: true,
  },
  LOG_STORAGE_FAILED: {
    seen: 'The log {directory} could not be written: {reason}',
    expected: 'a disk that writes and syncs',
    remedy: 'Check the disk; reading goes on, and writing starts again after a restart.',
    retryable: false,
  },
  LOG_CLOSED: {
    seen: 'The log {directory} is closed',
    expected: 'an open log',
    remedy: 'Open the log again before you use it.',
    retryable: false,
  },
  LOG_RECORD_TOO_LARGE: {
    seen: 'A record has {seen} bytes',
    expected: 'at most {limit} bytes',
    remedy: 'Send smaller records, or raise recordBytesMax.',
    retryable: false,
  },
  LOG_APPEND_TOO_LARGE: {
    seen: 'The records of one append take up to {seen} bytes',
    expected: 'at most {limit} bytes',
    remedy: 'Append fewer records at a time, or raise pendingBytesMax and segmentBytesMax.',
    retryable: false,
  },
  LOG_TIMESTAMP_INVALID: {
    seen: 'A record has the timestamp {seen}',
    expected: 'whole milliseconds since 1970, from 0 to {limit}',
    remedy: 'Correct the timestamp, or leave it out to use the time of the append.',
    retryable: false,
  },
  LOG_OPTION_INVALID: {
    seen: 'The log option {option} is {seen}',
    expected: '{expected}',
    remedy: 'Correct the option.',
    retryable: false,
  },
  LOG_READ_FAILED: {
    seen: 'The log {directory} could not be read: {reason}',
    expected: 'a disk that answers',
    remedy:
      'Check the disk and read again; nothing was changed. "millrace log repair" rescues what the disk still gives.',
    retryable: true,
  },
  LOG_OFFSET_OUT_OF_RANGE: {
    seen: 'Offset {offset} was asked for, but the log holds {start} up to, not including, {end}',
    expected: 'an offset that is still retained and already written',
    remedy:
      'If it is below, retention has removed it: read from the start offset. If it is above, newest files of the log are missing: put them back, or repair the log with "millrace log repair --next-offset".',
    retryable: false,
  },
})
