import { isMillraceError } from '@millrace/kernel'
import { openPostgres, type PostgresDatabase, type PostgresOptions } from '@millrace/postgres'
import { startTestServer } from '@millrace/services'
import { describe, expect, onTestFinished, test } from 'vitest'
import { heldRows, postgresServers, sql, untilWaiting, usePostgres, versionText } from './postgres-server.ts'

const BENCHES = { collections: [{ name: 'benches' }] }

const store = (id: string) => ({ kind: 'store', collection: 'benches', id, text: '{}' }) as const
const load = (id: string) => ({ kind: 'load', collection: 'benches', ids: [id] }) as const

async function ids(database: PostgresDatabase): Promise<string[]> {
  const [{ documents }] = await database.read([{ kind: 'query', collection: 'benches' }])
  return documents.map(({ id }) => id)
}

async function refusalOf(work: Promise<unknown>) {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return isMillraceError(error) ? error : expect.fail(`no error of the catalogue: ${String(error)}`)
}

describe.each(postgresServers.map((program) => [versionText(program), program] as const))(
  'with PostgreSQL %s',
  (_, program) => {
    const postgres = usePostgres(program)

    async function opened(
      options: PostgresOptions = {},
    ): Promise<{ url: string; database: PostgresDatabase }> {
      const url = await postgres().newDatabase()
      const database = await openPostgres({ url, ...options })
      onTestFinished(() => database.close())
      await database.prepare(BENCHES)
      return { url, database }
    }

    /** Ends what the database has at the server, and says how many connections that were. */
    async function cutAll(url: string): Promise<number> {
      const others = 'datname = current_database() AND pid <> pg_backend_pid()'
      const rows = await sql(
        url,
        `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE ${others}`,
      )
      return rows.length
    }

    test('idle connections that the server ends are replaced, and reported without ending anything', async () => {
      const lines: string[] = []
      const { url, database } = await opened({ report: (line) => lines.push(line) })
      await database.commit([store('a')])
      await database.read([load('a')])
      expect(await cutAll(url)).toBeGreaterThan(1)
      await expect.poll(() => lines.length).toBeGreaterThan(1)
      expect(lines.join()).toContain('was lost')
      await database.commit([store('b')])
      expect(await ids(database)).toEqual(['a', 'b'])
    })

    test('a unit whose connection is cut while it runs is DATABASE_UNREACHABLE, leaves nothing, and the next one works', async () => {
      const { url, database } = await opened()
      await database.commit([store('held')])
      const holder = await heldRows(url, ['held'])
      const committing = refusalOf(database.commit([store('new'), store('held')]))
      await untilWaiting(url, 1)
      await sql(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
      )
      expect((await committing).code).toBe('DATABASE_UNREACHABLE')
      await holder.release()
      await database.commit([store('held'), store('after')])
      expect(await ids(database)).toEqual(['after', 'held'])
    })

    test('a read whose connection is cut while it runs is DATABASE_UNREACHABLE, and the next one works', async () => {
      const { url, database } = await opened()
      const reading = refusalOf(database.raw('SELECT pg_sleep(20)'))
      const asleep =
        "FROM pg_stat_activity WHERE query LIKE '%pg_sleep(20)' AND state = 'active' AND pid <> pg_backend_pid()"
      await expect.poll(async () => (await sql(url, `SELECT pid ${asleep}`)).length).toBe(1)
      await sql(url, `SELECT pg_terminate_backend(pid) ${asleep}`)
      expect((await reading).code).toBe('DATABASE_UNREACHABLE')
      expect(await ids(database)).toEqual([])
    })

    test('a server that says nothing any more is given up in time', async () => {
      const { url, database } = await opened({ limits: { statementMsMax: 200, silentMsMax: 100 } })
      await database.commit([store('a')])
      const [row] = await sql(
        url,
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'millrace' AND query LIKE '%INSERT INTO%documents%'",
      )
      const pid = Number(row?.pid)
      process.kill(pid, 'SIGSTOP')
      try {
        const error = await refusalOf(database.commit([store('b')]))
        expect(error.code).toBe('DATABASE_UNREACHABLE')
        expect(error.message).toContain('no answer for 300 ms')
      } finally {
        process.kill(pid, 'SIGCONT')
      }
      await database.commit([store('c')])
    })

    test('a server that is killed and comes back has what was acknowledged, and is used again by itself', async () => {
      // A server of its own: the clones of the others would have to be synced before it takes connections again.
      await using server = await startTestServer('postgres', program)
      await using database = await openPostgres({ url: server.url })
      await database.prepare(BENCHES)
      const acknowledged: string[] = []
      const writing = refusalOf(writeOn())
      async function writeOn(): Promise<never> {
        for (let n = 0; ; n += 1) {
          await database.commit([store(`n${n}`)])
          acknowledged.push(`n${n}`)
        }
      }
      await expect.poll(() => acknowledged.length).toBeGreaterThan(20)
      await server.kill()
      expect((await writing).code).toBe('DATABASE_UNREACHABLE')
      expect((await refusalOf(database.read([load('n0')]))).code).toBe('DATABASE_UNREACHABLE')
      await server.restart()
      const found = new Set(await allIds(database))
      expect(acknowledged.filter((id) => !found.has(id))).toEqual([])
      await database.commit([store('after')])
    })

    test('a statement that waits too long for somebody else is DATABASE_BUSY', async () => {
      const { url, database } = await opened({ limits: { lockMsMax: 100 } })
      await database.commit([store('held')])
      const holder = await heldRows(url, ['held'])
      expect((await refusalOf(database.commit([store('held')]))).code).toBe('DATABASE_BUSY')
      await holder.release()
      await database.commit([store('held')])
    })

    test('a unit that the server ends for the sake of another one, in a deadlock, is tried again', async () => {
      const { url, database } = await opened({ commitConnectionsMax: 1 })
      await using other = await openPostgres({ url })
      await other.prepare(BENCHES)
      await database.commit(['a', 'b', 'gate-1', 'gate-2'].map(store))
      const patch = (id: string) => {
        const patches = [{ kind: 'increment', path: ['n'], by: 1 }] as const
        return { kind: 'patch', collection: 'benches', id, patches } as const
      }
      // Each has one of the two when the gates open, and wants the other one.
      const holder = await heldRows(url, ['gate-1', 'gate-2'])
      const units = [
        database.commit(['a', 'gate-1', 'b'].map(patch)),
        other.commit(['b', 'gate-2', 'a'].map(patch)),
      ]
      await untilWaiting(url, 2)
      await holder.release()
      await Promise.all(units)
      const [documents] = await database.read([{ kind: 'load', collection: 'benches', ids: ['a', 'b'] }])
      expect(documents.map(({ text }) => JSON.parse(text).n)).toEqual([2, 2])
      const deadlocks = 'SELECT deadlocks::int AS n FROM pg_stat_database WHERE datname = current_database()'
      await expect.poll(async () => (await sql(url, deadlocks))[0]?.n).toBeGreaterThan(0)
    })

    test('more than may wait is refused with QUEUE_FULL', async () => {
      const { database } = await opened({
        limits: { requestsMax: 2, groupUnitsMax: 1 },
        commitConnectionsMax: 1,
      })
      const committed = Array.from({ length: 6 }, (_, n) => database.commit([store(`n${n}`)]))
      const codes = (await Promise.allSettled(committed)).map(
        (each) => each.status === 'rejected' && each.reason.code,
      )
      expect(codes).toContain('QUEUE_FULL')
      expect(codes).toContain(false)
    })

    test('a wrong password, user, database, host and port are told, with the cure and without the password', async () => {
      const url = new URL(await postgres().newDatabase())
      const wrong = (change: (changed: URL) => void) => {
        const changed = new URL(url)
        changed.password = 'my-secret'
        change(changed)
        return refusalOf(openPostgres({ url: changed.href, limits: { connectMsMax: 2_000 } }))
      }
      const right = url.password
      const errors = [
        await wrong(() => undefined),
        await wrong((each) => Object.assign(each, { username: 'nobody' })),
        await wrong((each) => Object.assign(each, { pathname: '/nowhere', password: right })),
        await wrong((each) => Object.assign(each, { port: '1' })),
        await wrong((each) => Object.assign(each, { hostname: 'nowhere.invalid' })),
      ]
      for (const error of errors) {
        expect(error.code).toBe('DATABASE_UNREACHABLE')
        const said = `${error.message} ${JSON.stringify(error)}`
        expect(said).not.toContain('my-secret')
        expect(said).not.toContain(right)
        expect(said).toContain('address and password')
      }
      expect(errors.map(({ message }) => message).join('\n')).toMatch(
        /password authentication failed[\s\S]*database "nowhere" does not exist[\s\S]*ECONNREFUSED/,
      )
      const misspelt = await refusalOf(openPostgres({ url: 'my-secret@host' }))
      expect(misspelt.code).toBe('CONFIGURATION_INVALID')
      expect(misspelt.message).not.toContain('my-secret')
    })

    test('behind a pooler nothing is asked of a connection that outlives a transaction', async () => {
      const { url, database } = await opened({ isPooled: true })
      await database.commit([store('a')])
      expect(await ids(database)).toEqual(['a'])
      const rows = await sql(
        url,
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'millrace' AND query LIKE 'LISTEN%' AND datname = current_database()",
      )
      expect(rows).toEqual([{ count: '0' }])
      const [prepared] = await database.raw('SELECT count(*) AS n FROM pg_prepared_statements')
      expect(prepared).toEqual({ n: 0 })
    })
  },
)

async function allIds(database: PostgresDatabase): Promise<string[]> {
  const [{ documents }] = await database.read([{ kind: 'query', collection: 'benches', limit: 10_000 }])
  return documents.map(({ id }) => id)
}
