import { openPostgres } from '@millrace/postgres'
import { startTestServer } from '@millrace/services'
import { describe, expect, test } from 'vitest'
import { postgresServers, sql, usePostgres, versionText } from './postgres-server.ts'

describe.each(postgresServers.map((program) => [versionText(program), program] as const))(
  'PostgreSQL %s',
  (_, program) => {
    const postgres = usePostgres(program)

    async function findings(url: string, isPooled = false) {
      await using database = await openPostgres({ url, isPooled })
      return { durable: database.supports.durable, said: database.settingsWarnings.join('\n') }
    }

    /** A database that was made with a setting. */
    async function withSetting(setting: string): Promise<string> {
      const url = await postgres().newDatabase()
      await sql(url, `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET ${setting}`)
      return url
    }

    test('with its own settings is durable, and there is nothing to say', async () => {
      expect(await findings(await postgres().newDatabase())).toEqual({ durable: true, said: '' })
    })

    test('that acknowledges before it writes is not durable, and what may be lost is said', async () => {
      const { durable, said } = await findings(await withSetting('synchronous_commit = off'))
      expect(durable).toBe(false)
      expect(said).toContain('loses up to about a second of what it acknowledged')
      expect(said).toContain('Set synchronous_commit = on')
      expect(await findings(await withSetting('synchronous_commit = remote_write'))).toMatchObject({
        durable: true,
      })
    })

    test('that does not sync, or not whole pages, is not durable', async () => {
      await using server = await startTestServer('postgres', program)
      for (const setting of ['fsync', 'full_page_writes']) {
        await sql(server.url, `ALTER SYSTEM SET ${setting} = off`)
      }
      // What the server was started with goes before its own file, so that nothing has changed.
      expect(await findings(server.url)).toEqual({ durable: true, said: '' })
      await using weak = await startTestServer('postgres', program, ['fsync=off', 'full_page_writes=off'])
      const { durable, said } = await findings(weak.url)
      expect(durable).toBe(false)
      expect(said).toMatch(/fsync = off[\s\S]*full_page_writes = off/)
    })

    test('whose transactions are read-only says so, and refuses writes with DATABASE_READ_ONLY', async () => {
      const url = await withSetting('default_transaction_read_only = on')
      await using database = await openPostgres({ url })
      expect(database.settingsWarnings.join()).toContain('default_transaction_read_only')
      const appended = { kind: 'append', stream: 's', events: [{ id: 'e', type: 't', text: '{}' }] } as const
      await expect(database.commit([appended])).rejects.toMatchObject({ code: 'DATABASE_READ_ONLY' })
      expect(await database.read([{ kind: 'feed-end' }])).toEqual([0])
    })

    test('with another encoding than UTF-8 is refused', async () => {
      const url = await postgres().emptyDatabase("TEMPLATE template0 ENCODING 'LATIN1'")
      await expect(findings(url)).rejects.toMatchObject({
        code: 'DATABASE_SERVER_UNFIT',
        parameters: { seen: 'the encoding LATIN1' },
      })
    })

    test('whose defaults for sessions would break promises is asked for others, and refused where it cannot be', async () => {
      const url = await withSetting("default_transaction_isolation = 'repeatable read'")
      expect((await findings(url)).durable).toBe(true)
      await expect(findings(url, true)).rejects.toMatchObject({ code: 'DATABASE_SERVER_UNFIT' })
    })
  },
)
