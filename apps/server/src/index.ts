export { assertDeviceId } from '@millrace/devices'
export type {
  AddressBody,
  AppendBody,
  AppendRequest,
  CollectionBody,
  CommandBody,
  CommandListBody,
  CommandRequest,
  DeadLetterBody,
  DeadLetterTopicBody,
  DeviceBody,
  DeviceListBody,
  DocumentBody,
  DocumentListBody,
  LiveReading,
  MessageBody,
  MessageListBody,
  ProblemBody,
  ProcessorBody,
  ProjectionBody,
  ProjectionLetterListBody,
  ProjectionListBody,
  PublishBody,
  PublishRequest,
  RelayBody,
  ReplayBody,
  StatusBody,
  StreamBody,
  StreamEventBody,
  StreamEventListBody,
  TopicBody,
} from './api-shapes.ts'
export {
  type App,
  type AppDefinition,
  defineApp,
  eventTypesOf,
  type MqttDefinition,
  type StoreDefinition,
  type StreamsDefinition,
} from './app-definition.ts'
export { schemaOfApp } from './app-schema.ts'
export type { RunningStreams } from './app-store.ts'
export { type DataDirectory, devicePasswords, openDataDirectory } from './data-directory.ts'
export { loadApp } from './load-app.ts'
export { openDatabase } from './open-database.ts'
export {
  CommandDone,
  CommandExpired,
  CommandFailed,
  DeviceConnected,
  DeviceDisconnected,
} from './platform-events.ts'
export {
  type Backbone,
  type RunningApp,
  type RunningProcessor,
  type StartOptions,
  startApp,
} from './running-app.ts'
export { portOf, resolveSettings, type SettingOverrides, type Settings } from './settings.ts'
export { VERSION } from './version.ts'
