import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { BenchStore, MissingPlan, StorePlan } from '../store.ts'
import { loadPeer, peerVersion } from './peer-packages.ts'

/** As much of a SQLite binding as a log needs; `node:sqlite` and `better-sqlite3` both have it. */
interface Database {
  exec(sql: string): unknown
  prepare(sql: string): {
    run(...values: Uint8Array[]): unknown
    iterate(): Iterable<unknown>
    get(): unknown
  }
  close(): unknown
}

const DURABLE = 'journal_mode=WAL, synchronous=FULL'
const RELAXED = 'journal_mode=WAL, synchronous=NORMAL (synced at checkpoints only)'
const DEFAULT = 'defaults: journal_mode=DELETE, synchronous=FULL'
const PRAGMAS = {
  durable: 'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL',
  relaxed: 'PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL',
  default: '',
} as const

/** The SQLite that Node brings. */
export function nodeSqlitePlans(): StorePlan[] {
  const version = `node:sqlite of Node ${process.versions.node}, SQLite ${process.versions.sqlite}`
  return plans('node:sqlite', version, (path) => new DatabaseSync(path) as unknown as Database)
}

export function betterSqlitePlans(): (StorePlan | MissingPlan)[] {
  const version = peerVersion('better-sqlite3')
  if (version === undefined) {
    return [{ name: 'better-sqlite3', settings: DURABLE, reason: 'not installed: run with --install-peers' }]
  }
  return plans('better-sqlite3', `better-sqlite3 ${version}`, (path) => {
    const Constructor = loadPeer<new (path: string) => Database>('better-sqlite3')
    return new Constructor(path)
  })
}

function plans(source: string, version: string, open: (path: string) => Database): StorePlan[] {
  const plan = (variant: keyof typeof PRAGMAS, settings: string): StorePlan => ({
    id: `${source}/${variant}`,
    name: `${source} ${variant}`,
    settings: `${version}; ${settings}; one transaction an append, or for all that wait`,
    gathers: true,
    open: async (directory) => openSqlite(open(join(directory, 'log.db')), PRAGMAS[variant]),
  })
  return [plan('durable', DURABLE), plan('default', DEFAULT), plan('relaxed', RELAXED)]
}

function openSqlite(database: Database, pragmas: string): BenchStore {
  database.exec(pragmas)
  database.exec('CREATE TABLE log (position INTEGER PRIMARY KEY, value BLOB NOT NULL)')
  const insert = database.prepare('INSERT INTO log (value) VALUES (?)')
  const select = database.prepare('SELECT value FROM log ORDER BY position')
  return {
    append: (records) => {
      const [first] = records
      if (records.length === 1 && first !== undefined) {
        insert.run(first)
        return
      }
      database.exec('BEGIN')
      for (const record of records) insert.run(record)
      database.exec('COMMIT')
    },
    read: async (touch) => {
      for (const row of select.iterate()) if (!touch((row as { value: Uint8Array }).value)) return
    },
    [Symbol.asyncDispose]: async () => void database.close(),
  }
}
