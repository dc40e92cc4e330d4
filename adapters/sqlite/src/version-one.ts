import type { DatabaseSync } from 'node:sqlite'
import { createDocuments, tableStatistics } from './collection-tables.ts'
import { documentsTable } from './sql-names.ts'
import { CREATE_TABLES } from './store-tables.ts'

/**
 * Brings a file of schema version 1 to version 2, inside a transaction: that had a table a collection without tenants,
 * marks and ids of units, and positions. Its collections are bare until they are declared again.
 */
export function migrateVersionOne(database: DatabaseSync): void {
  const tables = database.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all()
  database.exec(CREATE_TABLES)
  database.exec('INSERT INTO _positions SELECT * FROM positions; DROP TABLE positions')
  for (const { name } of tables) migrateTable(database, String(name))
}

const OLD_PREFIX = 'documents_'

function migrateTable(database: DatabaseSync, old: string): void {
  if (!old.startsWith(OLD_PREFIX)) return
  const name = old.slice(OLD_PREFIX.length)
  const collection = name.replace(/\$([a-z])/g, (_, letter: string) => letter.toUpperCase())
  const table = documentsTable(collection)
  database.exec(`${createDocuments(table)};
    INSERT INTO "${table}" (tenant, id, revision, body, created_at, changed_at)
      SELECT '', id, revision, body, created_at, changed_at FROM "${old}" ORDER BY id;
    DROP TABLE "${old}"; ${tableStatistics(table)}`)
  const definition = { name: collection, softDelete: false, indexes: [], references: [], fullText: [] }
  database
    .prepare(`INSERT INTO _declared (kind, name, definition) VALUES ('collection', ?, ?)`)
    .run(collection, JSON.stringify(definition))
}
