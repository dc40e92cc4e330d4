import { millraceError } from '@millrace/kernel'
import type { MessageBody, PublishBody, TopicBody } from '@millrace/server'
import type { Command } from 'commander'
import { style, table } from '../output.ts'
import { openApi, untilInterrupted, withApiOptions } from './api-options.ts'

/** `millrace topic ls|tail|publish` */
export function addTopicCommands(program: Command): void {
  const topic = program.command('topic').description('What is on the bus.')
  addList(topic)
  addTail(topic)
  addPublish(topic)
}

function addList(topic: Command): void {
  const command = withApiOptions(topic.command('ls').description('List the topics.'))
  command.option('--all', 'also the topics of Millrace itself')
  command.action(async () => {
    const { api, output } = await openApi(command)
    const { topics } = await api.get<{ topics: TopicBody[] }>('/api/topics')
    const shown = command.opts().all ? topics : topics.filter(({ system }) => !system)
    if (output.json) return output.data(shown)
    const rows = shown.map(({ name, partitions, messages, bytes }) => [
      name,
      partitions.length,
      messages,
      bytes,
    ])
    output.line(table(['topic', 'partitions', 'messages', 'bytes'], rows))
  })
}

function addTail(topic: Command): void {
  const command = withApiOptions(
    topic.command('tail').description('Print messages as they come, until Ctrl-C.'),
  )
  command
    .argument('<topic>')
    .option('--from <place>', '"end", "start", or an offset', 'end')
    .option('--partition <number>', 'partition', '0')
    .option('--count <number>', 'stop after so many messages')
    .addHelpText(
      'after',
      '\nExamples:\n  millrace topic tail greenhouse.reading\n  millrace topic tail greenhouse.alarm --from start --count 10 --json',
    )
  command.action(
    async (name: string, { from, partition, count }: { from: string; partition: string; count?: string }) => {
      const { api, output } = await openApi(command)
      const stop = new AbortController()
      const signal = AbortSignal.any([stop.signal, untilInterrupted()])
      const query = new URLSearchParams({ from: from === 'start' ? '0' : from, partition })
      let left = count === undefined ? Number.POSITIVE_INFINITY : Number(count)
      for await (const { name: kind, data } of api.follow(
        `/api/topics/${encodeURIComponent(name)}/live?${query}`,
        signal,
      )) {
        if (kind !== 'message') continue
        if (output.json) output.data(data)
        else output.line(messageLine(data as MessageBody))
        left -= 1
        if (left <= 0) break
      }
      stop.abort()
    },
  )
}

function messageLine({ offset, acceptedAt, key, event, text, base64 }: MessageBody): string {
  const content = event === undefined ? (text ?? base64) : JSON.stringify(event.data)
  return `${style('dim', `${acceptedAt} ${String(offset).padStart(7)}`)}  ${style('cyan', key ?? '-')}  ${content}`
}

function addPublish(topic: Command): void {
  const command = withApiOptions(
    topic.command('publish').description('Publish one event; answers when it is durable.'),
  )
  command
    .argument('<topic>', 'a declared event type')
    .argument('<data>', 'the event’s data as JSON')
    .option('--subject <subject>', 'what it is about; the ordering key')
    .option('--id <id>', 'publishing the same id again is recognised')
    .addHelpText(
      'after',
      `\nExample:\n  millrace topic publish greenhouse.reading '{"celsius": 41}' --subject bench-1`,
    )
  command.action(async (name: string, text: string, { subject, id }: { subject?: string; id?: string }) => {
    const { api, output } = await openApi(command)
    const body = { data: parseJson('<data>', text), subject, id }
    const placed = await api.post<PublishBody>(`/api/topics/${encodeURIComponent(name)}/messages`, body)
    if (output.json) return output.data(placed)
    const known = placed.duplicate ? ' (was there already)' : ''
    output.line(`${placed.id} at ${placed.topic}/${placed.partition} offset ${placed.offset}${known}`)
  })
}

/** The value of a JSON argument; `CONFIGURATION_INVALID` under the argument's name. */
export function parseJson(argument: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw millraceError(
      'CONFIGURATION_INVALID',
      { path: argument, seen: text, expected: 'JSON' },
      { cause: error },
    )
  }
}
