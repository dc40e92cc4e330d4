/** 'MILL': tells our files from those of others. Source: https://sqlite.org/pragma.html#pragma_application_id */
export const APPLICATION_ID = 0x4d494c4c

/** Of the tables here. Raise it with every change that an older Millrace could not live with. */
export const SCHEMA_VERSION = 1

/** Offsets of processors. */
export const CREATE_POSITIONS = `CREATE TABLE IF NOT EXISTS positions (
  processor TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL,
  "offset" INTEGER NOT NULL, changed_at INTEGER NOT NULL,
  PRIMARY KEY (processor, topic, partition)
) STRICT, WITHOUT ROWID`

const TABLE_PREFIX = 'documents_'

/**
 * The table of a collection, as a quoted identifier. SQLite's names ignore case and ours do not, so a capital X
 * becomes $x. Collection names have been checked: letters, digits, "-" and "_" only.
 */
export function tableOf(collection: string): string {
  return `"${TABLE_PREFIX}${collection.replace(/[A-Z]/g, (letter) => `$${letter.toLowerCase()}`)}"`
}

/** The collection whose table this is; undefined for other tables. */
export function collectionOf(table: string): string | undefined {
  if (!table.startsWith(TABLE_PREFIX)) return undefined
  return table.slice(TABLE_PREFIX.length).replace(/\$([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** One row a document. Times are milliseconds since 1970. Without rowid: one tree to write instead of two. */
export function createCollection(collection: string): string {
  return `CREATE TABLE IF NOT EXISTS ${tableOf(collection)} (
    id TEXT PRIMARY KEY NOT NULL, revision INTEGER NOT NULL, body TEXT NOT NULL,
    created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`
}
