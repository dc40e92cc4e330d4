import { openNatsBus } from '@millrace/nats'
import { startTestServer } from '@millrace/services'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { expect, test } from 'vitest'
import { natsServers, versionText } from './nats-server.ts'

const value = (text: string) => ({ headers: {}, value: new TextEncoder().encode(text) })

test.each(natsServers.map((program) => [versionText(program), program] as const))(
  'a group whose messages the server %s has lost says so, and gets what is published next instead of skipping it',
  async (_, program) => {
    await using server = await startTestServer('nats', program)
    const lines: string[] = []
    const open = () =>
      openNatsBus({ servers: server.url, monitorUrl: server.monitorUrl, report: (line) => lines.push(line) })
    {
      await using bus = await open()
      await bus.createTopic('t')
      await bus.publish('t', ['a', 'b', 'c'].map(value))
      await using member = await bus.subscribe({ group: 'g', topics: ['t'] })
      const last = (await member.next()).at(-1)
      await member.commit([{ topic: 't', partition: 0, offset: (last?.offset ?? 0) + 1 }])
    }
    {
      // As after a power cut: the positions are ahead of the stream.
      await using connection = await connect({ servers: server.url })
      await (await jetstreamManager(connection)).streams.delete('millrace-t')
    }
    await using bus = await open()
    await bus.createTopic('t')
    await using member = await bus.subscribe({ group: 'g', topics: ['t'] })
    await bus.publish('t', [value('new')])
    expect((await member.next()).map((message) => new TextDecoder().decode(message.value))).toEqual(['new'])
    expect(lines.join()).toContain('the server has lost messages of t/0')
    expect((await bus.listGroups())[0]?.positions).toMatchObject([{ offset: 1, lag: 1 }])
  },
)
