import type { Command } from '@millrace/devices'
import { type CommandDraft, formatTime, millraceError } from '@millrace/kernel'
import * as z from 'zod'
import {
  type CommandBody,
  type CommandRequest,
  commandBody,
  commandListBody,
  commandRequest,
} from '../api-shapes.ts'
import type { RouteContext, TypedApi } from './http-server.ts'

const tags = ['commands']
const device = z.object({ device: z.string() })

/** Sending commands to a device, and asking what became of them. */
export function commandRoutes(api: TypedApi, { backbone: { devices, fleet } }: RouteContext): void {
  api.post(
    '/devices/:device/commands',
    {
      schema: {
        summary: 'Sends a command; answers when it is durable',
        tags,
        params: device,
        body: commandRequest,
        response: { 201: commandBody },
      },
    },
    async ({ params, body }, reply) => {
      await fleet.device(params.device)
      const command = await devices.send(draftOf(params.device, body))
      return reply.code(201).header('location', `/api/commands/${command.id}`).send(toCommandBody(command))
    },
  )
  api.get(
    '/devices/:device/commands',
    {
      schema: {
        summary: 'Commands of a device that are still remembered, newest first',
        tags,
        params: device,
        response: { 200: commandListBody },
      },
    },
    async ({ params }) => ({ commands: devices.commandsOf(params.device).map(toCommandBody) }),
  )
  api.get(
    '/commands/:command',
    {
      schema: {
        summary: 'One command and where it stands',
        tags,
        params: z.object({ command: z.string() }),
        response: { 200: commandBody },
      },
    },
    async ({ params }) => {
      const command = devices.command(params.command)
      if (command === undefined) throw millraceError('COMMAND_UNKNOWN', { command: params.command })
      return toCommandBody(command)
    },
  )
}

function draftOf(deviceId: string, { name, data, deadlineMs, idempotencyKey }: CommandRequest): CommandDraft {
  return {
    kind: 'command-draft',
    device: deviceId,
    name,
    data: data ?? {},
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  }
}

/** A command as the API shows it. */
export function toCommandBody(command: Command): CommandBody {
  const { id, device: deviceId, name, data, state, idempotencyKey, outcome } = command
  return {
    id,
    device: deviceId,
    name,
    data,
    state,
    createdAt: formatTime(command.createdAtMs),
    deadlineAt: formatTime(command.deadlineAtMs),
    changedAt: formatTime(command.changedAtMs),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(outcome === undefined ? {} : { outcome }),
  }
}
