import type { StatusBody } from '@millrace/server'
import type { Command } from 'commander'
import { table } from '../output.ts'
import { openApi, withApiOptions } from './api-options.ts'

/** `millrace status` */
export function addStatusCommand(program: Command): void {
  const command = withApiOptions(program.command('status').description('How the application is doing.'))
  command.action(async () => {
    const { api, output } = await openApi(command)
    const status = await api.get<StatusBody>('/api/status')
    if (output.json) return output.data(status)
    output.line(
      `${status.application} · up ${Math.round(status.uptimeMs / 1000)} s · ${Math.round(status.memoryBytes / 1e6)} MB`,
    )
    output.line(`devices ${status.devices.connected} connected of ${status.devices.known} known`)
    output.line('')
    const rows = status.processors.map(({ name, kind, state, handled, retried, deadLettered, lag }) => [
      name,
      kind,
      state,
      handled,
      retried,
      deadLettered,
      lag,
    ])
    output.line(table(['processor', 'kind', 'state', 'handled', 'retried', 'dead letters', 'lag'], rows))
  })
}
