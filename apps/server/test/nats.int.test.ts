import { findServers, services, startTestServer, type TestServer } from '@millrace/services'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectDevice, eventually, request, startGreenhouse, temporaryDirectory } from './world.ts'

interface Bench {
  readonly alarms: number
  readonly ventsMoved: number
}

describe.each(findServers(services.nats))('the greenhouse on nats-server $version', (program) => {
  let server: TestServer
  beforeEach(async () => {
    server = await startTestServer('nats', program)
  })
  afterEach(() => server.stop())

  test('a hot reading goes the whole way, also after the server was killed, and after the application was restarted', async () => {
    const dataDirectory = await temporaryDirectory()
    const options = {
      dataDirectory,
      busUrl: server.url,
      busMonitorUrl: server.monitorUrl,
      logLevel: 'silent' as const,
    }
    const app = await startGreenhouse(options)
    const { bus } = app.backbone
    expect(bus.supports).toMatchObject({ engine: 'nats', durable: program.version[1] >= 10 })
    const device = await connectDevice(app, 'bench-1')
    const bench = async (running: typeof app) => {
      const answer = await request(running, '/api/collections/benches/documents/bench-1')
      return answer.ok ? ((await answer.json()) as { document: Bench }).document : undefined
    }
    await device.publish('greenhouse.reading', { celsius: 40 })
    await eventually(async () => (await bench(app))?.ventsMoved === 1)
    await server.kill()
    const published = device.publish('greenhouse.reading', { celsius: 41 })
    await server.restart()
    await published
    await eventually(async () => (await bench(app))?.ventsMoved === 2)
    await app.close()
    const again = await startGreenhouse(options)
    const returned = await connectDevice(again, 'bench-1')
    await returned.publish('greenhouse.reading', { celsius: 42 })
    expect(
      await eventually(async () => ((await bench(again))?.ventsMoved === 3 ? bench(again) : undefined)),
    ).toMatchObject({ alarms: 3 })
    // Before its server goes: without one it would wait a while for what it cannot say any more.
    await again.close()
  })
})

test('a server that does not answer stops the start with its address', async () => {
  const starting = startGreenhouse({ busUrl: 'nats://127.0.0.1:1', logLevel: 'silent' })
  await expect(starting).rejects.toMatchObject({
    code: 'BUS_UNREACHABLE',
    parameters: { servers: 'nats://127.0.0.1:1' },
  })
})
