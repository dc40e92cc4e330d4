import type { DatabaseSync } from 'node:sqlite'
import type { PreparedOperation } from '@millrace/documents'
import { millraceError } from '@millrace/kernel'
import { tableOf } from './sqlite-tables.ts'
import type { StatementCache } from './statement-cache.ts'

/** Where a group is written. */
export interface GroupTarget {
  readonly database: DatabaseSync
  readonly statements: StatementCache
}

/** What became of one unit. */
export type UnitOutcome = { readonly revisions: readonly number[] } | { readonly error: unknown }

/**
 * Writes units in one transaction, synced once for all of them. Each is all or nothing: one that is refused is taken
 * back to its savepoint, and the others stay. If the transaction itself fails, all of them fail.
 */
export function commitGroup(
  target: GroupTarget,
  units: readonly (readonly PreparedOperation[])[],
  atMs: number,
): UnitOutcome[] {
  const { database } = target
  try {
    database.exec('BEGIN IMMEDIATE')
    const outcomes = units.map((unit) => runUnit(target, unit, atMs))
    database.exec('COMMIT')
    return outcomes
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    return units.map(() => ({ error }))
  }
}

/** Throws if the engine has given up the whole transaction, as it may when the disk is full. */
function runUnit(target: GroupTarget, operations: readonly PreparedOperation[], atMs: number): UnitOutcome {
  const { database, statements } = target
  statements.get('SAVEPOINT unit').run()
  try {
    const revisions = operations.map((operation) => apply(statements, operation, atMs))
    statements.get('RELEASE unit').run()
    return { revisions }
  } catch (error) {
    if (!database.isTransaction) throw error
    statements.get('ROLLBACK TO unit').run()
    statements.get('RELEASE unit').run()
    return { error }
  }
}

/** The operation's new revision; 0 for a delete and a position. */
function apply(statements: StatementCache, operation: PreparedOperation, atMs: number): number {
  if (operation.kind === 'position') return applyPosition(statements, operation, atMs)
  const revision =
    operation.kind === 'store' ? applyStore(statements, operation, atMs) : applyDelete(statements, operation)
  if (revision !== undefined) return revision
  const { collection, id, expectedRevision } = operation
  const seen = revisionOf(statements, collection, id)
  throw millraceError('DOCUMENT_CONFLICT', { collection, id, seen, expected: expectedRevision ?? 0 })
}

type Operation<Kind extends PreparedOperation['kind']> = Extract<PreparedOperation, { kind: Kind }>

/** Undefined if the expected revision did not hold. */
function applyStore(
  statements: StatementCache,
  operation: Operation<'store'>,
  atMs: number,
): number | undefined {
  const { collection, id, text, expectedRevision } = operation
  const table = tableOf(collection)
  const insert = `INSERT INTO ${table} (id, revision, body, created_at, changed_at) VALUES (?, 1, ?, ?, ?)`
  if (expectedRevision === undefined) {
    const change = 'revision = revision + 1, body = excluded.body, changed_at = excluded.changed_at'
    const sql = `${insert} ON CONFLICT (id) DO UPDATE SET ${change} RETURNING revision`
    return revisionIn(statements.get(sql).get(id, text, atMs, atMs))
  }
  if (expectedRevision === 0) {
    return revisionIn(
      statements.get(`${insert} ON CONFLICT (id) DO NOTHING RETURNING revision`).get(id, text, atMs, atMs),
    )
  }
  const change = 'revision = revision + 1, body = ?, changed_at = ?'
  const update = `UPDATE ${table} SET ${change} WHERE id = ? AND revision = ? RETURNING revision`
  return revisionIn(statements.get(update).get(text, atMs, id, expectedRevision))
}

/** Undefined if the expected revision did not hold. */
function applyDelete(statements: StatementCache, operation: Operation<'delete'>): number | undefined {
  const { collection, id, expectedRevision } = operation
  if (expectedRevision !== undefined && revisionOf(statements, collection, id) !== expectedRevision)
    return undefined
  statements.get(`DELETE FROM ${tableOf(collection)} WHERE id = ?`).run(id)
  return 0
}

function revisionOf(statements: StatementCache, collection: string, id: string): number {
  return revisionIn(statements.get(`SELECT revision FROM ${tableOf(collection)} WHERE id = ?`).get(id)) ?? 0
}

function revisionIn(row: Record<string, unknown> | undefined): number | undefined {
  return row === undefined ? undefined : Number(row.revision)
}

function applyPosition(statements: StatementCache, operation: Operation<'position'>, atMs: number): number {
  const { processor, expectedOffset } = operation
  const { topic, partition, offset } = operation.position
  if (expectedOffset !== undefined) {
    const stored = 'SELECT "offset" FROM positions WHERE processor = ? AND topic = ? AND partition = ?'
    const seen = Number(statements.get(stored).get(processor, topic, partition)?.offset ?? 0)
    if (seen !== expectedOffset) {
      throw millraceError('POSITION_CONFLICT', {
        processor,
        topic,
        partition,
        seen,
        expected: expectedOffset,
      })
    }
  }
  const insert =
    'INSERT INTO positions (processor, topic, partition, "offset", changed_at) VALUES (?, ?, ?, ?, ?)'
  const update = 'ON CONFLICT DO UPDATE SET "offset" = excluded."offset", changed_at = excluded.changed_at'
  statements.get(`${insert} ${update}`).run(processor, topic, partition, offset, atMs)
  return 0
}
