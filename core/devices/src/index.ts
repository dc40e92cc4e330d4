export {
  COMMAND_REQUESTED,
  COMMANDS_TOPIC,
  type Command,
  type CommandState,
  commandEventType,
  DEVICE_CONNECTED,
  DEVICE_DISCONNECTED,
  PRESENCE_TOPIC,
} from './command.ts'
export { commandOutlet } from './command-outlet.ts'
export { COMMANDS_GROUP } from './commands/command-history.ts'
export { assertDeviceId, isDeviceId } from './device-id.ts'
export { derivedDevicePassword, deviceKeys } from './device-keys.ts'
export { DEVICE_LIMITS_DEFAULT } from './device-limits.ts'
export type {
  DeviceAuthenticator,
  DeviceCounters,
  DeviceLimits,
  Devices,
  DevicesOptions,
  SessionInfo,
} from './devices.ts'
export type { Connection, ConnectionObserver, Listener, ListeningAddress } from './listener.ts'
export { openDevices } from './open-devices.ts'
