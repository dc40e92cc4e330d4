import {
  type DocumentChange,
  documentLimits,
  type Filter,
  type OperationResult,
  type PreparedDocumentOperation,
  valueAt,
} from '@millrace/documents'
import { millraceError, unreachable } from '@millrace/kernel'
import { labelOf } from './collection-tables.ts'
import type { DeclaredCollection } from './declared-collection.ts'
import { filterSql } from './filter-sql.ts'
import type { PatchFunction } from './patch-function.ts'
import { documentsTable, foldedName, indexColumn } from './sql-names.ts'
import { BoundValues, type SqlValue } from './sql-values.ts'
import { isNoJson, violatedIndex } from './sqlite-failure.ts'
import type { StatementCache } from './statement-cache.ts'
import type { WordIndex } from './word-index.ts'
import type { WriteUnit } from './write-unit.ts'

export type OfTenant<Operation> = { readonly tenant: string } & Operation
type Of<Kind extends PreparedDocumentOperation['kind']> = OfTenant<
  Extract<PreparedDocumentOperation, { readonly kind: Kind }>
>

/** What a collection is written with. */
export interface CollectionTools {
  readonly statements: StatementCache
  readonly patching: PatchFunction
  readonly words: WordIndex
}

/** A change of many documents. */
interface ManyChange {
  /** The statement up to its condition. */
  readonly sql: string
  /** Which documents may be meant at all. */
  readonly which: string
  /** The contents change, or only marks do, or the documents go. */
  readonly effect: 'changed' | 'marked' | 'gone'
}

/** The columns that every change sets, with their parameters. */
const RENEWED = 'revision = d.revision + 1, changed_at = ?1, correlation_id = ?2, causation_id = ?3'

/** Writes the documents of one collection. Its statements are texts that are made once. */
export class CollectionWriter {
  readonly #collection: DeclaredCollection
  readonly #tools: CollectionTools
  /** Whether somebody has to know which documents change: full text, or references from here or to here. */
  readonly #isFollowed: boolean
  readonly #isReferring: boolean
  readonly #table: string
  readonly #sql: ReturnType<typeof statementsOf>

  constructor(collection: DeclaredCollection, tools: CollectionTools, isReferred: boolean) {
    this.#collection = collection
    this.#tools = tools
    this.#isReferring = isReferred || collection.schema.references.length > 0
    this.#isFollowed = this.#isReferring || collection.schema.fullText.length > 0
    this.#table = `"${documentsTable(collection.name)}"`
    this.#sql = statementsOf(this.#table)
  }

  apply(
    operation: Exclude<OfTenant<PreparedDocumentOperation>, { readonly kind: 'replace-all' }>,
    unit: WriteUnit,
  ): OperationResult {
    switch (operation.kind) {
      case 'store':
        return this.#store(operation, unit)
      case 'patch':
        return this.#patch(operation, unit)
      case 'patch-where':
        return this.#patchWhere(operation, unit)
      case 'delete':
        return this.#delete(operation, unit)
      case 'delete-where':
        return this.#deleteWhere(operation, unit)
      case 'restore-where':
        return this.#restoreWhere(operation, unit)
      case 'expect':
        this.#checkRevision(operation, operation.revision)
        return {}
      default:
        return unreachable(operation)
    }
  }

  /** A new content for a document of a transformation, marked or not; it stays what it is. */
  rewrite(document: { readonly tenant: string; readonly id: string }, text: string, unit: WriteUnit): void {
    const { tenant, id } = document
    this.#attempt(text, () => this.#run(this.#sql.rewrite, [...marksOf(unit), tenant, id, text]))
    this.#follow(tenant, id, text, unit)
  }

  /** Takes a document away for good. */
  remove({ tenant, id }: { readonly tenant: string; readonly id: string }, unit: WriteUnit): void {
    this.#run(this.#sql.remove, [tenant, id])
    this.#follow(tenant, id, undefined, unit)
  }

  #store(operation: Of<'store'>, unit: WriteUnit): OperationResult {
    const { tenant, id, text, expectedRevision } = operation
    const parameters = [...marksOf(unit), tenant, id, text]
    const row = this.#attempt(text, () => {
      if (expectedRevision === undefined) return this.#get(this.#sql.store, parameters)
      if (expectedRevision === 0) return this.#get(this.#sql.insert, parameters)
      return this.#get(this.#sql.update, [...parameters, expectedRevision])
    })
    if (row === undefined) throw this.#conflict(operation, expectedRevision ?? 0)
    if (this.#isFollowed) this.#follow(tenant, id, text, unit)
    return { revision: Number(row.revision) }
  }

  #patch(operation: Of<'patch'>, unit: WriteUnit): OperationResult {
    const { tenant, id, patches, expectedRevision } = operation
    const { patching } = this.#tools
    return patching.run({ collection: this.#collection.name, patches }, () => {
      const parameters = [...marksOf(unit), tenant, id, expectedRevision ?? null]
      const row = this.#attempt(undefined, () => this.#get(this.#sql.patch, parameters))
      if (row === undefined) {
        this.#checkRevision(operation, expectedRevision)
        return { count: 0 }
      }
      if (this.#isFollowed) this.#follow(tenant, id, patching.lastText, unit)
      return { revision: Number(row.revision), count: 1 }
    })
  }

  #patchWhere(operation: Of<'patch-where'>, unit: WriteUnit): OperationResult {
    const { patches } = operation
    const sql = `UPDATE ${this.#table} AS d SET body = millrace_patch(d.id, d.body), ${RENEWED}`
    const change = { sql, which: 'd.deleted_at IS NULL', effect: 'changed' } as const
    return this.#tools.patching.run({ collection: this.#collection.name, patches }, () =>
      this.#changeMany(change, operation, unit),
    )
  }

  #delete(operation: Of<'delete'>, unit: WriteUnit): OperationResult {
    const { tenant, id, hard, expectedRevision } = operation
    this.#checkRevision(operation, expectedRevision)
    const count = hard
      ? this.#run(this.#sql.remove, [tenant, id])
      : this.#run(this.#sql.mark, [...marksOf(unit), tenant, id])
    if (hard && count > 0) this.#follow(tenant, id, undefined, unit)
    return { count }
  }

  #deleteWhere(operation: Of<'delete-where'>, unit: WriteUnit): OperationResult {
    if (operation.hard) {
      const sql = `DELETE FROM ${this.#table} AS d`
      return this.#changeMany({ sql, which: '1', effect: 'gone' }, operation, unit)
    }
    const sql = `UPDATE ${this.#table} AS d SET deleted_at = ?1, ${RENEWED}`
    return this.#changeMany({ sql, which: 'd.deleted_at IS NULL', effect: 'marked' }, operation, unit)
  }

  #restoreWhere(operation: Of<'restore-where'>, unit: WriteUnit): OperationResult {
    const sql = `UPDATE ${this.#table} AS d SET deleted_at = NULL, ${RENEWED}`
    const change = { sql, which: 'd.deleted_at IS NOT NULL', effect: 'marked' } as const
    return this.#changeMany(change, { ...operation, withChanges: false }, unit)
  }

  /** Changes all documents that match. Reads back which ones only where somebody has to know. */
  #changeMany(
    { sql: change, which, effect }: ManyChange,
    operation: { readonly tenant: string; readonly where: Filter | undefined; readonly withChanges: boolean },
    unit: WriteUnit,
  ): OperationResult {
    const { tenant, where, withChanges } = operation
    const values = new BoundValues()
    // A change has these as its first parameters.
    if (effect !== 'gone') for (const mark of marksOf(unit)) values.put(mark)
    const tenantMark = values.put(tenant)
    const target = { collection: this.#collection, values, document: 'd.', tenant: tenantMark } as const
    const condition = where === undefined ? '1' : filterSql(where, target)
    const sql = `${change} WHERE d.tenant = ${tenantMark} AND ${which} AND ${condition}`
    const isFollowed = this.#isFollowed && effect !== 'marked'
    return this.#attempt(undefined, () => {
      if (!withChanges && !isFollowed) return { count: this.#run(sql, values.all) }
      const limit = withChanges ? documentLimits.changesMax : Number.POSITIVE_INFINITY
      const changes = this.#changed(`${sql} RETURNING id, revision`, values.all, limit)
      // Only now: full text cannot be written to while the statement may still be searching in it.
      if (isFollowed) for (const { id } of changes) this.#follow(tenant, id, this.#textOf(tenant, id), unit)
      return withChanges ? { count: changes.length, changes } : { count: changes.length }
    })
  }

  #changed(sql: string, parameters: readonly SqlValue[], limit: number): DocumentChange[] {
    const changes: DocumentChange[] = []
    this.#tools.statements.each(sql, parameters, ({ id, revision }) => {
      if (changes.length === limit) {
        const seen = `more than ${limit} changes to answer with`
        throw millraceError('COMMIT_TOO_LARGE', { seen, limit })
      }
      changes.push({ id: String(id), revision: Number(revision) })
    })
    return changes
  }

  /** What full text has to look at; undefined if the document is gone. */
  #textOf(tenant: string, id: string): string | undefined {
    if (this.#collection.schema.fullText.length === 0) return undefined
    const row = this.#get(this.#sql.body, [tenant, id])
    return row === undefined ? undefined : String(row.body)
  }

  /** Tells full text and references of a change; the text is undefined if the document is gone. */
  #follow(tenant: string, id: string, text: string | undefined, unit: WriteUnit): void {
    const { words } = this.#tools
    const { name, schema } = this.#collection
    if (this.#isReferring) unit.touched.add(name, tenant, id)
    if (schema.fullText.length === 0) return
    if (text === undefined) words.remove(name, tenant, id)
    else words.put(this.#collection, tenant, id, text)
  }

  #checkRevision(
    operation: { readonly tenant: string; readonly id: string },
    expected: number | undefined,
  ): void {
    if (expected === undefined || this.#revisionOf(operation) === expected) return
    throw this.#conflict(operation, expected)
  }

  #conflict(operation: { readonly tenant: string; readonly id: string }, expected: number) {
    const { name: collection } = this.#collection
    const seen = this.#revisionOf(operation)
    return millraceError('DOCUMENT_CONFLICT', { collection, id: operation.id, seen, expected })
  }

  /** 0 for a document that does not exist, or is marked. */
  #revisionOf({ tenant, id }: { readonly tenant: string; readonly id: string }): number {
    return Number(this.#get(this.#sql.revision, [tenant, id])?.revision ?? 0)
  }

  /** Says what it means when the engine refuses a document. `text` is the document's, if it is known. */
  #attempt<Result>(text: string | undefined, work: () => Result): Result {
    try {
      return work()
    } catch (error) {
      const { name: collection } = this.#collection
      const violated = violatedIndex(error)
      if (violated !== undefined) {
        throw notUnique(this.#collection, violated, text ?? this.#tools.patching.lastText, error)
      }
      if (!isNoJson(error)) throw error
      const issues = 'its text is not JSON that SQLite can read'
      throw millraceError('DOCUMENT_INVALID', { collection, issues }, { cause: error })
    }
  }

  #get(sql: string, parameters: readonly SqlValue[]) {
    return this.#tools.statements.get(sql).get(...parameters)
  }

  #run(sql: string, parameters: readonly SqlValue[]): number {
    return Number(this.#tools.statements.get(sql).run(...parameters).changes)
  }
}

/** The first three parameters of every change: {@link RENEWED}. */
function marksOf({
  atMs,
  correlationId,
  causationId,
}: WriteUnit): readonly [number, string | null, string | null] {
  return [atMs, correlationId, causationId]
}

/** Parameters: the marks, tenant and id, then the text or the expected revision. */
function statementsOf(table: string) {
  const insert = `INSERT INTO ${table} AS d (tenant, id, revision, body, created_at, changed_at, correlation_id, causation_id)
    VALUES (?4, ?5, 1, ?6, ?1, ?1, ?2, ?3) ON CONFLICT (tenant, id) DO UPDATE SET body = excluded.body, deleted_at = NULL, ${RENEWED}`
  const one = 'd.tenant = ?4 AND d.id = ?5'
  const update = `UPDATE ${table} AS d SET`
  return {
    store: `${insert} RETURNING revision`,
    insert: `${insert} WHERE d.deleted_at IS NOT NULL RETURNING revision`,
    update: `${update} body = ?6, ${RENEWED} WHERE ${one} AND d.revision = ?7 AND d.deleted_at IS NULL RETURNING revision`,
    patch: `${update} body = millrace_patch(d.id, d.body), ${RENEWED}
      WHERE ${one} AND d.deleted_at IS NULL AND (?6 IS NULL OR d.revision = ?6) RETURNING revision`,
    rewrite: `${update} body = ?6, ${RENEWED} WHERE ${one}`,
    mark: `${update} deleted_at = ?1, ${RENEWED} WHERE ${one} AND d.deleted_at IS NULL`,
    remove: `DELETE FROM ${table} WHERE tenant = ?1 AND id = ?2`,
    body: `SELECT body FROM ${table} WHERE tenant = ?1 AND id = ?2`,
    revision: `SELECT revision FROM ${table} WHERE tenant = ?1 AND id = ?2 AND deleted_at IS NULL`,
  }
}

/** `violated` is the name of an index or of a column; `text` the document that is not unique, as far as it is known. */
export function notUnique(
  { name: collection, schema }: DeclaredCollection,
  violated: string,
  text: string | undefined,
  cause: unknown,
) {
  const index = schema.indexes.find(({ name }) => {
    return foldedName(name) === labelOf(violated) || indexColumn(name) === violated
  })
  const paths =
    index === undefined || index.kind === 'containment' ? [] : 'path' in index ? [index.path] : index.paths
  const body: unknown = text === undefined ? undefined : JSON.parse(text)
  const values =
    body === undefined ? 'values that are there' : JSON.stringify(paths.map((path) => valueAt(body, path)))
  return millraceError(
    'DOCUMENT_NOT_UNIQUE',
    { collection, index: index?.name ?? violated, values },
    { cause },
  )
}
