import { fileURLToPath } from 'node:url'
import {
  makeCluster,
  postgresFolders,
  postgresOwner,
  postgresUrl,
  type ServerOwner,
} from './postgres-cluster.ts'
import { natsIsReady, postgresIsReady, redisIsReady } from './readiness.ts'

/** A server that this repository can run: where its program is, how it is started, and when it is ready. */
export interface Service {
  readonly name: ServiceName
  /** Names of the program, any of which will do. */
  readonly programs: readonly string[]
  readonly debianPackage: string
  /** Where its program may be, beside the usual folders. */
  folders?(): readonly string[]
  /** Where it listens unless told otherwise, always on 127.0.0.1. Not the usual ports: those may be in use. */
  readonly port: number
  /** The port of its monitoring, if it has one. */
  readonly monitorPort?: number
  /** Makes its data, if it does not do so itself. Idempotent. */
  prepare?(program: string, place: ServicePlace): void
  /** The user to run as, if not ours. */
  owner?(): ServerOwner | undefined
  /** The signal that ends it in good order, where that is not SIGTERM. */
  readonly stopSignal?: NodeJS.Signals
  /** Says in the log of a server that could not start that what a killed one has left needs a moment to go. */
  readonly startsLater?: RegExp
  /** Arguments that start it with its data in `directory`. */
  argumentsFor(place: ServicePlace, version: Version): readonly string[]
  /** Resolves when it answers; rejects while it does not. */
  ready(port: number): Promise<void>
  url(place: Pick<ServicePlace, 'directory' | 'port'>): string
}

export type ServiceName = 'nats' | 'redis' | 'postgres'

export const serviceNames: readonly ServiceName[] = ['nats', 'redis', 'postgres']

/** Where one server runs. */
export interface ServicePlace {
  readonly directory: string
  readonly port: number
  readonly monitorPort: number
}

/** Major, minor and patch. */
export type Version = readonly [number, number, number]

/** The first nats-server that can sync before it acknowledges. */
export const NATS_DURABLE: Version = [2, 10, 0]

/** What lets an acknowledged commit survive a power cut; the defaults, said aloud. */
const POSTGRES_DURABLE = ['fsync=on', 'synchronous_commit=on', 'full_page_writes=on']

const file = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

export const services: Readonly<Record<ServiceName, Service>> = {
  nats: {
    name: 'nats',
    programs: ['nats-server'],
    debianPackage: 'nats-server',
    port: 14_222,
    monitorPort: 18_222,
    argumentsFor: ({ directory, port, monitorPort }, version) => [
      ...['-c', file(isAtLeast(version, NATS_DURABLE) ? 'nats/durable.conf' : 'nats/before-2.10.conf')],
      ...['-a', '127.0.0.1', '-p', String(port), '-m', String(monitorPort), '-sd', directory],
    ],
    ready: natsIsReady,
    url: ({ port }) => `nats://127.0.0.1:${port}`,
  },
  redis: {
    name: 'redis',
    programs: ['redis-server'],
    debianPackage: 'redis-server',
    port: 16_379,
    argumentsFor: ({ directory, port }) => [
      file('redis/durable.conf'),
      ...['--bind', '127.0.0.1', '--port', String(port), '--dir', directory],
    ],
    ready: redisIsReady,
    url: ({ port }) => `redis://127.0.0.1:${port}`,
  },
  postgres: {
    name: 'postgres',
    programs: ['postgres'],
    debianPackage: 'postgresql',
    folders: postgresFolders,
    port: 15_432,
    prepare: makeCluster,
    owner: postgresOwner,
    // "Fast": ends sessions instead of waiting for them.
    stopSignal: 'SIGINT',
    startsLater: /lock file "postmaster\.pid" already exists|shared memory block .* is still in use/,
    argumentsFor: ({ directory, port }, version) => [
      ...['-D', directory, '-h', '127.0.0.1', '-p', String(port), '-k', ''],
      ...POSTGRES_DURABLE.flatMap((setting) => ['-c', setting]),
      ...['-c', 'max_connections=200', '-c', 'log_timezone=UTC'],
      // After a kill the server syncs all that it has: one call instead of one a file.
      ...(isAtLeast(version, [14, 0, 0]) ? ['-c', 'recovery_init_sync_method=syncfs'] : []),
    ],
    ready: postgresIsReady,
    url: postgresUrl,
  },
}

export function isAtLeast(version: Version, least: Version): boolean {
  for (let part = 0; part < 3; part += 1) {
    const difference = (version[part] as number) - (least[part] as number)
    if (difference !== 0) return difference > 0
  }
  return true
}
