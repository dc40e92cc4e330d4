import { fileURLToPath } from 'node:url'
import { natsIsReady, redisIsReady } from './readiness.ts'

/** A server that this repository can run: where its program is, how it is started, and when it is ready. */
export interface Service {
  readonly name: ServiceName
  /** Names of the program, any of which will do. */
  readonly programs: readonly string[]
  readonly debianPackage: string
  /** Where it listens unless told otherwise, always on 127.0.0.1. Not the usual ports: those may be in use. */
  readonly port: number
  /** The port of its monitoring, if it has one. */
  readonly monitorPort?: number
  /** Arguments that start it with its data in `directory`. */
  argumentsFor(place: ServicePlace, version: Version): readonly string[]
  /** Resolves when it answers; rejects while it does not. */
  ready(port: number): Promise<void>
  url(port: number): string
}

export type ServiceName = 'nats' | 'redis'

export const serviceNames: readonly ServiceName[] = ['nats', 'redis']

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
    url: (port) => `nats://127.0.0.1:${port}`,
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
    url: (port) => `redis://127.0.0.1:${port}`,
  },
}

export function isAtLeast(version: Version, least: Version): boolean {
  for (let part = 0; part < 3; part += 1) {
    const difference = (version[part] as number) - (least[part] as number)
    if (difference !== 0) return difference > 0
  }
  return true
}
