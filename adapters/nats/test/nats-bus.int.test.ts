import { busSuite } from '@millrace/conformance'
import { openNatsBus } from '@millrace/nats'
import { startTestServer, type TestServer } from '@millrace/services'
import { afterAll, beforeAll, describe } from 'vitest'
import { natsServers, passTime, versionText } from './nats-server.ts'

const MESSAGE_BYTES_MAX = 100_000

describe.each(natsServers)('with nats-server $version', (program) => {
  let server: TestServer
  let buses = 0
  beforeAll(async () => {
    server = await startTestServer('nats', program)
  })
  afterAll(() => server.stop())

  busSuite(`openNatsBus on ${versionText(program)}`, async () => {
    buses += 1
    const open = () =>
      openNatsBus({
        servers: server.url,
        // Each test has storage of its own on the one server.
        prefix: `test${buses}`,
        monitorUrl: server.monitorUrl,
        limits: { messageBytesMax: MESSAGE_BYTES_MAX, goneMs: 500 },
      })
    let bus = await open()
    return {
      bus,
      messageBytesMax: MESSAGE_BYTES_MAX,
      nowMs: () => Date.now(),
      advance: passTime,
      reopen: async () => {
        await bus.close()
        bus = await open()
        return bus
      },
      dispose: () => bus.close(),
    }
  })
})
