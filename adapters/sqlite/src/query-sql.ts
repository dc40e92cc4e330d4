import type {
  AggregateRead,
  CheckedAggregate,
  CheckedCount,
  CheckedDeleted,
  CheckedLoad,
  CheckedQuery,
  CheckedSelection,
  Filter,
  OrderBy,
} from '@millrace/documents'
import { unreachable } from '@millrace/kernel'
import { conjuncts, type DeclaredCollection } from './declared-collection.ts'
import { filterSql } from './filter-sql.ts'
import { RANKS, ranked } from './json-place.ts'
import { documentsTable, jsonPath } from './sql-names.ts'
import { BoundValues, boundLimit, literalValues, type SqlValue } from './sql-values.ts'

/** A statement and what is bound to it. The text holds nothing of the caller's but declared names and paths. */
export interface SqlStatement {
  readonly sql: string
  readonly parameters: readonly SqlValue[]
}

/** The columns of a document in the order in which rows are read. */
const DOCUMENT_COLUMNS =
  'd.id, d.revision, d.created_at, d.changed_at, d.deleted_at, d.correlation_id, d.causation_id'

/** The documents with some ids. */
export function loadSql({ ids, tenant, deleted }: CheckedLoad, collection: DeclaredCollection): SqlStatement {
  const selection = new SelectionSql(
    { collection: collection.name, where: undefined, tenant, deleted },
    collection,
  )
  const among = `d.id IN (SELECT value FROM json_each(${selection.values.put(JSON.stringify(ids))}))`
  return selection.statement(`SELECT ${DOCUMENT_COLUMNS}, d.body ${selection.from} AND ${among}`)
}

/** The documents of a query, in its order. */
export function querySql(query: CheckedQuery, collection: DeclaredCollection): SqlStatement {
  const selection = new SelectionSql(query, collection)
  const { values } = selection
  const parts = query.select?.map(
    ({ name, path }) => `${values.put(name)}, d.body -> ${values.put(jsonPath(path))}`,
  )
  const body = parts === undefined ? 'd.body' : `json_object(${parts.join(', ')})`
  const order = [...query.orderBy.flatMap((each) => selection.order(each)), 'd.id'].join(', ')
  const page = `LIMIT ${boundLimit(values, query.limit)} OFFSET ${boundLimit(values, query.offset)}`
  return selection.statement(
    `SELECT ${DOCUMENT_COLUMNS}, ${body} ${selection.from} ORDER BY ${order} ${page}`,
  )
}

/** How many documents match. */
export function countSql(
  { collection: name, where, tenant, deleted }: CheckedSelection | CheckedCount,
  collection: DeclaredCollection,
): SqlStatement {
  const selection = new SelectionSql({ collection: name, where, tenant, deleted }, collection)
  return selection.statement(`SELECT count(*) ${selection.from}`)
}

/** A figure: a row of the sum, or a row of rank and key of the least or greatest value, or none. */
export function figureSql(
  read: CheckedAggregate,
  { kind, path }: AggregateRead['figures'][number],
  collection: DeclaredCollection,
): SqlStatement {
  const selection = new SelectionSql(read, collection)
  const { rank, key } = selection.ranked(path)
  switch (kind) {
    case 'sum':
      return selection.statement(`SELECT total(${key}) ${selection.from} AND ${rank} = ${RANKS.number}`)
    case 'min':
    case 'max': {
      const direction = kind === 'min' ? 'ASC' : 'DESC'
      const single = `${rank} >= ${RANKS.false} AND ${rank} <= ${RANKS.text}`
      return selection.statement(
        `SELECT ${rank}, ${key} ${selection.from} AND ${single} ORDER BY 1 ${direction}, 2 ${direction} LIMIT 1`,
      )
    }
    default:
      return unreachable(kind)
  }
}

/** The part of a statement that says which documents are meant. */
class SelectionSql {
  readonly values = new BoundValues()
  /** From the table on, with a condition at least; more can be added with AND. */
  readonly from: string
  readonly #collection: DeclaredCollection
  readonly #fixed: readonly Filter[]

  constructor({ where, tenant, deleted }: CheckedSelection, collection: DeclaredCollection) {
    this.#collection = collection
    this.#fixed = where === undefined ? [] : conjuncts(where)
    const tenantMark = this.values.put(tenant)
    const conditions = [
      `d.tenant = ${tenantMark}`,
      ...deletedSql(deleted, collection, this.values),
      ...this.#fixed.map((each) => {
        const values = collection.isLiteral(each) ? literalValues : this.values
        return filterSql(each, { collection, values, document: 'd.', tenant: tenantMark })
      }),
    ]
    this.from = `FROM "${documentsTable(collection.name)}" AS d WHERE ${conditions.join(' AND ')}`
  }

  statement(sql: string): SqlStatement {
    return { sql, parameters: this.values.all }
  }

  /** Rank and key of a value, for orders and figures. */
  ranked(path: readonly string[]): { readonly rank: string; readonly key: string } {
    const place = this.#collection.placeAt('d.body', path, this.values)
    return place.kind === 'ranked' ? place : ranked(place)
  }

  /** What to order by; nothing where all documents have the same value. */
  order({ path, direction }: OrderBy): readonly string[] {
    const known = this.#knownOf(path)
    if (known === 'value') return []
    const { rank, key } = this.ranked(path)
    const word = direction === 'ascending' ? 'ASC' : 'DESC'
    return known === 'rank' ? [`${key} ${word}`] : [`${rank} ${word}`, `${key} ${word}`]
  }

  /**
   * What is the same for all documents that match. SQLite does not see that an expression is constant, and would sort
   * where the index has the order already.
   */
  #knownOf(path: readonly string[]): 'value' | 'rank' | 'nothing' {
    const text = JSON.stringify(path)
    const about = this.#fixed.filter((each) => 'path' in each && JSON.stringify(each.path) === text)
    if (about.some((each) => each.kind === 'compare' && each.operator === 'eq')) return 'value'
    return about.some(isOfOneRank) ? 'rank' : 'nothing'
  }
}

/** Comparisons of numbers and texts hold for values of one type only. */
function isOfOneRank(filter: Filter): boolean {
  switch (filter.kind) {
    case 'compare':
      return filter.operator !== 'ne' && filter.value !== null && typeof filter.value !== 'boolean'
    case 'in':
      return (
        filter.values.every((value) => typeof value === 'number') ||
        filter.values.every((value) => typeof value === 'string')
      )
    case 'starts-with':
    case 'contains':
      return true
    default:
      return false
  }
}

/** Documents that cannot be marked are not asked whether they are: an index alone may answer then. */
function deletedSql(
  deleted: CheckedDeleted,
  { hasMarks }: DeclaredCollection,
  values: BoundValues,
): string[] {
  switch (deleted.kind) {
    case 'include':
      return []
    case 'exclude':
      return hasMarks ? ['d.deleted_at IS NULL'] : []
    case 'only': {
      const { sinceMs, beforeMs } = deleted
      return [
        'd.deleted_at IS NOT NULL',
        ...(sinceMs === undefined ? [] : [`d.deleted_at >= ${values.put(sinceMs)}`]),
        ...(beforeMs === undefined ? [] : [`d.deleted_at < ${values.put(beforeMs)}`]),
      ]
    }
    default:
      return unreachable(deleted)
  }
}
