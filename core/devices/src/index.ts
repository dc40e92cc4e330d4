export {
  COMMAND_REQUESTED, COMMANDS_TOPIC, type Command, type CommandState, commandEventType, DEVICE_CONNECTED,
  DEVICE_DISCONNECTED, PRESENCE_TOPIC,
} from './command.ts'
export type { DeviceAuthenticator, DeviceCounters, DeviceLimits, Devices, DevicesOptions, SessionInfo } from './devices.ts'
export type { Connection, ConnectionObserver, Listener, ListeningAddress } from './listener.ts'
