import type { Runtime } from '@millrace/kernel'
import type { Files } from './files.ts'

/** A record to be appended. The log does not look into key or value. */
export interface NewRecord {
  /** Label of time, milliseconds since 1970. Default: the log's clock when it is appended. */
  readonly timestampMs?: number
  /** What compaction goes by; absent for records that are never replaced. */
  readonly key?: Uint8Array
  readonly value: Uint8Array
}

/** A record as it was read. */
export interface LogRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly key: Uint8Array | undefined
  readonly value: Uint8Array
}

/** Where appended records stand: `count` consecutive offsets from `baseOffset` on. */
export interface AppendResult {
  readonly baseOffset: number
  readonly count: number
}

/**
 * When an append resolves, and so what a power cut may take that was acknowledged.
 * - `disk`: when it is on the disk. Nothing.
 * - `interval`: when the operating system has it, which syncs it within `syncIntervalMsMax`. What was appended since
 *   then; a killed process loses nothing.
 * - `os`: when the operating system has it, which writes it when it likes (Linux: within about 30 s). That much; a
 *   killed process loses nothing.
 *
 * A stronger append makes everything before it as durable as itself. Offsets are never used twice under any of them.
 */
export type Durability = 'disk' | 'interval' | 'os'

/** When old segments may go. Whole sealed segments only; the active one stays. */
export interface Retention {
  /**
   * Remove segments whose newest record is older than this, in milliseconds, by its timestamp and the wall clock. While
   * the log is open a clock that is set forward by more than a minute is believed after an hour, so that one that is set
   * wrong and back again costs nothing.
   */
  readonly ageMsMax?: number
  /** Remove the oldest segments while the log has more bytes than this. */
  readonly bytesMax?: number
}

/** What was removed from the start of a log, and where it starts now. */
export interface RetentionOutcome {
  readonly removedSegments: number
  readonly startOffset: number
}

/** How a log keeps the latest record of each key only. Records without key stay; a record with an empty value removes its key. */
export interface Compaction {
  /** A round begins with a new segment when this share of the sealed bytes, 0 to 1, is new. Default: 0.5. */
  readonly dirtyShareMin?: number
  /** How long a record that removes its key stays, so that who follows sees it, in milliseconds. Default: a day. */
  readonly tombstoneMsMin?: number
  /** Keys that are held in memory in one round; more take several rounds. Default: 250,000. */
  readonly keysMax?: number
}

/** What a compaction has done. */
export interface CompactionOutcome {
  readonly removedRecords: number
  readonly removedBytes: number
}

/** Options of {@link openLog}. */
export interface LogOptions {
  readonly files: Files
  readonly directory: string
  readonly runtime: Runtime
  /** A segment is sealed before it passes this size. Default: 64 MiB. */
  readonly segmentBytesMax?: number
  /** A single record (key and value) may not be larger. Default: 1 MiB. */
  readonly recordBytesMax?: number
  /** Bytes that may wait for the group commit; `append` waits beyond that. Default: 16 MiB. */
  readonly pendingBytesMax?: number
  /**
   * Zeros that may be written ahead of the data, in bytes. It makes syncs quicker, and their tail much shorter,
   * at the price of writing each block twice; done only where appends are small. 0 for media that wear out. Default:
   * 64 MiB, so that the next segment is there when the present one is full; a small log takes less.
   */
  readonly allocateAheadBytesMax?: number
  readonly retention?: Retention
  /** Keeps the latest record of each key. Default: all records are kept. */
  readonly compaction?: Compaction
  /** What appends promise that do not say it themselves. Default: `disk`. */
  readonly durability?: Durability
  /** How long an append with durability `interval` stays without a sync, in milliseconds. Default: 1,000. */
  readonly syncIntervalMsMax?: number
  /**
   * Tells readers in other processes of what is appended (`openLogReader`). Costs a listening socket; without it they
   * see what is there when they open the log. Default: true.
   */
  readonly announce?: boolean
}

/** Options of `openLogReader`. */
export interface LogReaderOptions {
  readonly files: Files
  readonly directory: string
  readonly runtime: Runtime
}

/** Options of {@link Log.append}. */
export interface AppendOptions {
  /** Gives up the wait, no more. */
  readonly signal?: AbortSignal
  /** Default: the log's. */
  readonly durability?: Durability
}

/** How much one read may return; a read returns at least one record if there is one. */
export interface ReadLimits {
  /** Default: 1 MiB. */
  readonly bytesMax?: number
  /** Default: 10,000. */
  readonly countMax?: number
}

/** Offsets that are lost: damaged on disk, named so that nobody is fooled. `to` is not included. */
export interface LogGap {
  readonly from: number
  readonly to: number
  readonly reason: string
  /**
   * True if nothing is missing that was there before: the log had gone on behind it in an earlier life, or skips offsets
   * that it had reserved for records that did not wait for the disk.
   */
  readonly isPast?: boolean
}

/** What can be read of a log, by its writer and by others. */
export interface ReadableLog extends AsyncDisposable {
  /** The first offset that can be read. */
  readonly startOffset: number
  /** The offset behind the last record; the next one gets it or, after damage or a crash, a higher one. */
  readonly endOffset: number
  /** Bytes on disk, recomputed from the files when the log is opened. */
  readonly bytes: number
  /** Damage found so far, in the order of offsets; below the durable mark it is found when somebody reads there. */
  readonly gaps: readonly LogGap[]
  /**
   * Records from `offset` on, skipping gaps and what compaction has removed; an empty list at the end of the log. Keys and values are
   * views of larger memory that the log does not touch again; copy what you keep for long.
   *
   * @throws LOG_OFFSET_OUT_OF_RANGE below `startOffset` or above `endOffset`; LOG_READ_FAILED (the disk did not
   * answer: nothing is taken for damaged); LOG_CLOSED
   */
  read(offset: number, limits?: ReadLimits): Promise<readonly LogRecord[]>
  /** Resolves as soon as there is a record at `offset` or behind it, gaps aside; rejects when `signal` aborts or the log closes. */
  waitBeyond(offset: number, signal?: AbortSignal): Promise<void>
  /** The first offset whose record has a timestamp at or after `timestampMs`; `endOffset` if there is none. */
  offsetAt(timestampMs: number): Promise<number>
  /** Closes the files. Idempotent. */
  close(): Promise<void>
}

/**
 * A durable, append-only list of records with consecutive offsets.
 *
 * What `append` has acknowledged survives a power cut, unless a weaker durability was asked for; offsets are never
 * reused, whatever the disk did; records become visible to readers when they are as durable as their append asked for.
 */
export interface Log extends ReadableLog {
  /** Behind the last record that a power cut would leave; below `endOffset` only after appends without durability `disk`. */
  readonly durableOffset: number
  /**
   * Appends records in order, all or none, and resolves when they are as durable as asked. Calls made while a sync runs
   * share the next one (group commit), in the order of the calls. The records must not be changed before the
   * promise settles. Aborting gives up the wait only: what was handed over may still be written.
   *
   * @throws LOG_RECORD_TOO_LARGE, LOG_APPEND_TOO_LARGE, LOG_TIMESTAMP_INVALID; DISK_FULL (nothing written, goes
   * on when there is space); LOG_STORAGE_FAILED (it is not known what was written, nothing more will be until
   * the log is opened again); LOG_CLOSED
   */
  append(records: readonly NewRecord[], options?: AppendOptions): Promise<AppendResult>
  /**
   * Resolves when everything that was appended before the call is durable, whatever it asked for.
   *
   * @throws LOG_STORAGE_FAILED, LOG_CLOSED
   */
  sync(): Promise<void>
  /**
   * Removes the segments of which every record is below `offset`; resolves when they are gone for good. If that is all
   * of a large active segment, a new one is begun, so that a consumed log gives its space back.
   *
   * @throws LOG_OFFSET_OUT_OF_RANGE above `endOffset`; LOG_CLOSED
   */
  trimBefore(offset: number): Promise<RetentionOutcome>
  /** Applies the retention now; resolves when what it removed is gone for good. */
  applyRetention(): Promise<RetentionOutcome>
  /**
   * Compacts the sealed segments now, whether `compaction` is an option of the log or not: of each key the latest record
   * stays, at its offset; reading goes on beside it. Crash-safe at every step.
   *
   * @throws LOG_READ_FAILED, DISK_FULL (what was compacted until then stays), LOG_CLOSED
   */
  compact(): Promise<CompactionOutcome>
  /** Waits for appends in flight, makes them durable, then closes the files and gives the lock back. Idempotent. */
  close(): Promise<void>
}

/**
 * Batches as they appear, until `signal` aborts (then it ends quietly) or the log closes. Starts at `offset`, or at
 * the start offset if retention has overtaken it.
 */
export async function* followLog(
  log: ReadableLog,
  offset: number,
  signal: AbortSignal = new AbortController().signal,
  limits?: ReadLimits,
): AsyncGenerator<readonly LogRecord[]> {
  let next = offset
  while (!signal.aborted) {
    next = Math.max(next, log.startOffset)
    const records = await log.read(next, limits)
    const last = records.at(-1)
    if (last === undefined) {
      try {
        await log.waitBeyond(next, signal)
      } catch (error) {
        if (signal.aborted) return
        throw error
      }
      continue
    }
    yield records
    next = last.offset + 1
  }
}
