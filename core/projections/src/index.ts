export type { AnyProjection } from './any-projection.ts'
export {
  type CustomProjection,
  type CustomProjectionOptions,
  customProjection,
  type ProjectionUnit,
} from './custom-projection.ts'
export type { Daemon, DaemonOptions, DaemonProjection, DeadLetterQuery, StalenessOptions } from './daemon.ts'
export { daemonSchema } from './daemon-schema.ts'
export type { DeadLetter } from './dead-letter.ts'
export type { ErrorPolicy, FaultAction } from './error-policy.ts'
export type { FaultKind } from './fault.ts'
export { inlineProjections } from './inline.ts'
export { foldEvents, liveDocument } from './live.ts'
export type { ProjectionProgress, RebuildProgress, ShardProgress } from './progress.ts'
export {
  type Apply,
  type ProjectedEvent,
  type Projection,
  type ProjectionCase,
  type ProjectionOptions,
  projection,
} from './projection.ts'
export type { ProjectionSettings } from './projection-settings.ts'
export { type ApplyRows, type RowCase, type RowChange, type RowProjection, rows } from './row-projection.ts'
export { type ProjectionEnvironment, runProjection } from './run-projection.ts'
export { startDaemon } from './running-daemon.ts'
export type { LastError, ShardState } from './shard-status.ts'
