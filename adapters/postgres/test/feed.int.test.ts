import type { StoredEvent } from '@millrace/documents'
import { openPostgres, type PostgresDatabase } from '@millrace/postgres'
import * as fc from 'fast-check'
import { Client } from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { passTime, postgresServers, sql, usePostgres, versionText } from './postgres-server.ts'

/** A way to read the feed, and what it says where to go on. */
type Reader = (
  database: PostgresDatabase,
  url: string,
  after: number,
) => Promise<{ ids: string[]; through: number }>

const byMark: Reader = async (database, _, after) => {
  const [{ events, through }] = await database.read([{ kind: 'feed', after }])
  return { ids: events.map(({ id }) => id), through }
}

/** All that is visible behind a position. */
const byPosition: Reader = (_, url, after) => visible(url, after, 'true')

/** All that is visible and has had some time to be joined by what is slower: as long as a test has patience. */
const byTime: Reader = (_, url, after) =>
  visible(url, after, 'recorded_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - 50')

/** What was written by transactions with ids below all that run: an order by ids, read in the order of positions. */
const byTransactionId: Reader = (_, url, after) =>
  visible(url, after, 'xmin::text::bigint < pg_snapshot_xmin(pg_current_snapshot())::text::bigint')

async function visible(url: string, after: number, condition: string) {
  const from = `FROM millrace._events WHERE position > $1 AND ${condition} ORDER BY position LIMIT 500`
  const rows = await sql(url, `SELECT event_id, position::int AS position ${from}`, [after])
  return { ids: rows.map((row) => String(row.event_id)), through: Number(rows.at(-1)?.position ?? after) }
}

/** Somebody who writes events in a transaction that stays open as long as the test wants. */
class SlowWriter {
  readonly #client: Client

  private constructor(client: Client) {
    this.#client = client
  }

  static async begin(url: string, prologue?: string): Promise<SlowWriter> {
    const client = new Client(url)
    client.on('error', () => undefined)
    await client.connect()
    await client.query('BEGIN')
    if (prologue !== undefined) await client.query(prologue)
    return new SlowWriter(client)
  }

  /** As the adapter's statements do: the table's lock, then the number. */
  async write(id: string): Promise<void> {
    await this.#client.query(
      `INSERT INTO millrace._events (position, tenant, version, event_id, type, text, recorded_at)
       SELECT nextval('millrace._event_positions'), '', 0, $1, 't', '{}', (extract(epoch FROM clock_timestamp()) * 1000)::bigint`,
      [id],
    )
  }

  async query(text: string): Promise<void> {
    await this.#client.query(text)
  }

  async end(how: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    await this.#client.query(how)
    await this.#client.end()
  }
}

const event = (id: string) => ({ id, type: 't', text: '{}' })

describe.each(postgresServers.map((program) => [versionText(program), program] as const))(
  'with PostgreSQL %s',
  (_, program) => {
    const postgres = usePostgres(program)

    async function opened(): Promise<{ url: string; database: PostgresDatabase }> {
      const url = await postgres().newDatabase()
      const database = await openPostgres({ url })
      onTestFinished(() => database.close())
      return { url, database }
    }

    /** A smaller number is committed after a greater one, while a reader goes on behind what it has seen. */
    async function committedInTheOtherOrder(read: Reader): Promise<string[]> {
      const { url, database } = await opened()
      const found: string[] = []
      let after = 0
      const look = async () => {
        const { ids, through } = await read(database, url, after)
        found.push(...ids)
        after = through
      }
      const slow = await SlowWriter.begin(url)
      await slow.write('first')
      const quick = await SlowWriter.begin(url)
      await quick.write('second')
      await quick.end('COMMIT')
      // Longer than the patience of the reader by time.
      await passTime(100)
      await look()
      await slow.end('COMMIT')
      await database.commit([{ kind: 'append', stream: 's', events: [event('third')] }])
      await passTime(100)
      await look()
      await look()
      return found
    }

    test('a reader misses nothing that is committed below what is there already', async () => {
      expect(await committedInTheOtherOrder(byMark)).toEqual(['first', 'second', 'third'])
    })

    test.each([
      ['position alone', byPosition],
      ['time', byTime],
    ])('a reader that goes by %s misses it: the test can tell', async (_, reader) => {
      expect(await committedInTheOtherOrder(reader)).toEqual(['second', 'third'])
    })

    test('transaction ids do not tell either: one with a greater id may have the smaller number', async () => {
      async function found(read: Reader): Promise<string[]> {
        const { url, database } = await opened()
        // Has the smaller id, and takes the greater number.
        const old = await SlowWriter.begin(url, 'SELECT pg_current_xact_id()')
        const young = await SlowWriter.begin(url, 'SELECT pg_current_xact_id()')
        await young.write('first')
        await old.write('second')
        await old.end('COMMIT')
        const before = await read(database, url, 0)
        await young.end('COMMIT')
        const after = await read(database, url, before.through)
        return [...before.ids, ...after.ids]
      }
      expect(await found(byTransactionId)).toEqual(['second'])
      expect(await found(byMark)).toEqual(['first', 'second'])
    })

    test('the greatest id that SQL shows is below one that runs and has a smaller number', async () => {
      const { url } = await opened()
      const old = await SlowWriter.begin(url, 'SELECT pg_current_xact_id()')
      const young = await SlowWriter.begin(url, 'SELECT pg_current_xact_id()')
      await young.write('first')
      await old.write('second')
      const [row] = await sql(
        url,
        `SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint <= max(backend_xid::text::bigint) AS is_below
         FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND datname = current_database()`,
      )
      expect(row).toEqual({ is_below: true })
      await old.end('ROLLBACK')
      await young.end('ROLLBACK')
    })

    test('a hole that was rolled back holds nobody back, also while others write', async () => {
      const { url, database } = await opened()
      const gone = await SlowWriter.begin(url)
      await gone.write('gone')
      await database.commit([{ kind: 'append', stream: 's', events: [event('a')] }])
      expect((await byMark(database, url, 0)).ids).toEqual([])
      await gone.end('ROLLBACK')
      const other = await SlowWriter.begin(url)
      await other.write('later')
      expect((await byMark(database, url, 0)).ids).toEqual(['a'])
      await other.end('COMMIT')
    })

    test('numbers of a savepoint that is rolled back are a hole, and later ones of the transaction are waited for', async () => {
      const { url, database } = await opened()
      const writer = await SlowWriter.begin(url)
      await writer.query('SAVEPOINT s')
      await writer.write('gone')
      await writer.query('ROLLBACK TO SAVEPOINT s')
      await database.commit([{ kind: 'append', stream: 's', events: [event('a')] }])
      expect((await byMark(database, url, 0)).ids).toEqual(['a'])
      await writer.write('b')
      await database.commit([{ kind: 'append', stream: 's', events: [event('c')] }])
      const held = await byMark(database, url, 2)
      expect(held).toEqual({ ids: [], through: 2 })
      await writer.end('COMMIT')
      expect((await byMark(database, url, held.through)).ids).toEqual(['b', 'c'])
    })

    test('a unit that was refused holds nobody back from the moment on in which its error is told', async () => {
      const { url, database } = await opened()
      for (let n = 0; n < 30; n += 1) {
        const begun = {
          kind: 'append',
          stream: `s${n}`,
          expectedVersion: 0,
          events: [event(`${n}`)],
        } as const
        // The second one writes another stream, and so takes a position, before it is refused.
        const refused = [{ ...begun, stream: `other${n}` }, begun]
        await Promise.allSettled([database.commit([begun]), database.commit(refused)])
        expect((await byMark(database, url, 0)).ids).toHaveLength(n + 1)
      }
    })

    test('somebody else who writes other tables for long holds nobody back', async () => {
      const { url, database } = await opened()
      await sql(url, 'CREATE TABLE other (n int)')
      const other = await SlowWriter.begin(url, 'INSERT INTO other VALUES (1)')
      await database.commit([{ kind: 'append', stream: 's', events: [event('a')] }])
      expect((await byMark(database, url, 0)).ids).toEqual(['a'])
      await other.end('COMMIT')
    })

    test('a reader that was opened while somebody writes gets what is there without a hole', async () => {
      const { url, database } = await opened()
      await database.commit([{ kind: 'append', stream: 's', events: [event('a'), event('b')] }])
      const slow = await SlowWriter.begin(url)
      await slow.write('slow')
      await database.commit([{ kind: 'append', stream: 's', events: [event('c')] }])
      await using late = await openPostgres({ url })
      expect(await byMark(late, url, 0)).toEqual({ ids: ['a', 'b'], through: 2 })
      expect(await late.read([{ kind: 'feed-end' }])).toEqual([2])
      await slow.end('COMMIT')
      expect((await byMark(late, url, 2)).ids).toEqual(['slow', 'c'])
    })

    test('readers on several nodes see each committed event once, whatever order writers begin, write, commit and roll back in', async () => {
      const step = fc.record({
        writer: fc.integer({ min: 0, max: 3 }),
        what: fc.constantFrom('write', 'write', 'write', 'COMMIT', 'ROLLBACK', 'look'),
      })
      const { url, database } = await opened()
      await using second = await openPostgres({ url })
      let round = 0
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
          round += 1
          await outcomeOf(url, [database, second], steps, `${round}`)
        }),
        { numRuns: 25 },
      )
    })
  },
)

/** Runs steps of four writers and reads between them; nothing may be missed, doubled or out of order. */
async function outcomeOf(
  url: string,
  nodes: readonly PostgresDatabase[],
  steps: readonly { readonly writer: number; readonly what: 'write' | 'look' | 'COMMIT' | 'ROLLBACK' }[],
  round: string,
): Promise<void> {
  const writers: ({ writer: SlowWriter; written: string[] } | undefined)[] = []
  const committed = new Set<string>()
  const start = Number(
    (await sql(url, 'SELECT coalesce(max(position), 0)::int AS n FROM millrace._events'))[0]?.n,
  )
  const readers = nodes.map((node) => ({ node, found: [] as StoredEvent[], after: start }))
  const look = async (reader: (typeof readers)[number]) => {
    const [{ events, through }] = await reader.node.read([{ kind: 'feed', after: reader.after, limit: 7 }])
    reader.found.push(...events)
    reader.after = through
  }
  const end = async (index: number, how: 'COMMIT' | 'ROLLBACK') => {
    const open = writers[index]
    writers[index] = undefined
    await open?.writer.end(how)
    if (how === 'COMMIT') for (const id of open?.written ?? []) committed.add(id)
  }
  for (const [index, { writer, what }] of steps.entries()) {
    if (what === 'look') await look(readers[writer % nodes.length]!)
    else if (what === 'write') {
      writers[writer] ??= { writer: await SlowWriter.begin(url), written: [] }
      const id = `${round}-${index}`
      await writers[writer].writer.write(id)
      writers[writer].written.push(id)
    } else await end(writer, what)
  }
  for (const index of [0, 1, 2, 3]) await end(index, index % 2 === 0 ? 'COMMIT' : 'ROLLBACK')
  for (const reader of readers) {
    for (let size = -1; size !== reader.found.length; ) {
      size = reader.found.length
      await look(reader)
    }
    const positions = reader.found.map(({ position }) => position)
    expect(positions).toEqual([...positions].sort((left, right) => left - right))
    expect(reader.found.map(({ id }) => id).sort()).toEqual([...committed].sort())
  }
}
