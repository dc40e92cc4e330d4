import type { Bus } from '@millrace/bus'
import type { CommandDraft, EventType, Runtime } from '@millrace/kernel'
import type { Command } from './command.ts'
import type { Listener, ListeningAddress } from './listener.ts'

/** Who may connect. */
export interface DeviceAuthenticator {
  /**
   * Judges a CONNECT. `device` is the MQTT client id. Resolves with true to let it in. Rejections count as a refusal
   * with reason "server unavailable" and say nothing to the device.
   */
  authenticate(credentials: {
    readonly device: string
    readonly user: string | undefined
    readonly password: Uint8Array | undefined
    readonly remoteAddress: string
  }): Promise<boolean>
}

/** Options of {@link openDevices}. */
export interface DevicesOptions {
  readonly bus: Bus
  readonly runtime: Runtime
  readonly listener: Listener
  /** Event types that devices may publish; anything else is refused. */
  readonly eventTypes: readonly EventType[]
  /** 'anonymous' lets everybody in under the client id they name: for closed networks and tests only. */
  readonly authentication: DeviceAuthenticator | 'anonymous'
  readonly limits?: Partial<DeviceLimits>
}

/** Every limit of the device tier. */
export interface DeviceLimits {
  /** Default: 256 KiB. */
  readonly packetBytesMax: number
  /** Default: 10,000. */
  readonly connectionsMax: number
  /** Bytes written to one connection and not taken yet; beyond it the device is too slow and is closed. Default: 1 MiB. */
  readonly outboundBytesMax: number
  /** Publications of one connection that are not durable yet; beyond it reading pauses. Default: 64. */
  readonly inboundInFlightMax: number
  /** Publications of all connections together that are not durable yet, in bytes; beyond it reading pauses. Default: 64 MiB. */
  readonly inboundBytesMax: number
  /** From connection to CONNECT, in milliseconds. Default: 10,000. */
  readonly connectTimeoutMs: number
  /** Longest keep-alive that is granted, in seconds. Default: 3,600. */
  readonly keepAliveSecondsMax: number
  /**
   * Commands a device that wait for their acknowledgement; beyond it `send` refuses. As many again may wait for their
   * outcome; beyond it the oldest fails, since its device has reported none. Default: 100.
   */
  readonly commandsPerDeviceMax: number
  /** From the acknowledgement to the outcome, in milliseconds; beyond it the command fails. Default: 24 hours. */
  readonly outcomeMsMax: number
  /** Finished commands remembered a device, newest first. Default: 20. */
  readonly finishedCommandsPerDeviceMax: number
  /** Persistent sessions kept for absent devices. Default: 100,000. */
  readonly sessionsMax: number
  /** Subscriptions a session. Default: 50. */
  readonly subscriptionsMax: number
  /** Retained messages a device. Default: 20. */
  readonly retainedPerDeviceMax: number
}

/** A connection as operators see it. */
export interface SessionInfo {
  readonly device: string
  readonly protocol: 'mqtt-3.1.1' | 'mqtt-5'
  readonly remoteAddress: string
  readonly connectedAtMs: number
  readonly lastSeenAtMs: number
}

/** Counters since the start. Nothing is refused or dropped without being counted here. */
export interface DeviceCounters {
  readonly connections: number
  readonly connectionsRefused: number
  readonly publicationsAccepted: number
  readonly publicationsRefused: number
  readonly malformedPackets: number
  readonly oversizePackets: number
  readonly slowConsumersClosed: number
  readonly keepAliveTimeouts: number
  readonly commandsSent: number
  readonly commandsExpired: number
  /** Acknowledged commands that failed because their device reported no outcome: in time, or before too many others. */
  readonly commandsWithoutOutcome: number
  /** Subscriptions refused: outside the device's own name, not well formed, or too many. */
  readonly subscriptionsRefused: number
  /** Messages to a device, presence and command transitions that could not be kept: no room, expired, no bus. */
  readonly messagesDropped: number
  /** Persistent sessions of absent devices ended because there were more than `sessionsMax`. */
  readonly sessionsEvicted: number
}

/** The device tier at work. */
export interface Devices extends AsyncDisposable {
  readonly address: ListeningAddress
  readonly counters: DeviceCounters
  /** The devices connected now, sorted by id. */
  sessions(): readonly SessionInfo[]
  session(device: string): SessionInfo | undefined
  /**
   * Takes a command over; resolves with state queued when it is durable. A repeated `id`, or a repeated idempotency
   * key for the device, gives the first command.
   *
   * @throws COMMAND_QUEUE_FULL, COMMAND_INVALID, DEVICE_ID_INVALID
   */
  send(draft: CommandDraft, options?: { readonly id?: string }): Promise<Command>
  /** A command that is still remembered, or undefined. One that has not ended always is. */
  command(id: string): Command | undefined
  /** Commands of a device that are still remembered, newest first. */
  commandsOf(device: string): readonly Command[]
  /** Stops accepting, disconnects everybody (MQTT 5: 0x8B server shutting down), and finishes what is in flight. */
  close(): Promise<void>
}
