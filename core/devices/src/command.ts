import type { CommandDraft } from '@millrace/kernel'

/**
 * The life of a command. queued: durable, waiting for its device. sent: written to the device's connection.
 * acknowledged: the device has it (PUBACK) and is to say how it went. done, failed: the device said so; failed also: it
 * refused it, or reported no outcome within the limits (`outcomeMsMax`, `commandsPerDeviceMax`). expired: the deadline
 * passed before it was acknowledged; it will not be sent any more. done, failed and expired are final: the first of
 * them stands. A command in any other state is open, and is kept until it ends.
 */
export type CommandState = 'queued' | 'sent' | 'acknowledged' | 'done' | 'failed' | 'expired'

/** A command and where it stands. */
export interface Command {
  readonly id: string
  readonly device: string
  readonly name: string
  readonly data: unknown
  readonly state: CommandState
  readonly idempotencyKey?: string
  /** When it was asked for, and until when it may be acknowledged; milliseconds since 1970. */
  readonly createdAtMs: number
  readonly deadlineAtMs: number
  /** When the state was entered. */
  readonly changedAtMs: number
  /** What the device answered: the result of `done`, the reason of `failed`; or why it failed without an answer. */
  readonly outcome?: unknown
  readonly causationId?: string
}

/** The topic of all commands and their states: requests and transitions, keyed by device. */
export const COMMANDS_TOPIC = 'millrace.commands'
/** Event type of a request on {@link COMMANDS_TOPIC}. */
export const COMMAND_REQUESTED = 'millrace.command.requested'
/** Event types of the transitions: `millrace.command.sent` and so on. */
export const commandEventType = (state: CommandState) =>
  state === 'queued' ? COMMAND_REQUESTED : `millrace.command.${state}`

/** The topic of connections and disconnections, keyed by device. */
export const PRESENCE_TOPIC = 'millrace.presence'
export const DEVICE_CONNECTED = 'millrace.device.connected'
export const DEVICE_DISCONNECTED = 'millrace.device.disconnected'

export type { CommandDraft }
