import { COMMANDS_TOPIC, DEVICE_CONNECTED, DEVICE_DISCONNECTED, PRESENCE_TOPIC } from '@millrace/devices'
import { event } from '@millrace/kernel'
import * as z from 'zod'

/** A device has connected. Subject: the device. */
export const DeviceConnected = event(
  DEVICE_CONNECTED,
  z.object({ protocol: z.enum(['mqtt-3.1.1', 'mqtt-5']), remoteAddress: z.string() }),
  { topic: PRESENCE_TOPIC },
)

/** A device's connection has ended. Subject: the device. */
export const DeviceDisconnected = event(DEVICE_DISCONNECTED, z.object({ reason: z.string() }), {
  topic: PRESENCE_TOPIC,
})

const ended = z.object({ id: z.string(), outcome: z.unknown().optional() })
const onCommands = { topic: COMMANDS_TOPIC }

/** A device has executed a command; `outcome` is its answer. Subject: the device. */
export const CommandDone = event('millrace.command.done', ended, onCommands)
/** A device could not execute a command, or did not say how it went; `outcome` is the reason. Subject: the device. */
export const CommandFailed = event('millrace.command.failed', ended, onCommands)
/** A command's deadline passed before its device had it. Subject: the device. */
export const CommandExpired = event('millrace.command.expired', ended, onCommands)
