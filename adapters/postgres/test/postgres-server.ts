import { openPostgres } from '@millrace/postgres'
import { type FoundServer, findServers, services, startTestServer, type TestServer } from '@millrace/services'
import { Client } from 'pg'
import { afterAll, beforeAll, expect } from 'vitest'

/** Every PostgreSQL that is installed here, the newest first; a machine without one is told so by `npm test`. */
export const postgresServers: readonly FoundServer[] = findServers(services.postgres)

export function versionText({ version: [major, minor] }: FoundServer): string {
  return `${major}.${minor}`
}

/** A server on which each test has a database of its own. */
export interface PostgresForTests {
  readonly server: TestServer
  /** The address of a new database, cloned from one in which a store has been made. */
  newDatabase(): Promise<string>
  /** The address of a new, empty database. */
  emptyDatabase(options?: string): Promise<string>
  dropDatabase(url: string): Promise<void>
}

/** Starts a server for all tests of a file. */
export function usePostgres(program: FoundServer): () => PostgresForTests {
  let started: PostgresForTests | undefined
  beforeAll(async () => {
    started = await startPostgres(program)
  }, 60_000)
  afterAll(async () => {
    await started?.server.stop()
  })
  return () => started as PostgresForTests
}

let databases = 0

async function startPostgres(program: FoundServer): Promise<PostgresForTests> {
  const server = await startTestServer('postgres', program)
  const create = async (options: string): Promise<string> => {
    databases += 1
    const name = `test_${process.pid}_${databases}`
    await sql(server.url, `CREATE DATABASE ${name} ${options}`)
    return databaseUrl(server.url, name)
  }
  const template = await create('')
  await using database = await openPostgres({ url: template, notify: false })
  await database.prepare({ collections: [] })
  await database.close()
  return {
    server,
    newDatabase: () => create(`TEMPLATE ${nameOf(template)}`),
    emptyDatabase: (options = '') => create(options),
    dropDatabase: async (url) => {
      await sql(server.url, `DROP DATABASE IF EXISTS ${nameOf(url)} WITH (FORCE)`)
    },
  }
}

/** A server's time is not ours: what goes by it needs a moment. */
export function passTime(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs + 20))
}

/** Runs a statement as somebody else, on a connection of its own. */
export async function sql(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new Client(url)
  // A server that is killed meanwhile ends it.
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text, [...values])).rows
  } finally {
    await client.end()
  }
}

function databaseUrl(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1)
}

/** Somebody else who has locked documents and does not commit. */
export async function heldRows(url: string, held: readonly string[]) {
  const client = new Client(url)
  client.on('error', () => undefined)
  await client.connect()
  await client.query('BEGIN')
  await client.query('SELECT FROM millrace._documents_benches WHERE id = ANY ($1) FOR UPDATE', [held])
  const release = async () => {
    await client.query('ROLLBACK')
    await client.end()
  }
  return { release }
}

/** Resolves when so many of the database's statements wait for somebody else's lock. */
export async function untilWaiting(url: string, count: number): Promise<void> {
  const waiting =
    "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
  await expect.poll(async () => (await sql(url, waiting)).length).toBe(count)
}
