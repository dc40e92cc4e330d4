import type { StoreSchema } from '@millrace/documents'
import { openPostgres } from '@millrace/postgres'
import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { postgresServers, sql, usePostgres, versionText } from './postgres-server.ts'

const SCHEMA: StoreSchema = {
  collections: [
    { name: 'zones', fullText: [['title'], ['tags']] },
    {
      name: 'benches',
      softDelete: true,
      indexes: [
        { kind: 'property', name: 'by-zone', paths: [['zone'], ['n']] },
        {
          kind: 'property',
          name: 'code',
          paths: [['code']],
          unique: true,
          where: { kind: 'compare', path: ['state'], operator: 'eq', value: 'in use' },
        },
        { kind: 'column', name: 'height', path: ['size', 'height'], type: 'number' },
        { kind: 'column', name: 'label', path: ['label'], type: 'text', unique: true },
        { kind: 'containment', name: 'all' },
      ],
      references: [{ path: ['zone'], collection: 'zones' }],
    },
  ],
  tables: [{ name: 'totals', columns: { zone: 'text', n: 'number', full: 'boolean' }, key: ['zone'] }],
}

describe.each(postgresServers.map((program) => [versionText(program), program] as const))(
  'with PostgreSQL %s',
  (_, program) => {
    const postgres = usePostgres(program)

    /** Runs a file of statements, as psql does. */
    async function runFile(url: string, text: string): Promise<void> {
      const client = new Client(url)
      await client.connect()
      await client.query(text)
      await client.end()
    }

    test('a plan is plain SQL: run by hand on an empty database it makes all that is declared', async () => {
      const url = await postgres().emptyDatabase()
      await using database = await openPostgres({ url })
      const { steps } = await database.plan(SCHEMA)
      expect(steps.map(({ hazard }) => hazard)).not.toContain('destructive')
      expect(await sql(url, "SELECT FROM pg_namespace WHERE nspname = 'millrace'")).toEqual([])
      await runFile(url, steps.map(({ what, sql: text }) => `-- ${what}\n${text}`).join('\n\n'))
      expect(await database.plan(SCHEMA)).toEqual({ steps: [] })
      await database.prepare(SCHEMA, { checkOnly: true })
    })

    test('a role that may neither make tables nor schemas works with what somebody else has made', async () => {
      const url = await postgres().emptyDatabase()
      const name = new URL(url).pathname.slice(1)
      {
        await using owner = await openPostgres({ url })
        await owner.prepare(SCHEMA)
      }
      const role = `app_${name}`
      await runFile(
        url,
        `CREATE ROLE ${role} LOGIN PASSWORD 'only-for-this-test';
         REVOKE CREATE ON SCHEMA public FROM PUBLIC;
         GRANT USAGE ON SCHEMA millrace TO ${role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA millrace TO ${role};
         GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA millrace TO ${role};`,
      )
      const appUrl = Object.assign(new URL(url), { username: role, password: 'only-for-this-test' })
      await using app = await openPostgres({ url: appUrl.href })
      await app.prepare(SCHEMA)
      await app.commit([
        { kind: 'store', collection: 'zones', id: 'north', text: '{"title":"Nördlich"}' },
        { kind: 'store', collection: 'benches', id: 'a', text: '{"zone":"north"}' },
        { kind: 'expect', collection: 'benches', id: 'b', revision: 0 },
        { kind: 'append', stream: 's', events: [{ id: 'e', type: 't', text: '{}' }] },
      ])
      const [{ events }] = await app.read([{ kind: 'feed', after: 0 }])
      expect(events.map(({ id }) => id)).toEqual(['e'])
      await expect(app.prepare({ collections: [{ name: 'more' }] })).rejects.toMatchObject({
        code: 'DATABASE_READ_ONLY',
      })
    })

    test('two nodes that come with different declarations at once make both, and each finds nothing left to do', async () => {
      const url = await postgres().emptyDatabase()
      await using left = await openPostgres({ url })
      await using right = await openPostgres({ url })
      const others = { collections: [{ name: 'others', fullText: [['text']] }] }
      await Promise.all([
        left.prepare(SCHEMA),
        right.prepare(SCHEMA),
        left.prepare(others),
        right.prepare(others),
      ])
      const all = { collections: [...SCHEMA.collections, ...others.collections], tables: SCHEMA.tables ?? [] }
      expect(await left.plan(all)).toEqual({ steps: [] })
      expect(await right.plan(all)).toEqual({ steps: [] })
    })

    test('a preparation that fails at its last step leaves nothing of the first ones', async () => {
      const url = await postgres().newDatabase()
      await using database = await openPostgres({ url })
      await database.prepare({ collections: [{ name: 'benches' }] })
      const twice = ['a', 'b'].map(
        (id) => ({ kind: 'store', collection: 'benches', id, text: '{"code":1}' }) as const,
      )
      await database.commit(twice)
      const index = { kind: 'property', name: 'code', paths: [['code']], unique: true } as const
      const failing = { collections: [{ name: 'new' }, { name: 'benches', indexes: [index] }] }
      await expect(database.prepare(failing)).rejects.toMatchObject({
        code: 'DOCUMENT_NOT_UNIQUE',
        parameters: { collection: 'benches', index: 'code', values: '[1]' },
      })
      const made = await sql(url, "SELECT relname FROM pg_class WHERE relname = '_documents_new'")
      expect(made).toEqual([])
    })

    test('a schema of a newer version is left as it was', async () => {
      const url = await postgres().newDatabase()
      await sql(url, 'UPDATE millrace._store SET version = 2')
      await using database = await openPostgres({ url })
      const refused = { code: 'DATABASE_TOO_NEW', parameters: { seen: 2, supported: 1 } }
      await expect(database.prepare(SCHEMA)).rejects.toMatchObject(refused)
      await expect(database.plan(SCHEMA)).rejects.toMatchObject(refused)
      await expect(database.read([{ kind: 'feed-end' }])).rejects.toMatchObject(refused)
      await expect(database.commit([])).rejects.toMatchObject(refused)
    })

    test('several stores live in one database, each in its schema', async () => {
      const url = await postgres().emptyDatabase()
      await using one = await openPostgres({ url, schema: 'one' })
      await using two = await openPostgres({ url, schema: 'two' })
      for (const each of [one, two]) await each.prepare({ collections: [{ name: 'benches' }] })
      await one.commit([{ kind: 'store', collection: 'benches', id: 'a', text: '{}' }])
      expect(await two.read([{ kind: 'count', collection: 'benches' }])).toEqual([0])
    })

    test('an index that was never completed, as a concurrent one may be, is made again', async () => {
      const url = await postgres().newDatabase()
      await using database = await openPostgres({ url })
      await database.prepare(SCHEMA)
      const [row] = await sql(
        url,
        "SELECT relname FROM pg_class WHERE relname LIKE '\\_ix\\_benches\\_by-zone%'",
      )
      await sql(
        url,
        `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'millrace."${row?.relname}"'::regclass`,
      )
      const { steps } = await database.plan(SCHEMA)
      expect(steps.map(({ sql: text }) => text)).toMatchObject([
        expect.stringContaining('DROP INDEX'),
        expect.stringContaining('CREATE INDEX'),
      ])
      await database.prepare(SCHEMA)
      expect(await database.plan(SCHEMA)).toEqual({ steps: [] })
    })

    test('each kind of filter and order uses the index that is declared for it', async () => {
      const url = await postgres().newDatabase()
      await using database = await openPostgres({ url })
      await database.prepare(SCHEMA)
      await database.commit([
        { kind: 'store', collection: 'zones', id: 'z', text: '{"title":"a green one"}' },
      ])
      const operations = Array.from({ length: 5_000 }, (_, n) => {
        const body = {
          zone: 'z',
          n,
          code: `c${n}`,
          state: 'in use',
          size: { height: n },
          label: `l${n}`,
          tags: [`t${n}`],
        }
        return { kind: 'store', collection: 'benches', id: `b${n}`, text: JSON.stringify(body) } as const
      })
      await database.commit(operations)
      const titles = Array.from({ length: 2_000 }, (_, n) => {
        return { kind: 'store', collection: 'zones', id: `z${n}`, text: `{"title":"word${n}"}` } as const
      })
      await database.commit(titles)
      // Also takes what was added lately into the index of words.
      await sql(url, 'VACUUM ANALYZE')
      const compare = (path: string[], operator: 'eq' | 'lt', value: string | number) =>
        ({ kind: 'compare', path, operator, value }) as const
      const both = (...filters: ReturnType<typeof compare>[]) => ({ kind: 'and', filters }) as const
      const cases = [
        ['_ix_benches_by-zone', 'benches', both(compare(['zone'], 'eq', 'z'), compare(['n'], 'eq', 7))],
        ['_ix_benches_by-zone', 'benches', both(compare(['zone'], 'eq', 'z'), compare(['n'], 'lt', 7))],
        [
          '_uq_benches_code',
          'benches',
          both(compare(['code'], 'eq', 'c7'), compare(['state'], 'eq', 'in use')),
        ],
        ['_ix_benches_height', 'benches', compare(['size', 'height'], 'lt', 7)],
        ['_label_', 'benches', compare(['label'], 'eq', 'l7')],
        ['_ix_benches_all', 'benches', { kind: 'any', path: ['tags'], filter: compare([], 'eq', 't7') }],
        ['_ix_zones_words', 'zones', { kind: 'search', text: 'WORD123', prefix: true }],
      ] as const
      for (const [index, collection, where] of cases) {
        const { lines, sql: text } = await database.explain({ kind: 'count', collection, where })
        expect(lines.join('\n'), text).toContain(index)
      }
      const where = compare(['zone'], 'eq', 'z')
      const orderBy = [{ path: ['n'], direction: 'ascending' }] as const
      const { lines } = await database.explain({
        kind: 'query',
        collection: 'benches',
        where,
        orderBy,
        limit: 3,
      })
      expect(lines.join('\n')).toMatch(/Incremental Sort[\s\S]*_ix_benches_by-zone/)
    })
  },
)
