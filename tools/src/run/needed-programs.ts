import { findServers, isAtLeast, NATS_DURABLE, services } from '@millrace/services'
import { findProgram } from '../programs.ts'

/** A program of the machine that some proofs need. */
export interface NeededProgram {
  readonly name: string
  /** Names under which it may be installed, any of which will do. */
  readonly programs: readonly string[]
  readonly why: string
  readonly install: string
  /** True for what a build server may not be able to install: it is named, and fails nothing. */
  readonly isOptional?: true
  /** Whether it is there, where its name alone does not tell. */
  readonly found?: () => boolean
}

export const neededPrograms: readonly NeededProgram[] = [
  {
    name: 'chromium',
    programs: ['chromium', 'chromium-browser', 'google-chrome'],
    why: 'the e2e tests drive the console in it',
    install: 'apt-get install chromium',
  },
  {
    name: 'mosquitto',
    programs: ['mosquitto'],
    why: 'the bench compares with it',
    install: 'apt-get install mosquitto',
  },
  {
    name: 'nats-server',
    programs: services.nats.programs,
    why: 'the tests of the bus on NATS run on it',
    install: 'apt-get install nats-server',
    found: () => findServers(services.nats).length > 0,
  },
  {
    name: 'nats-server 2.10 or newer',
    programs: services.nats.programs,
    why: 'older ones cannot sync before they acknowledge, so the durable bus on NATS is not proved',
    install: 'npm run services -- install nats',
    // Debian has 2.9 only, and what builds a newer one is Go, which has a registry of its own.
    isOptional: true,
    found: () => findServers(services.nats).some(({ version }) => isAtLeast(version, NATS_DURABLE)),
  },
  {
    name: 'postgres',
    programs: services.postgres.programs,
    why: 'the tests of the store on PostgreSQL run on it',
    install: 'apt-get install postgresql',
    found: () => findServers(services.postgres).length > 0,
  },
  {
    name: 'redis-server',
    programs: services.redis.programs,
    why: 'the bench compares with it',
    install: 'apt-get install redis-server',
  },
  {
    name: 'python3',
    programs: ['python3', 'python'],
    why: 'a reader in another language is compared with the log',
    install: 'apt-get install python3',
  },
]

/** A line for each program that this machine does not have: what is lost, and how to get it. */
export function missingPrograms(needed: readonly NeededProgram[] = neededPrograms, path?: string): string[] {
  return needed
    .filter(({ programs, found }) => !(found?.() ?? findProgram(programs, path) !== undefined))
    .map(({ name, why, install }) => `MISSING: ${name} (${why}). Install it with "${install}".`)
}
