import type { DeviceLimits } from './devices.ts'

/** The limits that hold when nothing else is said. */
export const DEVICE_LIMITS_DEFAULT: DeviceLimits = {
  packetBytesMax: 256 * 1024,
  connectionsMax: 10_000,
  outboundBytesMax: 1024 * 1024,
  inboundInFlightMax: 64,
  inboundBytesMax: 64 * 1024 * 1024,
  connectTimeoutMs: 10_000,
  keepAliveSecondsMax: 3_600,
  commandsPerDeviceMax: 100,
  outcomeMsMax: 24 * 3_600_000,
  finishedCommandsPerDeviceMax: 20,
  sessionsMax: 100_000,
  subscriptionsMax: 50,
  retainedPerDeviceMax: 20,
}

/** The defaults with what is given put over them. */
export function deviceLimits(given: Partial<DeviceLimits> = {}): DeviceLimits {
  return { ...DEVICE_LIMITS_DEFAULT, ...given }
}
