import type { DeadLetterBody, DeadLetterTopicBody, ReplayBody } from '@millrace/server'
import type { Command } from 'commander'
import { table } from '../output.ts'
import { openApi, withApiOptions } from './api-options.ts'

/** `millrace dlq ls|replay` */
export function addDeadLetterCommands(program: Command): void {
  const dlq = program.command('dlq').description('Messages that were given up, and why.')
  addList(dlq)
  addReplay(dlq)
}

function addList(dlq: Command): void {
  const command = withApiOptions(
    dlq.command('ls').description('List topics with dead letters, or the letters of one.'),
  )
  command.argument('[topic]').option('--limit <number>', 'letters to show', '20')
  command.action(async (topic: string | undefined, { limit }: { limit: string }) => {
    const { api, output } = await openApi(command)
    if (topic === undefined) {
      const { topics } = await api.get<{ topics: DeadLetterTopicBody[] }>('/api/dead-letters')
      if (output.json) return output.data(topics)
      if (topics.length === 0) return output.line('There are no dead letters.')
      return output.line(
        table(
          ['topic', 'waiting', 'replayed'],
          topics.map((entry) => [entry.topic, entry.waiting, entry.replayed]),
        ),
      )
    }
    const path = `/api/dead-letters/${encodeURIComponent(topic)}?limit=${encodeURIComponent(limit)}`
    const { letters } = await api.get<{ letters: DeadLetterBody[] }>(path)
    if (output.json) return output.data(letters)
    const rows = letters.map(({ offset, diedAt, group, code, reason, replayed }) => [
      offset,
      diedAt,
      group,
      code,
      replayed ? 'replayed' : 'waiting',
      reason,
    ])
    output.line(table(['offset', 'died at', 'given up by', 'code', 'state', 'reason'], rows))
  })
}

function addReplay(dlq: Command): void {
  const command = withApiOptions(
    dlq.command('replay').description('Give dead letters back to the processor that gave up.'),
  )
  command
    .argument('<topic>')
    .argument('[offsets...]', 'which ones (default: all that wait)')
    .addHelpText(
      'after',
      '\nExamples:\n  millrace dlq replay greenhouse.reading\n  millrace dlq replay greenhouse.reading 3 4',
    )
  command.action(async (topic: string, offsets: string[]) => {
    const { api, output } = await openApi(command)
    const body = offsets.length === 0 ? {} : { offsets: offsets.map(Number) }
    const answer = await api.post<ReplayBody>(`/api/dead-letters/${encodeURIComponent(topic)}/replay`, body)
    if (output.json) return output.data(answer)
    output.line(`${answer.replayed} replayed`)
  })
}
