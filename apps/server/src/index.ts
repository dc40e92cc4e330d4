export type * from './api-shapes.ts'
export {
  type App,
  type AppDefinition,
  defineApp,
  eventTypesOf,
  type MqttDefinition,
} from './app-definition.ts'
export { type DataDirectory, openDataDirectory, readDeviceSecret } from './data-directory.ts'
export { loadApp } from './load-app.ts'
export {
  type Backbone,
  type RunningApp,
  type RunningProcessor,
  type StartOptions,
  startApp,
} from './running-app.ts'
export { portOf, resolveSettings, type SettingOverrides, type Settings } from './settings.ts'
export { VERSION } from './version.ts'
