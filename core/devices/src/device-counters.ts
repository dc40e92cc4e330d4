import type { DeviceCounters } from './devices.ts'

/** The counters as the device tier itself sees them: to be raised. */
export type CounterTable = { -readonly [Name in keyof DeviceCounters]: DeviceCounters[Name] }

/** All at zero. */
export function counterTable(): CounterTable {
  return {
    connections: 0,
    connectionsRefused: 0,
    publicationsAccepted: 0,
    publicationsRefused: 0,
    malformedPackets: 0,
    oversizePackets: 0,
    slowConsumersClosed: 0,
    keepAliveTimeouts: 0,
    commandsSent: 0,
    commandsExpired: 0,
    commandsWithoutOutcome: 0,
    subscriptionsRefused: 0,
    messagesDropped: 0,
    sessionsEvicted: 0,
  }
}
