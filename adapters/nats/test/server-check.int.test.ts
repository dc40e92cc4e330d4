import { openNatsBus } from '@millrace/nats'
import { isAtLeast, NATS_DURABLE, startTestServer, type TestServer } from '@millrace/services'
import { jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream'
import { connect, nanos } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { natsServers, versionText } from './nats-server.ts'

describe.each(natsServers.map((program) => [versionText(program), program] as const))(
  'nats-server %s',
  (_, program) => {
    const canSync = isAtLeast(program.version, NATS_DURABLE)
    let server: TestServer
    beforeAll(async () => {
      server = await startTestServer('nats', program)
    })
    afterAll(() => server.stop())

    /** What the bus says about itself, opened in such a way. */
    async function opened(options: Partial<Parameters<typeof openNatsBus>[0]>) {
      await using bus = await openNatsBus({ servers: server.url, ...options })
      return { durable: bus.supports.durable, said: bus.findings.join('\n') }
    }

    test('that the server syncs is believed when it is shown or vouched for, and only of one that can', async () => {
      const shown = await opened({ monitorUrl: server.monitorUrl })
      const vouched = await opened({ sync: 'always' })
      const untold = await opened({})
      expect([shown.durable, vouched.durable, untold.durable]).toEqual([canSync, canSync, false])
      expect(shown.said).toBe(canSync ? '' : vouched.said)
      expect(untold.said).toMatch(canSync ? /Nobody can see from here/ : /syncs every two minutes/)
    })

    test('a monitoring that is another server’s, or none, proves nothing', async () => {
      await using other = await startTestServer('nats', program)
      const { durable, said } = await opened({ monitorUrl: other.monitorUrl })
      expect(durable).toBe(false)
      if (canSync) expect(said).toContain('the monitoring of another server')
      const none = await opened({ monitorUrl: 'http://127.0.0.1:1' })
      expect(none.durable).toBe(false)
      if (canSync) expect(none.said).toContain('does not tell how the server syncs')
    })

    test('a stream that can lose something is named with the setting, and the bus is not durable', async () => {
      const prefix = 'weak'
      {
        await using bus = await openNatsBus({ servers: server.url, prefix })
        for (const topic of ['memory', 'queue', 'short', 'good']) await bus.createTopic(topic)
      }
      await using connection = await connect({ servers: server.url })
      const { streams } = await jetstreamManager(connection)
      // As an operator may have made them, by hand or by a template.
      const change = async (topic: string, settings: object) => {
        const { config } = await streams.info(`${prefix}-${topic}`)
        await streams.delete(config.name)
        await streams.add({ ...config, ...settings })
      }
      await change('memory', { storage: StorageType.Memory })
      await change('queue', { retention: RetentionPolicy.Workqueue })
      await change('short', { duplicate_window: nanos(1_000), max_msgs: 10 })
      const { durable, said } = await opened({ prefix, sync: 'always' })
      expect(durable).toBe(false)
      expect(said).toContain('Topic "memory": its stream is in memory')
      expect(said).toContain('Topic "queue": its stream removes what some consumer has acknowledged')
      expect(said).toContain('Topic "short": its stream keeps 10 messages at most')
      expect(said).toContain('Topic "short": its stream recognises repetitions for 1 s only')
      expect(said).not.toContain('Topic "good"')
    })
  },
)

test('a server that is not there, and options that cannot be, are told apart', async () => {
  await expect(openNatsBus({ servers: 'nats://127.0.0.1:1' })).rejects.toMatchObject({
    code: 'BUS_UNREACHABLE',
  })
  for (const options of [
    { prefix: 'a.b' },
    { replicas: 7 },
    { limits: { publishMsMax: 100_000 } },
    { limits: { inFlightMax: 0 } },
  ]) {
    const opening = openNatsBus({ servers: 'nats://127.0.0.1:1', ...options })
    await expect(opening).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' })
  }
})
