import type { AppendBody, StreamBody, StreamEventListBody } from '@millrace/server'
import type { Command } from 'commander'
import { table } from '../output.ts'
import { openApi, withApiOptions } from './api-options.ts'

/** `millrace stream show|append` */
export function addStreamCommands(program: Command): void {
  const stream = program.command('stream').description('Streams of events in the store.')
  addShow(stream)
  addAppend(stream)
}

function addShow(stream: Command): void {
  const command = withApiOptions(stream.command('show').description('A stream and its events.'))
  command
    .argument('<stream>')
    .option('--from <version>', 'begin at this version')
    .option('--backwards', 'the newest first')
    .option('--limit <number>', 'events to show', '20')
  command.action(async (name: string, flags: { from?: string; backwards?: boolean; limit: string }) => {
    const { api, output } = await openApi(command)
    const at = `/api/streams/${encodeURIComponent(name)}`
    const query = new URLSearchParams({
      limit: flags.limit,
      direction: flags.backwards === true ? 'backwards' : 'forwards',
      ...(flags.from === undefined ? {} : { from: flags.from }),
    })
    const info = await api.get<StreamBody>(at)
    const { events } = await api.get<StreamEventListBody>(`${at}/events?${query}`)
    if (output.json) return output.data({ ...info, events })
    output.line(`${name}: ${info.version} events, ${info.state}, changed ${info.changedAt}\n`)
    const rows = events.map(({ version, position, recordedAt, event }) => [
      version,
      position,
      recordedAt,
      String(event.type),
      JSON.stringify(event.data),
    ])
    output.line(table(['version', 'position', 'recorded at', 'type', 'data'], rows))
  })
}

function addAppend(stream: Command): void {
  const command = withApiOptions(stream.command('append').description('Append one event of a declared type.'))
  command
    .argument('<stream>')
    .argument('<type>')
    .argument('<data>', 'JSON')
    .option('--expect <version>', 'only if the stream has this version; 0: only if it is not there')
    .option('--publish', 'the relay also brings it to the bus')
    .addHelpText(
      'after',
      `\nExamples:\n  millrace stream append order-7 order.placed '{"total":12}' --expect 0`,
    )
  command.action(
    async (name: string, type: string, data: string, flags: { expect?: string; publish?: boolean }) => {
      const { api, output } = await openApi(command)
      const body = {
        events: [{ type, data: parsed(data) }],
        publish: flags.publish === true,
        ...(flags.expect === undefined ? {} : { expectedVersion: Number(flags.expect) }),
      }
      const answer = await api.post<AppendBody>(`/api/streams/${encodeURIComponent(name)}/events`, body)
      if (output.json) return output.data(answer)
      output.line(`${name} has version ${answer.version} now, at position ${answer.position}`)
    },
  )
}

/** What is no JSON is a text: then nobody has to quote twice. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
