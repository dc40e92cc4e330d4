export {
  type Actor,
  type ActorContext,
  type ActorHandle,
  type ActorOptions,
  type ActorOutput,
  type ActorResult,
  actor,
} from '@millrace/actors'
export { type Collection, collection, type Identified } from '@millrace/documents'
export {
  type CommandDraft,
  type CommandOptions,
  type CommandType,
  command,
  type DraftOptions,
  type ErrorCode,
  type Event,
  type EventDraft,
  type EventType,
  event,
  isMillraceError,
  MillraceError,
} from '@millrace/kernel'
export { type Apply, type Projection, type ProjectionOptions, projection } from '@millrace/projections'
export {
  type App,
  type AppDefinition,
  CommandDone,
  CommandExpired,
  CommandFailed,
  DeviceConnected,
  DeviceDisconnected,
  defineApp,
  devicePasswords,
  type MqttDefinition,
  type RunningApp,
  type StartOptions,
  startApp,
} from '@millrace/server'
