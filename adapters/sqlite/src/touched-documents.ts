import { millraceError } from '@millrace/kernel'
import type { DeclaredCollection } from './declared-collection.ts'
import type { DeclaredSchema } from './declared-schema.ts'
import { typedValueAt } from './json-place.ts'
import { documentsTable } from './sql-names.ts'
import type { StatementCache } from './statement-cache.ts'

/**
 * The documents that a unit changes in collections with references, either end. References are checked when all of the
 * unit is done, and for each unit by itself: SQLite's own deferred foreign keys would be checked only when the whole
 * group is committed, and one bad unit would take the others with it.
 */
export class TouchedDocuments {
  /** By collection and tenant. */
  readonly #touched = new Map<string, Map<string, Set<string>>>()
  /** Collections of which everything may have changed. */
  readonly #replaced = new Set<string>()

  get isEmpty(): boolean {
    return this.#touched.size === 0 && this.#replaced.size === 0
  }

  add(collection: string, tenant: string, id: string): void {
    const tenants = this.#touched.get(collection) ?? new Map<string, Set<string>>()
    const ids = tenants.get(tenant) ?? new Set<string>()
    ids.add(id)
    tenants.set(tenant, ids)
    this.#touched.set(collection, tenants)
  }

  addAll(collection: string): void {
    this.#replaced.add(collection)
  }

  /** Throws `DOCUMENT_REFERENCE_BROKEN` if one refers to nothing, or is gone and referred to. */
  check(statements: StatementCache, declared: DeclaredSchema): void {
    for (const [collection, tenants] of this.#touched) {
      for (const [tenant, ids] of tenants) {
        const text = JSON.stringify([...ids])
        for (const sql of referenceSql(
          declared.collection(collection),
          'd.tenant = ?1 AND d.id IN (SELECT value FROM json_each(?2))',
        )) {
          refuseIfAny(statements, sql, [tenant, text])
        }
        for (const referrer of declared.referrersOf(collection)) {
          for (const sql of referrerSql(referrer, collection)) refuseIfAny(statements, sql, [tenant, text])
        }
      }
    }
    for (const collection of this.#replaced) checkAllReferences(statements, declared, collection)
  }
}

/** Throws `DOCUMENT_REFERENCE_BROKEN` unless all references of a collection and all to it hold. */
export function checkAllReferences(
  statements: StatementCache,
  declared: DeclaredSchema,
  collection: string,
): void {
  const own = declared.collection(collection)
  for (const each of new Set([own, ...declared.referrersOf(collection)])) {
    for (const sql of referenceSql(each, '1')) refuseIfAny(statements, sql, [])
  }
}

interface ReferenceSql {
  readonly collection: string
  readonly target: string
  /** Finds a row if a reference is broken. */
  readonly sql: string
}

/** Finds documents that are meant by `which` and refer to nothing. */
function referenceSql({ name, schema }: DeclaredCollection, which: string): readonly ReferenceSql[] {
  return schema.references.map(({ path, collection: target }) => {
    const id = typedValueAt('d.body', path, 'text')
    const sql = `SELECT 1 FROM "${documentsTable(name)}" AS d WHERE ${which} AND ${id} IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM "${documentsTable(target)}" AS t WHERE t.tenant = d.tenant AND t.id = ${id}) LIMIT 1`
    return { collection: name, target, sql }
  })
}

/** Finds documents that refer to one of some that do not exist. */
function referrerSql({ name, schema }: DeclaredCollection, target: string): readonly ReferenceSql[] {
  const paths = schema.references.filter((each) => each.collection === target)
  return paths.map(({ path }) => {
    const id = typedValueAt('d.body', path, 'text')
    const sql = `SELECT 1 FROM json_each(?2) AS gone CROSS JOIN "${documentsTable(name)}" AS d
      ON d.tenant = ?1 AND ${id} = gone.value
      WHERE NOT EXISTS (SELECT 1 FROM "${documentsTable(target)}" AS t WHERE t.tenant = ?1 AND t.id = gone.value) LIMIT 1`
    return { collection: name, target, sql }
  })
}

function refuseIfAny(
  statements: StatementCache,
  { collection, target, sql }: ReferenceSql,
  parameters: readonly string[],
): void {
  if (statements.get(sql).get(...parameters) === undefined) return
  throw millraceError('DOCUMENT_REFERENCE_BROKEN', { collection, target })
}
