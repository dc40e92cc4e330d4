import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { BATCH_EVENTS, DOCUMENTS, PRODUCERS, reading, type StorePlan, zoneOf } from '../store-plan.ts'

/** What a careful person writes by hand: the same tables, prepared statements, and the calling thread waits. */
export function rawSqlitePlan(): StorePlan {
  return {
    id: 'raw-sqlite',
    name: 'prepared statements',
    engine: 'sqlite',
    role: 'raw',
    settings: `node:sqlite ${process.versions.sqlite}, WAL, synchronous=FULL, on the calling thread; 64 producers share a transaction`,
    open: async (directory) => openRaw(join(directory, 'raw.db')),
  }
}

const TABLES = `
PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
CREATE TABLE streams (stream TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE events (position INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, version INTEGER NOT NULL,
  id TEXT NOT NULL, type TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (stream, version)) STRICT;
CREATE TABLE documents (id TEXT PRIMARY KEY NOT NULL, revision INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
CREATE INDEX by_zone ON documents (body ->> '$.zone');`

function openRaw(file: string) {
  const database = new DatabaseSync(file)
  database.exec(TABLES)
  const statement = (sql: string) => database.prepare(sql)
  const begin = statement('BEGIN IMMEDIATE')
  const commit = statement('COMMIT')
  const move = statement(
    'INSERT INTO streams VALUES (?, ?) ON CONFLICT DO UPDATE SET version = version + excluded.version RETURNING version',
  )
  const event = statement('INSERT INTO events (stream, version, id, type, text) VALUES (?, ?, ?, ?, ?)')
  const store = statement(
    'INSERT INTO documents VALUES (?, 1, ?) ON CONFLICT DO UPDATE SET revision = revision + 1, body = excluded.body',
  )
  const load = statement('SELECT id, revision, body FROM documents WHERE id = ?')
  const byZone = statement(
    `SELECT id, revision, body FROM documents WHERE body ->> '$.zone' = ? ORDER BY id LIMIT 100`,
  )
  const byHeat = statement(
    `SELECT id, revision, body FROM documents WHERE body ->> '$.celsius' > ? ORDER BY id LIMIT 100`,
  )
  const append = (stream: string, turn: number, count: number) => {
    const end = Number(move.get(stream, count)?.version)
    for (let index = 0; index < count; index += 1) {
      const id = randomUUID()
      const text = JSON.stringify({ specversion: '1.0', id, type: 'reading', data: reading(turn + index) })
      event.run(stream, end - count + index + 1, id, 'reading', text)
    }
  }
  const inTransaction = (work: () => void) => {
    begin.run()
    work()
    commit.run()
  }
  const parsed = (rows: readonly Record<string, unknown>[]) => {
    const documents = rows.map(({ body }) => JSON.parse(String(body)))
    return documents.length > 0 ? 1 : 0
  }
  inTransaction(() => {
    for (let turn = 0; turn < DOCUMENTS; turn += 1) store.run(`d-${turn}`, documentText(turn))
  })
  return {
    steps: {
      'append one': (turn: number) => {
        inTransaction(() => append(`s-${turn % 100}`, turn, 1))
        return 1
      },
      'append by 64': (turn: number) => {
        inTransaction(() => {
          for (let producer = 0; producer < PRODUCERS; producer += 1) append(`p-${producer}`, turn, 1)
        })
        return PRODUCERS
      },
      'append batch': (turn: number) => {
        inTransaction(() => append(`b-${turn % 100}`, turn, BATCH_EVENTS))
        return BATCH_EVENTS
      },
      'store document': (turn: number) => {
        inTransaction(() => store.run(`d-${turn % DOCUMENTS}`, documentText(turn)))
        return 1
      },
      'load document': (turn: number) => parsed(load.all(`d-${(turn * 31) % DOCUMENTS}`)),
      'query index': (turn: number) => parsed(byZone.all(zoneOf(turn))),
      'query scan': () => parsed(byHeat.all(398)),
    },
    [Symbol.asyncDispose]: async () => database.close(),
  }
}

function documentText(turn: number): string {
  return JSON.stringify({ id: `d-${turn % DOCUMENTS}`, ...reading(turn) })
}
