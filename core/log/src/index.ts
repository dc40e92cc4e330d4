export {
  ANNOUNCEMENT_BYTES,
  type AnnouncementListener,
  type Announcer,
  type FileLock,
  type Files,
  type Listening,
  type OpenFile,
} from './files.ts'
export {
  type AppendOptions,
  type AppendResult,
  type Compaction,
  type CompactionOutcome,
  type Durability,
  followLog,
  type Log,
  type LogGap,
  type LogOptions,
  type LogReaderOptions,
  type LogRecord,
  type NewRecord,
  type ReadableLog,
  type ReadLimits,
  type Retention,
  type RetentionOutcome,
} from './log.ts'
export { openLog } from './open-log.ts'
export { openLogReader } from './open-log-reader.ts'
export type { DeadLetter } from './queue/dead-letters.ts'
export type { DropReason, DropTotals, RecordedDrop } from './queue/drop-log.ts'
export { openQueue } from './queue/open-queue.ts'
export type {
  ConsumerLaneStatus,
  ConsumerStatus,
  ItemPlace,
  LaneStatus,
  NewItem,
  PeekedItem,
  PutOptions,
  Queue,
  QueueAlarm,
  QueueConsumer,
  QueueItem,
  QueueOptions,
  QueueQuota,
  QueueStatus,
  RejectOptions,
  SeekTarget,
  Settled,
  StoredItem,
  TakeOptions,
  WhenFull,
} from './queue/queue.ts'
export { type LogTableOptions, openLogTable } from './table/log-table.ts'
export type { LogTable, Table, TableEntry } from './table/table.ts'
