import type { WriteOperation } from '@millrace/documents'
import { openPostgres, type PostgresDatabase, type PostgresOptions } from '@millrace/postgres'
import { describe, expect, onTestFinished, test } from 'vitest'
import { heldRows, postgresServers, sql, untilWaiting, usePostgres, versionText } from './postgres-server.ts'

const SCHEMA = {
  collections: [
    { name: 'zones' },
    { name: 'benches', references: [{ path: ['zone'], collection: 'zones' }] },
  ],
}

const store = (id: string, body: object = {}, collection = 'benches') =>
  ({ kind: 'store', collection, id, text: JSON.stringify(body) }) as const
const append = (stream: string, expectedVersion: number) => {
  return { kind: 'append', stream, expectedVersion, events: [{ id: 'e', type: 't', text: '{}' }] } as const
}

/** What became of units that were committed in the same turn, and so shared a transaction: a code, or undefined. */
async function outcomes(
  database: PostgresDatabase,
  units: readonly (readonly WriteOperation[])[],
): Promise<(string | undefined)[]> {
  const settled = await Promise.allSettled(units.map((unit) => database.commit(unit)))
  return settled.map((each) => (each.status === 'rejected' ? each.reason.code : undefined))
}

describe.each(postgresServers.map((program) => [versionText(program), program] as const))(
  'with PostgreSQL %s',
  (_, program) => {
    const postgres = usePostgres(program)

    async function opened(
      options: PostgresOptions = {},
    ): Promise<{ url: string; database: PostgresDatabase }> {
      const url = await postgres().newDatabase()
      const database = await openPostgres({ url, commitConnectionsMax: 1, ...options })
      onTestFinished(() => database.close())
      await database.prepare(SCHEMA)
      return { url, database }
    }

    async function transactions(url: string, work: () => Promise<unknown>): Promise<number> {
      const count = async () => {
        const rows = await sql(url, 'SELECT count(DISTINCT xmin::text) AS n FROM millrace._documents_benches')
        return Number(rows[0]?.n)
      }
      const before = await count()
      await work()
      return (await count()) - before
    }

    test('units of one turn share a transaction', async () => {
      const { url, database } = await opened()
      const units = Array.from({ length: 100 }, (_, n) => [store(`n${n}`)])
      const shared = await transactions(url, async () => {
        expect(await outcomes(database, units)).toEqual(units.map(() => undefined))
      })
      // The first may have gone alone.
      expect(shared).toBeLessThanOrEqual(2)
    })

    test('those that are refused touch no others, and are refused for what has happened', async () => {
      const { database } = await opened()
      const refused = new Set([7, 30, 31, 49])
      // Each stream is begun by one unit and, where it is refused, by the one behind it once more.
      const streams = Array.from({ length: 50 }, (_, n) =>
        refused.has(n) ? `s${refused.has(n - 1) ? n - 2 : n - 1}` : `s${n}`,
      )
      const units = streams.map((stream, n) => [store(`n${n}`, { n }), append(stream, 0)])
      const codes = await outcomes(database, units)
      expect(codes.map((code, n) => (code === undefined ? -1 : n)).filter((n) => n >= 0)).toEqual([
        ...refused,
      ])
      expect(new Set(codes)).toEqual(new Set([undefined, 'STREAM_CONFLICT']))
      const [{ documents }] = await database.read([{ kind: 'query', collection: 'benches' }])
      expect(documents).toHaveLength(46)
      const [{ events }] = await database.read([{ kind: 'feed', after: 0 }])
      const expected = streams.filter((_, n) => !refused.has(n))
      expect(events.map(({ stream }) => stream)).toEqual(expected)
    })

    test('one that waits for somebody else keeps the others waiting for a moment only', async () => {
      // Alone it could wait for longer than this test.
      const { url, database } = await opened({ limits: { lockMsMax: 100_000, statementMsMax: 100_000 } })
      await database.commit([store('held')])
      const holder = await heldRows(url, ['held'])
      const units = [[store('a')], [store('held')], [store('b')]].map((unit) => database.commit(unit))
      await Promise.all([units[0], units[2]])
      await untilWaiting(url, 1)
      await holder.release()
      await units[1]
    })

    test('one that breaks a reference, which is found at the end of the transaction only, is refused alone', async () => {
      const { database } = await opened()
      const units = [
        [store('north', {}, 'zones')],
        [store('a', { zone: 'north' })],
        [store('b', { zone: 'south' })],
        [store('c')],
      ]
      expect(await outcomes(database, units)).toEqual([
        undefined,
        undefined,
        'DOCUMENT_REFERENCE_BROKEN',
        undefined,
      ])
      const [{ documents }] = await database.read([{ kind: 'query', collection: 'benches' }])
      expect(documents.map(({ id }) => id)).toEqual(['a', 'c'])
    })

    test('what another node has changed of the tables does not disturb statements that are prepared', async () => {
      const { url, database } = await opened()
      const read = () => database.read([{ kind: 'query', collection: 'benches' }])
      await database.commit([store('a', { size: 1 })])
      await read()
      await using other = await openPostgres({ url })
      const index = { kind: 'column', name: 'size', path: ['size'], type: 'number' } as const
      await other.prepare({ collections: [{ name: 'benches', indexes: [index] }] })
      await database.commit([store('b', { size: 2 })])
      const [{ documents }] = await read()
      expect(documents.map(({ id }) => id)).toEqual(['a', 'b'])
    })

    test('a table that somebody has dropped is named', async () => {
      const { url, database } = await opened()
      await sql(url, 'DROP TABLE millrace._documents_benches')
      const refused = { code: 'STORE_SCHEMA_DIFFERS', message: expect.stringContaining('_documents_benches') }
      await expect(database.commit([store('a')])).rejects.toMatchObject(refused)
      await expect(database.read([{ kind: 'count', collection: 'benches' }])).rejects.toMatchObject(refused)
    })
  },
)
