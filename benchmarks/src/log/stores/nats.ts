import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findServers, freePort, isAtLeast, NATS_DURABLE, services } from '@millrace/services'
import { ChildProgram } from '../../child-program.ts'
import type { BenchStore, MissingPlan, StorePlan } from '../store.ts'
import { loadPeer, peerVersion } from './peer-packages.ts'

interface Connection {
  close(): Promise<void>
}

interface Transport {
  connect(options: { servers: string }): Promise<Connection>
}

interface JetStream {
  jetstream(connection: Connection): { publish(subject: string, data: Uint8Array): Promise<unknown> }
  jetstreamManager(
    connection: Connection,
  ): Promise<{ streams: { add(configuration: Record<string, unknown>): Promise<unknown> } }>
}

const SUBJECT = 'log'
const DURABLE = 'sync_interval: always'

/** NATS JetStream: a stream in a file, one replica. */
export function natsPlans(): (StorePlan | MissingPlan)[] {
  const client = peerVersion('@nats-io/jetstream')
  const [found] = findServers(services.nats)
  const missing = (reason: string): MissingPlan => ({
    name: 'nats durable',
    settings: `JetStream, ${DURABLE}`,
    reason,
  })
  if (found === undefined) return [missing('nats-server is not installed')]
  if (client === undefined) return [missing('its client is not installed: run with --install-peers')]
  const version = found.version.join('.')
  const plan = (variant: string, settings: string, lines: readonly string[]): StorePlan => ({
    id: `nats/${variant}`,
    name: `nats ${variant}`,
    settings: `nats-server ${version}, client ${client}; file stream, one replica, ${settings}; a publish waits for its acknowledgement`,
    gathers: false,
    open: (directory) => openNats(found.path, directory, lines),
  })
  const durable = isAtLeast(found.version, NATS_DURABLE)
    ? plan('durable', DURABLE, [DURABLE])
    : missing(`nats-server ${version} has no sync_interval; 2.10 and newer have`)
  return [durable, plan('default', 'defaults: synced every two minutes', [])]
}

async function openNats(program: string, directory: string, lines: readonly string[]): Promise<BenchStore> {
  const port = await freePort()
  const configuration = join(directory, 'nats.conf')
  const jetstream = ['jetstream {', `store_dir: "${join(directory, 'data')}"`, ...lines, '}']
  await writeFile(configuration, [`listen: 127.0.0.1:${port}`, ...jetstream, ''].join('\n'))
  await using opening = new AsyncDisposableStack()
  const server = opening.use(ChildProgram.start(program, ['-c', configuration]))
  await server.ready((said) => (/Server is ready/.test(String(said)) ? true : undefined))
  const { connect } = loadPeer<Transport>('@nats-io/transport-node')
  const client = loadPeer<JetStream>('@nats-io/jetstream')
  const connection = await connect({ servers: `127.0.0.1:${port}` })
  opening.defer(() => connection.close())
  const manager = await client.jetstreamManager(connection)
  await manager.streams.add({ name: SUBJECT, subjects: [SUBJECT], storage: 'file', num_replicas: 1 })
  const publisher = client.jetstream(connection)
  const closing = opening.move()
  return {
    append: async (records) => {
      await Promise.all(records.map((record) => publisher.publish(SUBJECT, record)))
    },
    serverPids: [server.pid],
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}
