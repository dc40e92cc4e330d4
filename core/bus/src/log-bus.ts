import { millraceError, type Runtime } from '@millrace/kernel'
import { type Files, openLog, openLogTable, type Table } from '@millrace/log'
import type { Bus } from './bus.ts'
import { BUS_LIMITS_DEFAULT, type BusLimits } from './bus-limits.ts'
import type { BusStores } from './bus-stores.ts'
import { EmbeddedBus } from './embedded-bus.ts'
import { type LiveRetention, LogPartition } from './log-partition.ts'

/** Every limit of the bus on logs. */
export interface LogBusLimits extends BusLimits {
  /** A segment of a partition's log; what retention removes at once. It must have room for a message. Default: 64 MiB. */
  readonly segmentBytesMax: number
  /** The logs of topics, positions and delayed messages are not rewritten below this size. Default: 4 MiB. */
  readonly tableBytesMin: number
  /** Zeros written ahead in every log, so that a sync is quick; see `LogOptions`. Default: the log's own. */
  readonly allocateAheadBytesMax: number
}

/** Options of {@link openLogBus}. */
export interface LogBusOptions {
  readonly files: Files
  readonly runtime: Runtime
  /** Default: `bus`. */
  readonly directory?: string
  readonly limits?: Partial<LogBusLimits>
}

const SEGMENT_BYTES_MAX_DEFAULT = 64 * 1024 * 1024
const TABLE_BYTES_MIN_DEFAULT = 4 * 1024 * 1024
/** What is written to see whether a disk takes writes again. */
const PROBE_BYTES = 4096
/** What a record may be, whatever its limit. */
const RECORD_BYTES_MAX = 64 * 1024 * 1024
/** What a log gathers for one write, and so what it takes in one append; more if a single message may be larger. */
const PENDING_BYTES_MIN = 16 * 1024 * 1024
/** Room for what a segment and a frame have beside their records. */
const SEGMENT_OVERHEAD_BYTES_MAX = 256
/** Room for what is stored with a message beside its texts and its value, its idempotency key included. */
const MESSAGE_OVERHEAD_BYTES_MAX = 1024

/**
 * Opens the bus in a directory, or begins one there. Publications, topics, committed positions, writer epochs and
 * delayed messages are durable when their call returns.
 *
 * Layout: `topics/<name>/<partition>` one log a partition; `state/topics`, `state/positions`, `state/delayed` a table
 * each. A partition whose log cannot be opened, or has failed, is `PARTITION_UNAVAILABLE` until it could be opened anew,
 * which is tried with pauses from a second to a minute; everything else works.
 *
 * @throws CONFIGURATION_INVALID (a segment has no room for a message), DIRECTORY_LOCKED, DIRECTORY_TOO_NEW, DISK_FULL, and the file system's own errors
 */
export async function openLogBus(options: LogBusOptions): Promise<Bus> {
  const { files, runtime, directory = 'bus', limits = {} } = options
  const { segmentBytesMax, recordBytesMax, pendingBytesMax, appendBytesMax } = logLimitsOf(limits)
  const rewriteBytesMin = limits.tableBytesMin ?? TABLE_BYTES_MIN_DEFAULT
  const { allocateAheadBytesMax } = limits
  const allocation = allocateAheadBytesMax === undefined ? {} : { allocateAheadBytesMax }
  const opened: Table[] = []
  const openTable = async (name: string) => {
    const table = await openLogTable({
      files,
      runtime,
      directory: `${directory}/state/${name}`,
      rewriteBytesMin,
      recordBytesMax,
      pendingBytesMax,
      ...allocation,
    })
    opened.push(table)
    return table
  }
  try {
    const stores: BusStores = {
      engine: 'embedded',
      durable: true,
      appendBytesMax,
      // First: its lock keeps a second process from the rest.
      topics: await openTable('topics'),
      positions: await openTable('positions'),
      delayed: await openTable('delayed'),
      openPartition: async (topic, partition, settings) => {
        const retention: LiveRetention = { ...settings }
        const path = `${directory}/topics/${topic}/${partition}`
        const log = await openLog({
          files,
          runtime,
          directory: path,
          segmentBytesMax,
          recordBytesMax,
          pendingBytesMax,
          retention,
          announce: false,
          ...allocation,
        })
        return new LogPartition(topic, partition, log, retention, () => probeDirectory(files, path))
      },
    }
    return await EmbeddedBus.open(stores, runtime, limits)
  } catch (error) {
    for (const table of opened) await table.close().catch(() => undefined)
    throw error
  }
}

/** Writes and syncs a file, as a log would. Recovery removes it, should it stay. */
async function probeDirectory(files: Files, directory: string): Promise<void> {
  const path = `${directory}/probe.tmp`
  await files.remove(path)
  {
    await using file = await files.open(path, 'create')
    await file.write([new Uint8Array(PROBE_BYTES)], 0)
    await file.sync()
  }
  await files.remove(path)
}

/** The limits of every log of the bus; `CONFIGURATION_INVALID` unless each message within its limit fits. */
function logLimitsOf(limits: Partial<LogBusLimits>) {
  const { messageBytesMax = BUS_LIMITS_DEFAULT.messageBytesMax } = limits
  const { segmentBytesMax = SEGMENT_BYTES_MAX_DEFAULT } = limits
  const segmentBytesMin = messageBytesMax + MESSAGE_OVERHEAD_BYTES_MAX + SEGMENT_OVERHEAD_BYTES_MAX
  if (!(segmentBytesMin <= SEGMENT_BYTES_MAX_DEFAULT)) {
    const limit = SEGMENT_BYTES_MAX_DEFAULT - MESSAGE_OVERHEAD_BYTES_MAX - SEGMENT_OVERHEAD_BYTES_MAX
    throw invalid('limits.messageBytesMax', messageBytesMax, `at most ${limit} bytes`)
  }
  if (!(segmentBytesMax >= segmentBytesMin)) {
    const expected = `at least ${segmentBytesMin} bytes, because limits.messageBytesMax is ${messageBytesMax}`
    throw invalid('limits.segmentBytesMax', segmentBytesMax, expected)
  }
  // A message with its lengths, its idempotency key, and the bus's own headers: at most twice as much, and some.
  const recordBytesMax = Math.min(RECORD_BYTES_MAX, 2 * messageBytesMax + 64 * 1024)
  const pendingBytesMax = Math.max(PENDING_BYTES_MIN, recordBytesMax + MESSAGE_OVERHEAD_BYTES_MAX)
  // The tables' segments have the default size.
  const roomBytes = Math.min(segmentBytesMax, SEGMENT_BYTES_MAX_DEFAULT) - SEGMENT_OVERHEAD_BYTES_MAX
  const appendBytesMax = Math.min(pendingBytesMax, roomBytes)
  return { segmentBytesMax, recordBytesMax, pendingBytesMax, appendBytesMax }
}

function invalid(path: string, seen: number, expected: string): Error {
  return millraceError('CONFIGURATION_INVALID', { path, seen: `${seen} bytes`, expected })
}
