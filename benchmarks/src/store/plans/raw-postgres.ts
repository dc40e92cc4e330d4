import { randomUUID } from 'node:crypto'
import { peerVersion } from '../../log/stores/peer-packages.ts'
import { BATCH_EVENTS, DOCUMENTS, reading, type StorePlan, zoneOf } from '../store-plan.ts'
import { connectPg } from './pg-client.ts'

/** What a careful person writes by hand: one round trip a unit, named prepared statements, one connection. */
export function rawPostgresPlan(): StorePlan {
  return {
    id: 'raw-postgres',
    name: 'prepared statements',
    engine: 'postgres',
    role: 'raw',
    settings: `pg ${peerVersion('pg') ?? ''}, one connection, one statement a unit`,
    open: async (_directory, url) => openRaw(url),
  }
}

const TABLES = `
CREATE TABLE streams (stream text PRIMARY KEY, version bigint NOT NULL);
CREATE TABLE events (position bigserial PRIMARY KEY, stream text NOT NULL, version bigint NOT NULL, id text NOT NULL,
  type text NOT NULL, text text NOT NULL, UNIQUE (stream, version));
CREATE TABLE documents (id text PRIMARY KEY, revision bigint NOT NULL, body jsonb NOT NULL);
CREATE INDEX by_zone ON documents ((body ->> 'zone'));`

const APPEND = `WITH moved AS (INSERT INTO streams VALUES ($1, $2) ON CONFLICT (stream) DO UPDATE SET
    version = streams.version + excluded.version RETURNING version)
  INSERT INTO events (stream, version, id, type, text)
  SELECT $1, moved.version - $2 + row_number() OVER (), each.id, 'reading', each.text
  FROM moved, unnest($3::text[], $4::text[]) AS each (id, text)`
const STORE = `INSERT INTO documents VALUES ($1, 1, $2)
  ON CONFLICT (id) DO UPDATE SET revision = documents.revision + 1, body = excluded.body`
const FILL = `INSERT INTO documents SELECT each.id, 1, each.body FROM unnest($1::text[], $2::jsonb[]) AS each (id, body)`

async function openRaw(url: string) {
  const client = await connectPg(url)
  await client.query(TABLES)
  const run = async (name: string, text: string, values: readonly unknown[]) =>
    (await client.query({ name, text, values })).rows
  const append = async (stream: string, turn: number, count: number) => {
    const ids = Array.from({ length: count }, () => randomUUID())
    const texts = ids.map((id, index) =>
      JSON.stringify({ specversion: '1.0', id, type: 'reading', data: reading(turn + index) }),
    )
    await run('append', APPEND, [stream, count, ids, texts])
    return count
  }
  const found = async (name: string, text: string, value: unknown) =>
    (await run(name, text, [value])).length > 0 ? 1 : 0
  const turns = Array.from({ length: DOCUMENTS }, (_, turn) => turn)
  await run('fill', FILL, [turns.map((turn) => `d-${turn}`), turns.map(documentText)])
  await client.query('ANALYZE')
  return {
    steps: {
      'append one': (turn: number) => append(`s-${turn % 100}`, turn, 1),
      'append batch': (turn: number) => append(`b-${turn % 100}`, turn, BATCH_EVENTS),
      'store document': async (turn: number) => {
        await run('store', STORE, [`d-${turn % DOCUMENTS}`, documentText(turn)])
        return 1
      },
      'load document': (turn: number) =>
        found(
          'load',
          'SELECT id, revision, body FROM documents WHERE id = $1',
          `d-${(turn * 31) % DOCUMENTS}`,
        ),
      'query index': (turn: number) =>
        found(
          'zone',
          `SELECT id, revision, body FROM documents WHERE body ->> 'zone' = $1 ORDER BY id LIMIT 100`,
          zoneOf(turn),
        ),
      'query scan': () =>
        found(
          'heat',
          `SELECT id, revision, body FROM documents WHERE (body ->> 'celsius')::numeric > $1 ORDER BY id LIMIT 100`,
          398,
        ),
    },
    [Symbol.asyncDispose]: () => client.end(),
  }
}

function documentText(turn: number): string {
  return JSON.stringify({ id: `d-${turn % DOCUMENTS}`, ...reading(turn) })
}
