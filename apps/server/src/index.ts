export { assertDeviceId } from '@millrace/devices'
export type {
  AddressBody,
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
  PublishBody,
  PublishRequest,
  ReplayBody,
  StatusBody,
  TopicBody,
} from './api-shapes.ts'
export {
  type App,
  type AppDefinition,
  defineApp,
  eventTypesOf,
  type MqttDefinition,
} from './app-definition.ts'
export { type DataDirectory, devicePasswords, openDataDirectory } from './data-directory.ts'
export { loadApp } from './load-app.ts'
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
