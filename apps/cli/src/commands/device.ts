import type { CommandBody, DeviceListBody } from '@millrace/server'
import type { Command } from 'commander'
import type { ApiClient } from '../api-client.ts'
import { parseDuration } from '../duration.ts'
import { EXIT } from '../exit-codes.ts'
import { type Output, style, table } from '../output.ts'
import { openApi, type SetExitCode, untilInterrupted, withApiOptions } from './api-options.ts'
import { parseJson } from './topic.ts'

/** `millrace device ls|send|password` */
export function addDeviceCommands(program: Command, setExitCode: SetExitCode): void {
  const device = program.command('device').description('The fleet, and commands to it.')
  addList(device)
  addSend(device, setExitCode)
  addPassword(device)
}

function addList(device: Command): void {
  const command = withApiOptions(device.command('ls').description('List the devices.'))
  command
    .option('--connected', 'only those that are connected')
    .option('--limit <number>', 'devices to show', '100')
  command.action(async ({ connected, limit }: { connected?: boolean; limit: string }) => {
    const { api, output } = await openApi(command)
    const query = new URLSearchParams({ limit, ...(connected ? { connected: 'true' } : {}) })
    const body = await api.get<DeviceListBody>(`/api/devices?${query}`)
    if (output.json) return output.data(body.devices)
    const rows = body.devices.map((entry) => [
      entry.id,
      entry.connected ? 'connected' : 'away',
      entry.lastSeenAt ?? '-',
      entry.commandsPending,
      Object.entries(entry.last)
        .map(([type, { data }]) => `${type} ${JSON.stringify(data)}`)
        .join('  '),
    ])
    output.line(table(['device', 'presence', 'last seen', 'pending', 'newest events'], rows))
    if (body.next !== undefined) output.line(style('dim', `… ${body.total} in all`))
  })
}

function addSend(device: Command, setExitCode: SetExitCode): void {
  const command = withApiOptions(
    device.command('send').description('Send a command; answers when it is durable.'),
  )
  command
    .argument('<device>')
    .argument('<command>')
    .argument('[data]', 'the command’s data as JSON', '{}')
    .option('--deadline <duration>', 'until it may no longer be executed', '60s')
    .option('--key <key>', 'idempotency key: two commands with one key are one command')
    .option('--wait', 'wait until it is done, failed or expired (exit code 4 unless done)')
    .addHelpText(
      'after',
      `\nExamples:\n  millrace device send bench-7 open-vent '{"percent": 80}' --wait\n  millrace device send bench-7 open-vent --deadline 5m --key morning-2026-11-22`,
    )
  command.action(
    async (
      id: string,
      name: string,
      text: string,
      flags: { deadline: string; key?: string; wait?: boolean },
    ) => {
      const { api, output } = await openApi(command)
      const sent = await api.post<CommandBody>(`/api/devices/${encodeURIComponent(id)}/commands`, {
        name,
        data: parseJson('[data]', text),
        deadlineMs: parseDuration('--deadline', flags.deadline),
        idempotencyKey: flags.key,
      })
      const last = flags.wait ? await waitForEnd(api, sent, output) : sent
      if (output.json) output.data(last)
      else if (!flags.wait) output.line(stateLine(last))
      if (flags.wait && last.state !== 'done') setExitCode(EXIT.notDone)
    },
  )
}

const FINAL: ReadonlySet<string> = new Set(['done', 'failed', 'expired'])

async function waitForEnd(api: ApiClient, sent: CommandBody, output: Output): Promise<CommandBody> {
  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, untilInterrupted()])
  let current = sent
  const show = (command: CommandBody) => {
    if (!output.json && (command === sent || command.state !== current.state)) output.line(stateLine(command))
    current = command
  }
  show(sent)
  const live = api.follow(`/api/live?device=${encodeURIComponent(sent.device)}`, signal)
  for await (const { name, data } of live) {
    // The first event comes after the stream has begun: what happened before it is asked for.
    if (name === 'status') show(await api.get<CommandBody>(`/api/commands/${sent.id}`))
    if (name === 'command' && (data as CommandBody).id === sent.id) show(data as CommandBody)
    if (FINAL.has(current.state)) break
  }
  stop.abort()
  return current
}

function stateLine({ id, name, device, state, changedAt, outcome }: CommandBody): string {
  const detail = outcome === undefined ? '' : `  ${JSON.stringify(outcome)}`
  const colour = state === 'done' ? 'green' : FINAL.has(state) ? 'red' : 'yellow'
  return `${style('dim', changedAt)}  ${style(colour, state.padEnd(12))}  ${name} → ${device}  ${style('dim', id)}${detail}`
}

function addPassword(device: Command): void {
  device
    .command('password')
    .description('Print the password of a device (made from the secret in the data directory).')
    .argument('<device>')
    .option('--data <directory>', 'data directory (MILLRACE_DATA)', process.env.MILLRACE_DATA ?? '.millrace')
    .action(async (id: string, { data }: { data: string }) => {
      const { assertDeviceId, devicePasswords } = await import('@millrace/server')
      assertDeviceId(id)
      const passwordOf = await devicePasswords(data)
      process.stdout.write(`${passwordOf(id)}\n`)
    })
}
