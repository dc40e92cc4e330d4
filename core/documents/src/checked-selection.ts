import { checkFilter, checkOrder, checkPath } from './checked-filter.ts'
import {
  checkFlag,
  checkList,
  checkTenant,
  checkText,
  checkWhole,
  isText,
  type Refuse,
  refuseQuery,
  show,
} from './checked-text.ts'
import { documentLimits as limits } from './document-limits.ts'
import type { Filter, OrderBy } from './filter.ts'
import type { KnownSchema } from './known-schema.ts'
import type { AggregateRead, DeletedChoice, LoadRead, QueryRead, Selection } from './read.ts'

/** Which of the documents that are marked as deleted are found. */
export type CheckedDeleted =
  | { readonly kind: 'exclude' }
  | { readonly kind: 'include' }
  | { readonly kind: 'only'; readonly sinceMs: number | undefined; readonly beforeMs: number | undefined }

/** Which documents are meant. */
export interface CheckedSelection {
  readonly collection: string
  readonly where: Filter | undefined
  readonly tenant: string
  readonly deleted: CheckedDeleted
}

export interface CheckedLoad {
  readonly kind: 'load'
  readonly collection: string
  /** Each once. Some may be no ids at all, and are found nowhere. */
  readonly ids: readonly string[]
  readonly tenant: string
  readonly deleted: CheckedDeleted
}

export interface CheckedQuery extends CheckedSelection {
  readonly kind: 'query'
  readonly orderBy: readonly OrderBy[]
  readonly limit: number
  readonly offset: number
  /** Names with their paths. */
  readonly select: readonly { readonly name: string; readonly path: readonly string[] }[] | undefined
  readonly withTotal: boolean
}

export interface CheckedCount extends CheckedSelection {
  readonly kind: 'count'
}

export interface CheckedAggregate extends CheckedSelection {
  readonly kind: 'aggregate'
  readonly figures: AggregateRead['figures']
}

const MAX = Number.MAX_SAFE_INTEGER

/** Checks a load. */
export function checkLoad(
  { kind, collection, ids, tenant, deleted }: LoadRead,
  known: KnownSchema,
): CheckedLoad {
  known.collection(collection)
  const refuse = refuseQuery(collection)
  const listed = checkList('ids', ids, { max: limits.loadIdsMax }, refuse)
  if (!listed.every((id) => typeof id === 'string')) refuse('an id that is no text', 'texts')
  return {
    kind,
    collection,
    ids: [...new Set(listed)].filter((id) => id !== '' && isText(id, limits.idCharactersMax)),
    tenant: checkTenant(tenant, refuse),
    deleted: checkDeleted(deleted, refuse),
  }
}

/** Checks which documents are meant. */
export function checkSelection(
  { collection, where, tenant, deleted }: Selection,
  known: KnownSchema,
): CheckedSelection {
  const schema = known.collection(collection)
  const refuse = refuseQuery(collection)
  return {
    collection,
    where: where === undefined ? undefined : checkFilter(where, schema, refuse),
    tenant: checkTenant(tenant, refuse),
    deleted: checkDeleted(deleted, refuse),
  }
}

function checkDeleted(deleted: DeletedChoice | undefined, refuse: Refuse): CheckedDeleted {
  if (deleted === undefined || deleted === 'exclude') return { kind: 'exclude' }
  if (deleted === 'include') return { kind: 'include' }
  if (typeof deleted !== 'object' || deleted?.kind !== 'only') {
    return refuse(
      `the choice of deleted documents ${show(deleted)}`,
      '"exclude", "include" or {kind: "only"}',
    )
  }
  const { sinceMs, beforeMs } = deleted
  return {
    kind: 'only',
    sinceMs: sinceMs === undefined ? undefined : checkWhole('sinceMs', sinceMs, MAX, refuse),
    beforeMs: beforeMs === undefined ? undefined : checkWhole('beforeMs', beforeMs, MAX, refuse),
  }
}

/** Checks a query. */
export function checkQuery(query: QueryRead, known: KnownSchema): CheckedQuery {
  const selection = checkSelection(query, known)
  const refuse = refuseQuery(query.collection)
  const { orderBy = [], limit = limits.queryDocumentsDefault, offset = 0, select, withTotal } = query
  return {
    kind: 'query',
    ...selection,
    orderBy: checkOrder(orderBy, refuse),
    limit: checkWhole('limit', limit, limits.queryDocumentsMax, refuse),
    offset: checkWhole('offset', offset, MAX, refuse),
    select: select === undefined ? undefined : checkSelect(select, refuse),
    withTotal: checkFlag('withTotal', withTotal, refuse),
  }
}

function checkSelect(select: Readonly<Record<string, readonly string[]>>, refuse: Refuse) {
  if (typeof select !== 'object' || select === null || Array.isArray(select)) {
    refuse(`a selection that is ${show(select)}`, 'an object of paths')
  }
  const entries = Object.entries(select)
  if (entries.length === 0 || entries.length > limits.selectMax) {
    refuse(`a selection of ${entries.length} parts`, `1 to ${limits.selectMax}`)
  }
  const { pathSegmentCharactersMax: charactersMax } = limits
  return entries.map(([name, path]) => ({
    name: checkText('name', name, { charactersMax, mayBeEmpty: true }, refuse),
    path: checkPath(path, refuse),
  }))
}

/** Checks figures. */
export function checkAggregate(read: AggregateRead, known: KnownSchema): CheckedAggregate {
  const selection = checkSelection(read, known)
  const refuse = refuseQuery(read.collection)
  const listed = checkList('figures', read.figures, { min: 1, max: limits.figuresMax }, refuse)
  const figures = listed.map((figure) => {
    const { kind, path } = Object(figure) as (typeof listed)[number]
    if (kind !== 'sum' && kind !== 'min' && kind !== 'max') {
      refuse(`the figure ${show(kind)}`, '"sum", "min" or "max"')
    }
    return { kind, path: checkPath(path, refuse) }
  })
  return { kind: 'aggregate', ...selection, figures }
}
